import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { log } from '@/lib/log';

/*
 * Pages that are only read need neither React nor the router of Next in the browser: 117 KB of scripts, and once more the whole text of the
 * page for them to begin with. Such a page carries a script of its own for what moves in it, under a type that no browser runs. Here, on
 * its way out, the scripts of Next are left out of it and that one is let run. A page that does not say so goes out as it came.
 */

/** The type of the script that a page can do with alone. */
export const aloneType = 'mailroom/alone';

/** Where such pages are. Who asks for one without its scripts is not told apart: what a page is, it says itself. */
const readable = /^(?:\/(?:en|ru))?(?:\/|\/blog(?:\/[^.?]*)?)?(?:\?|$)/;
/** Smaller ones are not worth packing, as for Next itself. */
const packedMin = 1024;

/** Files of the build, what tells browsers to fetch them ahead, and what begins them and gives them the page; Next writes `<` otherwise in it. */
const ofNext = [
  /<script[^>]* src="\/_next\/static\/[^"]*"[^>]*><\/script>/g,
  /<link rel="preload" as="script"[^>]*>/g,
  /<script id="_R_">[^<]*<\/script>/g,
  /<script>requestAnimationFrame\(function\(\)\{\$RT=performance\.now\(\)\}\);?<\/script>/g,
  /<script>(?:\(self\.__next_f=self\.__next_f\|\|\[\]\)|self\.__next_f)\.push\([^<]*\)<\/script>/g,
];
/** Of Next still, or of React, for a page that came in parts which a script has to put in their places. */
const isLeft = /<template |<script(?![^>]* type=)[^>]*(?:src=|>[^<]*(?:__next|TURBOPACK|\$R[A-Z]))/;

/** The page without the scripts of Next; itself where it does not say that it can be read so, or does not look as it should. */
export function lighten(html: string): string {
  const mark = `<script type="${aloneType}">`;
  if (!html.includes(mark)) return html;
  const light = ofNext.reduce((text, part) => text.replace(part, ''), html);
  if (isLeft.test(light)) return html;
  return light.replace(mark, '<script type="module">');
}

/** Listens to all that Next sends in place of the visitor; `give` is called with it once it is whole, before anything has left. */
function hold(response: ServerResponse, give: (body: Buffer) => void): void {
  const { write, writeHead, flushHeaders, end } = response;
  const chunks: Buffer[] = [];
  const hear = ([chunk, encoding]: unknown[]) => {
    if (typeof chunk === 'string')
      chunks.push(
        Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'),
      );
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  const tell = (args: unknown[]) => {
    const done = args.at(-1);
    if (typeof done === 'function') process.nextTick(done);
  };
  response.writeHead = new Proxy(writeHead, {
    apply(_, __, [status, ...rest]) {
      if (typeof status === 'number') response.statusCode = status;
      const headers: unknown = rest.at(-1);
      if (typeof headers === 'object' && headers !== null)
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return response;
    },
  });
  response.flushHeaders = () => {};
  response.write = new Proxy(write, {
    apply(_, __, args) {
      hear(args);
      tell(args);
      return true;
    },
  });
  response.end = new Proxy(end, {
    apply(_, __, args) {
      hear(args);
      Object.assign(response, { write, writeHead, flushHeaders, end });
      const done = args.at(-1);
      if (typeof done === 'function') response.once('finish', () => done());
      give(Buffer.concat(chunks));
      return response;
    },
  });
}

async function send(body: Buffer, takesGzip: boolean, response: ServerResponse): Promise<void> {
  const isPage = String(response.getHeader('content-type') ?? '').startsWith('text/html');
  if (!isPage || body.length === 0 || response.hasHeader('content-encoding')) {
    response.end(body);
    return;
  }
  const page = response.statusCode === 200 ? Buffer.from(lighten(body.toString())) : body;
  const isPacked = takesGzip && page.length >= packedMin;
  const octets = isPacked ? await promisify(gzip)(page) : page;
  if (isPacked) response.setHeader('content-encoding', 'gzip');
  response.setHeader('content-length', octets.length);
  response.end(octets);
}

/** In place of Next's own listener: sends pages that can be read alone without the scripts of Next. */
export function sendLight(next: RequestListener): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers } = request;
    if (method !== 'GET' || headers.rsc !== undefined || !readable.test(url)) return next(request, response);
    const taken = headers['accept-encoding'] ?? '';
    const takesGzip = /(^|[ ,])(gzip|\*)(,|$)/.test(taken) && !taken.includes(';');
    // Packed here, after what is left out of it.
    delete headers['accept-encoding'];
    hold(response, (body) => {
      send(body, takesGzip, response).catch((error) => {
        log.surprise('page_not_sent', error);
        response.destroy();
      });
    });
    next(request, response);
  };
}
