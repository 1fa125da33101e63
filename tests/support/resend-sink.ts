import { createServer } from 'node:http';
import { listen } from './listen';

/** A letter as Resend was asked to send it. */
export type AskedLetter = {
  from: string;
  to: string[];
  subject: string;
  html: string;
  text: string;
  reply_to?: string;
  headers: Record<string, string>;
  tags?: { name: string; value: string }[];
};

/** One request. */
export type Asked = {
  key: string | undefined;
  validation: string | undefined;
  authorization: string | undefined;
  /** The body as it came. */
  octets: string;
  emails: AskedLetter[];
};

export type Answer = { status?: number; headers?: Record<string, string>; body?: string };

/**
 * What happens to a request; the default is `take`. `take` does as Resend does: a known key is answered as the first time and
 * sends nothing, with other bytes it is refused (409), and everything else is taken. `takeBut` takes too, but the answer is lost
 * or another one. An answer by itself takes nothing, nor do `hang` (no answer) and `cut` (the connection is).
 */
export type Reaction = 'take' | 'hang' | 'cut' | Answer | { takeBut: 'hang' | 'cut' | Answer };

export type ResendSink = {
  url: string;
  asked: Asked[];
  /** Addresses of the letters that were taken, in order; one that stands here twice was mailed twice. */
  taken: string[];
  /** The id that the last taken letter to an address was given. */
  idOf(address: string): string | undefined;
  close(): void;
};

type Options = {
  react?: (asked: Asked, nth: number) => Reaction | Promise<Reaction>;
  /** Addresses that Resend finds invalid; in `permissive` mode the others of the batch are taken. */
  isInvalid?: (address: string) => boolean;
  /** Refuses the whole batch for one invalid address, as Resend does unless asked otherwise. */
  isStrict?: boolean;
  /** Headers of each answer, such as `ratelimit-limit`. */
  headers?: Record<string, string>;
};

/** A refusal in Resend's form. */
export const resendRefusal = (status: number, name: string, message = name): Answer => ({
  status,
  body: JSON.stringify({ statusCode: status, name, message }),
});

/** A server in Resend's place, on loopback. */
export async function resendSink(options: Options = {}): Promise<ResendSink> {
  const asked: Asked[] = [];
  const taken: string[] = [];
  const ids = new Map<string, string>();
  const byKey = new Map<string, { octets: string; answer: Answer }>();

  function take({ key, octets, emails }: Asked): Answer {
    const known = key === undefined ? undefined : byKey.get(key);
    if (known)
      return known.octets === octets ? known.answer : resendRefusal(409, 'invalid_idempotent_request');
    const bad = emails.flatMap(({ to }, index) => (options.isInvalid?.(to[0] ?? '') ? [index] : []));
    if (bad.length > 0 && options.isStrict)
      return resendRefusal(422, 'validation_error', 'Invalid `to` field.');
    const good = emails.filter((_, index) => !bad.includes(index));
    const data = good.map(({ to: [address = ''] }) => {
      taken.push(address);
      const id = `id-${taken.length}`;
      ids.set(address, id);
      return { id };
    });
    const errors = bad.map((index) => ({ index, message: 'Invalid `to` field.' }));
    const answer = { body: JSON.stringify({ data, ...(errors.length > 0 ? { errors } : {}) }) };
    if (key !== undefined) byKey.set(key, { octets, answer });
    return answer;
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const octets = Buffer.concat(chunks).toString('utf8');
      const header = (name: string) => [request.headers[name]].flat()[0];
      const seen: Asked = {
        key: header('idempotency-key'),
        validation: header('x-batch-validation'),
        authorization: header('authorization'),
        octets,
        emails: JSON.parse(octets),
      };
      asked.push(seen);
      const reaction = (await options.react?.(seen, asked.length)) ?? 'take';
      let answer: 'hang' | 'cut' | Answer;
      if (reaction === 'take') answer = take(seen);
      else if (typeof reaction === 'object' && 'takeBut' in reaction) {
        take(seen);
        answer = reaction.takeBut;
      } else answer = reaction;
      if (answer === 'cut') request.socket.destroy();
      else if (answer !== 'hang') {
        const headers = { 'content-type': 'application/json', ...options.headers, ...answer.headers };
        response.writeHead(answer.status ?? 200, headers).end(answer.body);
      }
    });
  });
  const { base } = await listen(server);
  return {
    url: base,
    asked,
    taken,
    idOf: (to) => ids.get(to),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
