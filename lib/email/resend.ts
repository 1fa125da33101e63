import { createHash } from 'node:crypto';
import net from 'node:net';
import { Resend } from 'resend';
import { z } from 'zod';
import { parseAddress } from './address';
import {
  type Letter,
  type Mailbox,
  policyRefusal,
  type SenderTrouble,
  type SendResult,
  serverWords,
  type Transport,
  type WaitCode,
} from './letter';
import { oneLine } from './mime';

/*
 * Letters over Resend's batch API. A batch goes with an idempotency key: Resend answers the same key and bytes with the same
 * answer for 24 hours, so that what ended without an answer may be repeated (`unknown` here, repeated by the engine).
 */

export type ResendSettings = { apiKey: string; baseUrl: string; timeoutMs: number };

/** A mailbox as Resend takes it: letters of any language in the name, quoted where RFC 5322 wants it. */
function mailbox({ name, address }: Mailbox): string {
  const shown = oneLine(name);
  const recipient = parseAddress(address) ?? address;
  if (shown === '') return recipient;
  return `${/^[\p{L}\p{N} _'-]+$/u.test(shown) ? shown : `"${shown.replace(/["\\]/g, '\\$&')}"`} <${recipient}>`;
}

function payload(letter: Letter) {
  return {
    from: mailbox(letter.from),
    to: [mailbox({ name: '', address: letter.to.address })],
    subject: oneLine(letter.subject),
    html: letter.html,
    text: letter.text,
    ...(letter.replyTo ? { replyTo: letter.replyTo } : {}),
    headers: Object.fromEntries(letter.headers.map(([name, value]) => [name, oneLine(value)])),
  };
}

const taken = z.object({
  data: z.array(z.looseObject({ id: z.string().min(1) })),
  errors: z.array(z.looseObject({ index: z.number().int().min(0), message: z.string() })).optional(),
});
const refusal = z.looseObject({
  statusCode: z.number().int().nullish(),
  name: z.string().default(''),
  message: z.string().default(''),
});
type Refusal = z.output<typeof refusal>;

/** Seconds the answer asks to wait: `retry-after` or `ratelimit-reset`, seconds or a date, at most a day. */
function waitSeconds(headers: Record<string, string> | null, now: Date): number | undefined {
  const value = headers?.['retry-after'] ?? headers?.['ratelimit-reset'];
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  const wait = Number.isFinite(seconds) ? seconds : (Date.parse(value) - now.getTime()) / 1000;
  return Number.isFinite(wait) && wait >= 0 ? Math.min(Math.max(1, Math.ceil(wait)), 86_400) : undefined;
}

/** Seconds until the next UTC day, or the next UTC month, begins. */
function untilNext(period: 'day' | 'month', now: Date): number {
  const next =
    period === 'day'
      ? Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
      : Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  return Math.ceil((next - now.getTime()) / 1000);
}

/** What a whole answer means. `unsure`: the letters may have gone. `split`: one of them spoils the batch. */
type Verdict =
  | { kind: 'sender'; trouble: SenderTrouble; code: number | null }
  | { kind: 'unsure'; response: string }
  | { kind: 'split'; code: number; response: string };

function judge(error: Refusal, headers: Record<string, string> | null, now: Date): Verdict {
  const code = error.statusCode ?? null;
  const response = serverWords([code, error.name, error.message].filter(Boolean).join(' '));
  const sender = (waitCode: WaitCode, seconds = waitSeconds(headers, now)): Verdict => ({
    kind: 'sender',
    code,
    trouble: { waitCode, response, ...(seconds === undefined ? {} : { waitSeconds: seconds }) },
  });
  if (error.name === 'daily_quota_exceeded') return sender('quota_daily', untilNext('day', now));
  if (error.name === 'monthly_quota_exceeded') return sender('quota_monthly', untilNext('month', now));
  if (code === 429) return sender('slow_down');
  if (code === 401 || (code === 403 && !/invalid_from|validation/.test(error.name)))
    return sender('key_refused');
  if (code === 403 || error.name === 'invalid_from_address' || /domain is not verified/i.test(error.message))
    return sender('sender_refused');
  // The same key with other bytes: what the first try did is not known here.
  if (error.name === 'invalid_idempotent_request') return { kind: 'unsure', response };
  if (code === 409) return sender('slow_down', waitSeconds(headers, now) ?? 5);
  if (code === 400 || code === 413 || code === 422) return { kind: 'split', code, response };
  if (code !== null && code >= 400 && code < 500) return sender('server_error');
  return { kind: 'unsure', response };
}

type Answer = { data: unknown; error: unknown; headers: Record<string, string> | null };

/** The names that end a batch's key for the letters of a split batch: one letter, one key, and always the same one. */
const splitKey = (key: string, index: number) => `${key}/${index}`;

export function resendTransport(
  name: string,
  settings: ResendSettings,
  clock: { now(): Date } = { now: () => new Date() },
): Transport {
  const resend = new Resend(settings.apiKey, { baseUrl: settings.baseUrl });

  /** Hands over a batch; every letter gets its result by its place. */
  async function post(letters: Letter[], key: string | undefined): Promise<SendResult[] | Verdict> {
    const answer: Answer = await resend.batch.send(letters.map(payload), {
      ...(key ? { idempotencyKey: key } : {}),
      batchValidation: 'permissive',
      signal: AbortSignal.timeout(settings.timeoutMs),
    });
    const { data, error, headers } = answer;
    if (error !== null) {
      const parsed = refusal.safeParse(error);
      return parsed.success
        ? judge(parsed.data, headers, clock.now())
        : { kind: 'unsure', response: serverWords(String(error)) };
    }
    const parsed = taken.safeParse(data);
    if (!parsed.success) return { kind: 'unsure', response: 'an answer that says nothing about the letters' };
    const { data: ids, errors = [] } = parsed.data;
    const refused = new Map(errors.map((each) => [each.index, each.message]));
    // The ids are those of the letters that were taken, in order.
    if (ids.length + refused.size !== letters.length) {
      return { kind: 'unsure', response: `an answer for ${ids.length} letters of ${letters.length}` };
    }
    const left = ids.values();
    return letters.map((_, index): SendResult => {
      const message = refused.get(index);
      if (message !== undefined) return recipientRefused(422, message);
      return { outcome: 'accepted', code: 200, response: left.next().value?.id ?? '', stage: 'http' };
    });
  }

  function recipientRefused(code: number | null, response: string): SendResult {
    const words = serverWords(response);
    return { outcome: 'refused', scope: 'recipient', lasting: true, code, response: words, stage: 'http' };
  }

  function forAll(verdict: Exclude<Verdict, { kind: 'split' }>, count: number): SendResult[] {
    if (verdict.kind === 'unsure')
      return Array.from({ length: count }, () => ({
        outcome: 'unknown',
        response: verdict.response,
        stage: 'http',
      }));
    const { waitCode, response, waitSeconds: seconds } = verdict.trouble;
    return Array.from({ length: count }, () => ({
      outcome: 'refused',
      scope: 'sender',
      lasting: false,
      code: verdict.code,
      response,
      stage: 'http',
      waitCode,
      ...(seconds === undefined ? {} : { waitSeconds: seconds }),
    }));
  }

  /** The batch was refused as a whole for what may be one letter's fault: each alone, with a key of its own. */
  async function oneByOne(
    letters: Letter[],
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<SendResult[]> {
    const results: SendResult[] = [];
    for (const [index, letter] of letters.entries()) {
      if (signal?.aborted) {
        results.push({ outcome: 'untried' });
        continue;
      }
      const answer = await post([letter], key ? splitKey(key, index) : undefined);
      if (Array.isArray(answer)) results.push(...answer);
      else if (answer.kind === 'split') results.push(recipientRefused(answer.code, answer.response));
      else {
        results.push(...forAll(answer, 1));
        while (results.length < letters.length) results.push({ outcome: 'untried' });
        break;
      }
    }
    return results;
  }

  return {
    kind: 'resend',
    name,
    repeatsSafely: true,
    batchMax: 100,
    ready: () => reach(settings),
    async send(letters, { idempotencyKey, signal } = {}) {
      const results = letters.map(policyRefusal);
      const allowed = letters.filter((_, index) => results[index] === null);
      if (allowed.length === 0) return results.map((result) => result ?? { outcome: 'untried' });
      let answers: SendResult[];
      if (signal?.aborted) answers = allowed.map(() => ({ outcome: 'untried' }));
      else {
        const answer = await post(allowed, idempotencyKey);
        if (Array.isArray(answer)) answers = answer;
        else if (answer.kind !== 'split') answers = forAll(answer, allowed.length);
        else if (allowed.length === 1) answers = [recipientRefused(answer.code, answer.response)];
        else answers = await oneByOne(allowed, idempotencyKey, signal);
      }
      const inOrder = answers.values();
      return results.map((result) => result ?? inOrder.next().value ?? { outcome: 'untried' });
    },
    digest(letters) {
      const kept = letters.filter((letter) => policyRefusal(letter) === null);
      return createHash('sha256')
        .update(JSON.stringify(kept.map(payload)))
        .digest('hex');
    },
    close: async () => {},
  };
}

/** Whether the API's host takes a connection at all: without this, an outage would leave every batch in doubt. */
function reach(settings: ResendSettings): Promise<SenderTrouble | null> {
  const { hostname, port, protocol } = new URL(settings.baseUrl);
  return new Promise((resolve) => {
    const socket = net.connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      timeout: Math.min(settings.timeoutMs, 10_000),
    });
    const end = (trouble: SenderTrouble | null) => {
      socket.destroy();
      resolve(trouble);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end({ waitCode: 'timeout', response: 'no connection in time' }));
    socket.once('error', (error) =>
      end({ waitCode: 'unreachable', response: serverWords(error.message || 'no connection') }),
    );
  });
}
