import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import { log } from '@/lib/log';
import type { Entry } from './entries';
import { createMemory } from './memory';

/*
 * A kept page is answered with the same octets until it is made anew, so those are kept beside it: whoever asks next gets them without
 * Next having to find its way to the page once more. What is kept here is asked for as a visit is; everything else goes on to Next.
 */

/** An answer as Next gave it. */
type Answer = { key: string; entry: Entry; headers: OutgoingHttpHeaders; body: Buffer };
/** What a request is shown by the cache: set by whoever answers it, read when it is answered. */
type Visit = { shown: { key: string; entry: Entry } | null };

/** Headers with which scripts, Next itself and whoever edits ask for something else than the page. */
const askingForMore = /^(rsc|next-|x-nextjs-|x-next-|x-middleware-|x-prerender-|range$)/;

/** In which of the two ways that are kept a visitor takes the page; null for other ways, and for what is no plain visit. */
function wayOf({ method, url = '', headers }: IncomingMessage): 'gzip' | 'plain' | null {
  if (method !== 'GET' || !url.startsWith('/') || /[?#]/.test(url)) return null;
  for (const name in headers) if (askingForMore.test(name)) return null;
  if (headers.cookie?.includes('__prerender_bypass')) return null;
  const taken = headers['accept-encoding'] ?? '';
  if (taken === '' || taken === 'identity') return 'plain';
  // Nobody who takes gzip with a weight of its own: what Next then does is for Next to say.
  return /(^|[ ,])gzip(,|$)/.test(taken) && !taken.includes(';') ? 'gzip' : null;
}

/** A page that everybody gets, as far as what stands above it tells. */
function isEverybodys(status: number, headers: OutgoingHttpHeaders): boolean {
  return (
    status === 200 &&
    headers['x-nextjs-cache'] === 'HIT' &&
    headers['set-cookie'] === undefined &&
    String(headers['cache-control'] ?? '').startsWith('public')
  );
}

/**
 * Answers of at most `octetsMax` octets in all. `current` says which entry a visit would be shown now, by all the rules of the cache;
 * null for none. An answer is given only while that is the very entry it was made from.
 */
export function createAnswers(current: (key: string) => Promise<Entry | null>, octetsMax: number) {
  const kept = createMemory<Answer>(octetsMax, ({ body }) => body.length + 4000);
  const visits = new AsyncLocalStorage<Visit>();

  /** Listens to what is sent, and keeps it when it was a page that is kept. */
  function overhear(name: string, way: 'gzip' | 'plain', visit: Visit, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let octets = 0;
    let isHeard = true;
    const hear = (chunk: unknown, encoding: unknown) => {
      if (!isHeard || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return;
      // Of what is not kept nothing is held meanwhile: a download may be of any length.
      isHeard = octets <= octetsMax && response.getHeader('x-nextjs-cache') === 'HIT';
      if (!isHeard) {
        chunks.length = 0;
        return;
      }
      const isNamed = typeof encoding === 'string' && Buffer.isEncoding(encoding);
      const heard =
        typeof chunk === 'string' ? Buffer.from(chunk, isNamed ? encoding : 'utf8') : Buffer.from(chunk);
      octets += heard.length;
      chunks.push(heard);
    };
    response.write = new Proxy(response.write, {
      apply(write, self, args) {
        hear(args[0], args[1]);
        return Reflect.apply(write, self, args);
      },
    });
    response.end = new Proxy(response.end, {
      apply(end, self, args) {
        hear(args[0], args[1]);
        const result: unknown = Reflect.apply(end, self, args);
        const { 'transfer-encoding': _, ...headers } = response.getHeaders();
        const isWhole =
          isHeard &&
          octets <= octetsMax &&
          headers['content-encoding'] === (way === 'gzip' ? way : undefined);
        if (visit.shown && isWhole && isEverybodys(response.statusCode, headers)) {
          const body = Buffer.concat(chunks);
          kept.set(name, { ...visit.shown, body, headers: { ...headers, 'content-length': body.length } });
        }
        return result;
      },
    });
  }

  async function answer(name: string, response: ServerResponse): Promise<boolean> {
    const found = kept.get(name);
    if (!found) return false;
    if ((await current(found.key)) !== found.entry) {
      kept.remove(name);
      return false;
    }
    for (const header in found.headers) {
      const value = found.headers[header];
      if (value !== undefined) response.setHeader(header, value);
    }
    response.writeHead(200);
    response.end(found.body);
    return true;
  }

  return {
    /** Called by the cache: what this request is shown. */
    note(shown: Visit['shown']): void {
      const visit = visits.getStore();
      if (visit) visit.shown = shown;
    },

    /** In place of Next's own listener. */
    before(next: RequestListener): RequestListener {
      return (request, response) => {
        const way = wayOf(request);
        if (!way) return next(request, response);
        const name = `${way} ${request.url}`;
        const goOn = () => {
          const visit: Visit = { shown: null };
          overhear(name, way, visit, response);
          visits.run(visit, () => next(request, response));
        };
        answer(name, response).then(
          (isAnswered) => isAnswered || goOn(),
          (error) => {
            log.surprise('kept_answer_not_given', error);
            if (response.headersSent) response.destroy();
            else goOn();
          },
        );
      };
    },
    /** How many there are. */
    get size(): number {
      return kept.size;
    },
  };
}
