import http from 'node:http';
import https from 'node:https';

/** One answer of a server, read to its end. */
export type Answer = { status: number; headers: http.IncomingHttpHeaders; body: string };

/** What is sent goes out as it stands: the path is not tidied up, and no header is added but `Host`. */
export type Question = { method?: string; headers?: Record<string, string>; body?: string };

// Gives up what is idle before the server does, after five seconds: a request on a connection that just ends would be lost.
const agent = new http.Agent({ keepAlive: true, maxSockets: 6, timeout: 4000 });

/** Asks a server for exactly this path. Certificates nobody knows are taken. */
export function ask(base: string, path: string, question: Question = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(base);
  const { method = 'GET', headers = {}, body = '' } = question;
  const length = body || method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const options = { hostname, port, path, method, headers: { ...headers, ...length }, timeout: 20_000 };
  return new Promise((resolve, reject) => {
    const read = (response: http.IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    };
    const request =
      protocol === 'https:'
        ? https.request({ ...options, rejectUnauthorized: false }, read)
        : http.request({ ...options, agent }, read);
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.on('error', reject);
    request.end(body);
  });
}

/** Signs in where next-auth itself is asked to, without a browser; answers the cookies to send from then on. */
export async function signInAt(base: string, email: string, password: string): Promise<string> {
  const jar = new Map<string, string>();
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const keep = ({ headers }: Answer) => {
    for (const line of headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
  };
  const asked = await ask(base, '/api/auth/csrf');
  keep(asked);
  const { csrfToken }: { csrfToken: string } = JSON.parse(asked.body);
  keep(
    await ask(base, '/api/auth/callback/credentials', {
      method: 'POST',
      headers: { cookie: cookie(), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ email, password, csrfToken }).toString(),
    }),
  );
  if (![...jar.keys()].some((name) => name.endsWith('mailroom.session')))
    throw new Error(`${email} could not sign in`);
  return cookie();
}

/**
 * Posts the form of a page in which `field` and, where that is said, the text `says` stand, as a browser without scripts does; `values`
 * go over what stands there. Answers the page that comes back.
 */
export async function postForm(
  base: string,
  path: string,
  {
    cookie,
    field,
    says = '',
    values,
  }: { cookie: string; field: string; says?: string; values: Record<string, string> },
): Promise<Answer> {
  const page = await ask(base, path, { headers: { cookie } });
  const form = page.body
    .split('<form')
    .find((part) => [`name="${field}"`, says].every((text) => part.split('</form')[0]?.includes(text)));
  if (!form) throw new Error(`${path} has no form with ${field}: ${page.status}`);
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g)];
  const plain = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  const fields = new Map(hidden.map(([, name = '', value = '']) => [name, plain(value)]));
  for (const [name, value] of Object.entries(values)) fields.set(name, value);
  const boundary = 'the-boundary';
  const body = [...fields]
    .map(
      ([name, value]) =>
        `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('');
  return ask(base, path, {
    method: 'POST',
    headers: { cookie, origin: base, 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${body}--${boundary}--\r\n`,
  });
}
