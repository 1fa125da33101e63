import { createHash } from 'node:crypto';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Resend } from 'resend';
import { z } from 'zod';
import { parseAddress } from './address';
import { utf8Octets } from './json';
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
import { Octets } from './octets';
import { Pace, type RequestLimit } from './pace';

/*
 * Letters over Resend's batch API. A batch goes with an idempotency key: Resend answers the same key and bytes with the same
 * answer for 24 hours, so that what ended without an answer may be repeated (`unknown` here, repeated by the engine).
 */

export type ResendSettings = { apiKey: string; baseUrl: string; timeoutMs: number };

/** The name of the tag that carries {@link Letter.tag}. */
export const resendTag = 'letter';

const visibleAscii = /^[\x21-\x7e]+$/;

/** A mailbox as Resend takes it: letters of any language in the name, quoted where RFC 5322 wants it. */
function mailbox({ name, address }: Mailbox): string {
  const shown = oneLine(name);
  const recipient = visibleAscii.test(address) ? address : (parseAddress(address) ?? address);
  if (shown === '') return recipient;
  return `${/^[\p{L}\p{N} _'-]+$/u.test(shown) ? shown : `"${shown.replace(/["\\]/g, '\\$&')}"`} <${recipient}>`;
}

/** All of a letter but its bodies, as members of a JSON object: octets. Needed for the digest and again for the request. */
function headMembers(letter: Letter): string {
  const known = heads.get(letter);
  if (known !== undefined) return known;
  const members = writeHeadMembers(letter);
  heads.set(letter, members);
  return members;
}
const heads = new WeakMap<Letter, string>();

function writeHeadMembers(letter: Letter): string {
  const quote = JSON.stringify;
  const headers = letter.headers.map(([name, value]) => `${quote(name)}:${quote(oneLine(value))}`);
  const to = mailbox({ name: '', address: letter.to.address });
  return utf8Octets(
    `"from":${quote(mailbox(letter.from))},"to":[${quote(to)}],"subject":${quote(oneLine(letter.subject))},` +
      `${letter.replyTo ? `"reply_to":${quote(letter.replyTo)},` : ''}"headers":{${headers.join(',')}}` +
      // Comes back in the events of the webhook, which so find the delivery without a search.
      `${letter.tag ? `,"tags":[{"name":"${resendTag}","value":${quote(letter.tag)}}]` : ''}`,
  );
}

/** Writes a letter as Resend takes it. What a run's letters share comes encoded. */
function writeLetter(letter: Letter, out: Octets): void {
  out.text(`{${headMembers(letter)},`);
  if (letter.json) letter.json.write(out);
  else out.text(utf8Octets(`"html":${JSON.stringify(letter.html)},"text":${JSON.stringify(letter.text)}`));
  out.text('}');
}

/** Letters as the body of one request, written straight into its memory: strings of them would be copied and cleared away. */
function bodyOf(letters: Letter[]): Buffer {
  const out = new Octets();
  out.text('[');
  for (const [index, letter] of letters.entries()) {
    if (index > 0) out.text(',');
    writeLetter(letter, out);
    // The others are about as long as the first.
    if (index === 0) out.makeRoom(Math.ceil(out.length * 1.1) * (letters.length - 1) + 1);
  }
  out.text(']');
  return out.view();
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
  | { kind: 'unsure'; response: string; mayRepeat?: false }
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
  // The same key with other bytes, or at work this moment: what became of the letters under it is not known here.
  if (error.name === 'invalid_idempotent_request') return { kind: 'unsure', response, mayRepeat: false };
  if (code === 409) return { kind: 'unsure', response };
  if (error.name === 'invalid_idempotency_key') return sender('server_error');
  if (code === 400 || code === 413 || code === 422) return { kind: 'split', code, response };
  if (code !== null && code >= 400 && code < 500) return sender('server_error');
  return { kind: 'unsure', response };
}

/**
 * The limit on requests by the headers of draft-ietf-httpapi-ratelimit-headers-06, the strictest of those named; a limit without a
 * window is one of a second, as Resend documents its own. Null when they say nothing.
 */
function announcedLimit(headers: Record<string, string>): RequestLimit | null {
  const limits = `${headers['ratelimit-policy'] ?? ''},${headers['ratelimit-limit'] ?? ''}`.split(',');
  const parsed = limits.flatMap((limit) => {
    const [, requests, seconds] = /^\s*(\d{1,9})\s*(?:;.*?\bw=(\d{1,9}))?/.exec(limit) ?? [];
    return Number(requests) > 0 && seconds !== '0' ? [{ requests: Number(requests), seconds }] : [];
  });
  const named = parsed.filter((limit) => limit.seconds !== undefined);
  const [strictest = null] = (named.length > 0 ? named : parsed)
    .map(({ requests, seconds }) => ({ requests, seconds: Number(seconds ?? 1) }))
    .sort((a, b) => a.requests / a.seconds - b.requests / b.seconds);
  return strictest;
}

type Turn = () => Promise<boolean>;
type Answer = { data: unknown; error: unknown; headers: Record<string, string> | null };

/** For so long after an answer the host counts as reachable, by the watch of the process: sockets know no other clock. */
const reachableMs = 5000;
/** A batch being split waits at most so long, altogether, for "slow down" answers. */
const splitPatienceSeconds = 30;

/**
 * Letters by `POST /emails/batch`. `timeoutMs` bounds each request. Any number of sends may be in flight, over connections that
 * are kept. When one letter of a batch stays in doubt all of them do (`unknown`), because only whole batches can be repeated.
 */
export function resendTransport(
  name: string,
  settings: ResendSettings,
  clock: { now(): Date } = { now: () => new Date() },
): Transport {
  const resend = new Resend(settings.apiKey, { baseUrl: settings.baseUrl });
  const pace = new Pace();
  let answeredAt = Number.NEGATIVE_INFINITY;

  /** Null: its turn did not come any more. */
  async function request(letters: Letter[], key: string | undefined, turn: Turn): Promise<Answer | null> {
    const body = bodyOf(letters);
    // Not reserved before it can be used.
    await pace.room();
    if (!(await turn())) return null;
    const departure = await pace.leave();
    // `batch.send` would encode all letters anew; this is what it calls in the end.
    const answer: Answer = await resend.fetchRequest<unknown>('/emails/batch', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${settings.apiKey}`,
        'user-agent': 'mailroom',
        'content-type': 'application/json',
        'x-batch-validation': 'permissive',
        ...(key ? { 'idempotency-key': key } : {}),
      },
      body,
      signal: AbortSignal.timeout(settings.timeoutMs),
      // Letters go nowhere else than where the settings say; with `window` it also spares fetch a copy of the body.
      redirect: 'error',
      window: null,
    });
    if (answer.headers === null) answeredAt = Number.NEGATIVE_INFINITY;
    else {
      answeredAt = performance.now();
      const isTooFast = refusal.safeParse(answer.error).data?.statusCode === 429;
      pace.answered(departure, announcedLimit(answer.headers), isTooFast);
    }
    return answer;
  }

  /** Hands over a batch; every letter gets its result by its place. */
  async function post(
    letters: Letter[],
    key: string | undefined,
    turn: Turn,
  ): Promise<SendResult[] | Verdict | null> {
    const answer = await request(letters, key, turn);
    if (answer === null) return null;
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
    if (
      ids.length + refused.size !== letters.length ||
      [...refused.keys()].some((at) => at >= letters.length)
    )
      return { kind: 'unsure', response: `an answer for ${ids.length} letters of ${letters.length}` };
    const left = ids.values();
    return letters.map((_, index): SendResult => {
      const message = refused.get(index);
      if (message !== undefined) return recipientRefused(422, message);
      return { outcome: 'accepted', code: 200, response: left.next().value?.id ?? '', stage: 'http' };
    });
  }

  /** The batch was refused as a whole for what may be one letter's fault: halves of it, down to the letter, each under a key of its own. */
  async function split(
    letters: Letter[],
    key: string | undefined,
    signal: AbortSignal | undefined,
    turn: Turn,
  ): Promise<SendResult[]> {
    const results: SendResult[] = [];
    const pieces = halves(0, letters.length);
    let patience = splitPatienceSeconds;
    const leave = (verdict: Exclude<Verdict, { kind: 'split' }>) => {
      if (verdict.kind === 'unsure' || !results.some((result) => result.outcome === 'accepted'))
        return forAll(verdict, letters.length);
      return forAll({ kind: 'unsure', response: verdict.trouble.response }, letters.length);
    };
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
      const [from, to] = piece;
      // A piece has the same key whenever the batch is repeated.
      const answer = signal?.aborted
        ? null
        : await post(letters.slice(from, to), key && `${key}/${from}-${to}`, turn);
      if (answer === null) {
        if (!results.some((result) => result.outcome === 'accepted'))
          return letters.map(() => ({ outcome: 'untried' }));
        return leave({ kind: 'unsure', response: 'stopped before each letter had its turn' });
      }
      if (Array.isArray(answer)) results.push(...answer);
      else if (answer.kind === 'split' && to - from > 1) pieces.unshift(...halves(from, to));
      else if (answer.kind === 'split') results.push(recipientRefused(answer.code, answer.response));
      else {
        const { waitCode, waitSeconds: seconds = 1 } =
          answer.kind === 'sender' ? answer.trouble : { waitCode: null };
        if (waitCode !== 'slow_down' || seconds > patience) return leave(answer);
        patience -= seconds;
        pieces.unshift(piece);
        await pause(seconds * 1000, undefined, signal ? { signal } : {}).catch(() => {});
      }
    }
    return results;
  }

  return {
    kind: 'resend',
    name,
    repeatsSafely: true,
    batchMax: 100,
    ready: async () => (performance.now() - answeredAt < reachableMs ? null : reach(settings)),
    requestsPerSecond: () => pace.requestsPerSecond,
    async send(letters, { idempotencyKey, signal, turn = async () => true } = {}) {
      const results = letters.map(policyRefusal);
      const allowed = letters.filter((_, index) => results[index] === null);
      let answers: SendResult[] = [];
      if (allowed.length > 0 && !signal?.aborted) {
        const answer = await post(allowed, idempotencyKey, turn);
        if (answer === null) answers = [];
        else if (Array.isArray(answer)) answers = answer;
        else if (answer.kind !== 'split') answers = forAll(answer, allowed.length);
        else if (allowed.length > 1) answers = await split(allowed, idempotencyKey, signal, turn);
        else answers = [recipientRefused(answer.code, answer.response)];
      }
      const inOrder = answers.values();
      return results.map((result) => result ?? inOrder.next().value ?? { outcome: 'untried' });
    },
    digest(letters) {
      const kept = letters.filter((letter) => policyRefusal(letter) === null);
      const lines = kept.map((letter) => {
        const bodies = letter.json?.mark() ?? JSON.stringify([letter.html, letter.text]);
        return `${headMembers(letter)}\n${bodies}\n`;
      });
      return createHash('sha256').update(lines.join('')).digest('hex');
    },
    close: async () => {},
  };
}

function recipientRefused(code: number, words: string): SendResult {
  const response = serverWords(words);
  return { outcome: 'refused', scope: 'recipient', lasting: true, code, response, stage: 'http' };
}

/** The same result for each letter. */
function forAll(verdict: Exclude<Verdict, { kind: 'split' }>, count: number): SendResult[] {
  if (verdict.kind === 'unsure') {
    const { kind, ...words } = verdict;
    return Array.from({ length: count }, () => ({ outcome: 'unknown', stage: 'http', ...words }));
  }
  return Array.from({ length: count }, () => ({
    outcome: 'refused',
    scope: 'sender',
    lasting: false,
    code: verdict.code,
    stage: 'http',
    ...verdict.trouble,
  }));
}

/** Two ranges of letters, end exclusive, in the place of one. */
function halves(from: number, to: number): [from: number, to: number][] {
  const middle = Math.ceil((from + to) / 2);
  return [
    [from, middle],
    [middle, to],
  ];
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
