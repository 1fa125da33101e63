import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { connect } from '@/db/client';
import { publicControl } from '@/lib/cache/control';
import { createMailing, createPost, createUser } from '../support/factories';
import { type Answer, ask, signInAt } from '../support/visit';

const password = 'a sound password';
const id = randomUUID().slice(0, 8);

/** A signed-in user with a mailing. */
async function createPerson(base: string, name: string) {
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  try {
    const user = await createUser(db, { email: `${name}-${id}@headers.test`, password });
    const mailing = await createMailing(db, user);
    return { user, mailing, cookie: await signInAt(base, user.email, password) };
  } finally {
    await sql.end();
  }
}

async function createArticle() {
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  try {
    return await createPost(db, { slug: `kept-${id}`, status: 'published' });
  } finally {
    await sql.end();
  }
}

/** A file where the server keeps pictures. */
function placePicture(): string {
  const name = `${randomUUID().replaceAll('-', '')}-1x1.webp`;
  const folder = path.join(path.dirname(process.env.E2E_LETTERS ?? ''), 'uploads');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, name), 'RIFF');
  return name;
}

/** A policy by its directives. */
function directives({ headers }: Answer): Record<string, string> {
  const policy = headers['content-security-policy'];
  return Object.fromEntries(
    String(policy ?? '')
      .split(';')
      .map((one) => one.trim())
      .map((one) => [one.split(' ')[0] ?? '', one.split(' ').slice(1).join(' ')]),
  );
}

const kinds = {
  /** Scripts only with the nonce of this answer. */
  workspace: (answer: Answer) => {
    const policy = directives(answer);
    const nonce = /^'self' 'nonce-([\w+/]{22}==)' 'sha256-[\w+/]{43}=' 'strict-dynamic'$/.exec(
      policy['script-src'] ?? '',
    )?.[1];
    expect(nonce, policy['script-src']).toBeDefined();
    expect(policy['style-src-elem']).toContain(`'nonce-${nonce}'`);
    expect(policy['style-src-elem']).not.toContain('unsafe');
    expect(policy).toMatchObject({ 'form-action': "'self'", 'connect-src': "'self'", 'frame-src': "'none'" });
    // The one that knows no nonce sets the theme, and the policy names its hash.
    for (const tag of answer.body.match(/<script(?! nonce=)[^>]*>/g) ?? [])
      expect(tag === '<script>' || tag.includes(`nonce="${nonce}"`), tag).toBe(true);
  },
  /** Kept for everybody, so no nonce; no handler in an attribute runs all the same. */
  public: (answer: Answer) => {
    const policy = directives(answer);
    expect(policy['script-src']).toBe("'self' 'unsafe-inline'");
    expect(policy['style-src-elem']).toBe("'self'");
    expect(policy).toMatchObject({ 'form-action': "'self'", 'connect-src': "'self'", 'frame-src': "'none'" });
    expect(answer.body).not.toContain('nonce=');
  },
  data: (answer: Answer) =>
    expect(directives(answer)).toEqual({
      'default-src': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    }),
  upload: (answer: Answer) =>
    expect(directives(answer)).toMatchObject({ 'default-src': "'none'", sandbox: '' }),
  part: (answer: Answer) => expect(answer.headers['content-type']).toContain('text/x-component'),
  /** Made before Next looks at addresses; there is nothing in it to have a policy for. */
  bare: (answer: Answer) => expect(answer.body.length).toBeLessThan(100),
} satisfies Record<string, (answer: Answer) => void>;

/** Who may keep an answer, and for how long: the table "What is kept, and where" of ARCHITECTURE.md. */
const keepers = {
  /** Anybody for a second, and browsers as long as they ask each time. */
  everybody: ({ headers }: Answer) => {
    expect(headers['cache-control']).toBe(publicControl);
    expect(headers.etag ?? headers.location).toBeDefined();
  },
  /** Anybody for ever: another file would have another name. */
  forever: ({ headers }: Answer) =>
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable'),
  /** Anybody, who then asks each time. */
  asking: ({ headers }: Answer) => {
    expect(headers['cache-control']).toBe('public, max-age=0, must-revalidate');
    expect(headers.etag).toBeDefined();
  },
  /** Anybody, for an hour. */
  hour: ({ headers }: Answer) => expect(headers['cache-control']).toBe('public, max-age=3600'),
  nobody: ({ headers }: Answer) => {
    expect(headers['cache-control']).toContain('no-store');
    expect(headers['cache-control']).not.toMatch(/public|s-maxage|immutable/);
  },
} satisfies Record<string, (answer: Answer) => void>;

type Row = {
  what: string;
  keep: keyof typeof keepers;
  path: string;
  kind: keyof typeof kinds;
  status: number;
  signedIn?: true;
  form?: true;
  rsc?: true;
  /** As a browser asks. */
  brotli?: true;
};

const table: Row[] = [
  { what: 'the home page', keep: 'everybody', path: '/', kind: 'public', status: 200 },
  { what: 'the home page in Russian', keep: 'everybody', path: '/ru', kind: 'public', status: 200 },
  { what: 'the blog', keep: 'everybody', path: '/blog', kind: 'public', status: 200 },
  {
    what: 'a page of accounts that is kept',
    keep: 'everybody',
    path: '/register',
    kind: 'public',
    status: 200,
  },
  { what: 'a page of accounts made anew', keep: 'nobody', path: '/login', kind: 'public', status: 200 },
  {
    what: 'the page to unsubscribe',
    keep: 'nobody',
    path: '/unsubscribe/nobody',
    kind: 'public',
    status: 200,
  },
  {
    what: 'an article with a NUL in its address',
    keep: 'everybody',
    path: '/blog/%00',
    kind: 'public',
    status: 404,
  },
  {
    what: 'an address whose percent signs mean nothing',
    keep: 'nobody',
    path: '/%ff',
    kind: 'public',
    status: 404,
  },
  {
    what: 'such an address of a file',
    keep: 'nobody',
    path: '/api/uploads/%ff',
    kind: 'public',
    status: 404,
  },
  { what: 'a page that there is not', keep: 'nobody', path: '/no-such-page', kind: 'public', status: 404 },
  {
    what: 'a private page',
    keep: 'nobody',
    path: '/clients',
    kind: 'workspace',
    status: 200,
    signedIn: true,
  },
  {
    what: 'a private page in Russian',
    keep: 'nobody',
    path: '/ru/mailings/new',
    kind: 'workspace',
    status: 200,
    signedIn: true,
  },
  {
    what: 'a private page that there is not',
    keep: 'nobody',
    path: '/clients/7/no',
    kind: 'public',
    status: 404,
    signedIn: true,
  },
  {
    what: 'a number that nobody has',
    keep: 'nobody',
    path: '/clients/999999999',
    kind: 'public',
    status: 404,
    signedIn: true,
  },
  {
    what: 'an address that no page has',
    keep: 'nobody',
    path: '/clients/no',
    kind: 'workspace',
    status: 404,
    signedIn: true,
  },
  { what: 'the way to sign in', keep: 'nobody', path: '/clients', kind: 'public', status: 303 },
  {
    what: 'the answer to a form',
    keep: 'nobody',
    path: '/clients/new',
    kind: 'workspace',
    status: 200,
    signedIn: true,
    form: true,
  },
  { what: 'an address with its locale', keep: 'hour', path: '/en/blog', kind: 'bare', status: 308 },
  { what: 'an address with a slash too many', keep: 'hour', path: '/blog/', kind: 'bare', status: 308 },
  { what: 'JSON', keep: 'nobody', path: '/api/auth/session', kind: 'data', status: 200 },
  {
    what: 'JSON for who is signed in',
    keep: 'nobody',
    path: '/api/runs/progress',
    kind: 'data',
    status: 200,
    signedIn: true,
  },
  {
    what: 'CSV',
    keep: 'nobody',
    path: '/api/mailings/[id]/attempts',
    kind: 'data',
    status: 200,
    signedIn: true,
  },
  { what: 'a refusal', keep: 'nobody', path: '/api/audit', kind: 'data', status: 404 },
  { what: 'an endpoint that there is not', keep: 'nobody', path: '/api/nothing', kind: 'data', status: 404 },
  {
    what: 'an uploaded file that there is not',
    keep: 'nobody',
    path: '/api/uploads/none.png',
    kind: 'upload',
    status: 404,
  },
  { what: 'a picture of an article', keep: 'forever', path: 'picture', kind: 'upload', status: 200 },
  { what: 'the sign of the site', keep: 'asking', path: '/icon.svg', kind: 'public', status: 200 },
  { what: 'an article', keep: 'everybody', path: 'article', kind: 'public', status: 200 },
  {
    what: 'what a script asks of a page',
    keep: 'nobody',
    path: '/blog?_rsc',
    kind: 'part',
    status: 200,
    rsc: true,
  },
  { what: 'a script', keep: 'forever', path: 'script', kind: 'data', status: 200 },
  { what: 'a packed script', keep: 'forever', path: 'script', kind: 'data', status: 200, brotli: true },
];

test('every kind of answer carries its headers', async ({ baseURL }) => {
  const base = baseURL ?? '';
  const { mailing, cookie } = await createPerson(base, 'reader');
  const script = /\/_next\/static\/[^"]+\.js/.exec((await ask(base, '/login')).body)?.[0] ?? '';
  const picture = `/api/uploads/${placePicture()}`;
  const { slug } = await createArticle();
  const nonces = new Set<string>();
  for (const row of table) {
    const named: Record<string, string> = { script, picture, article: `/blog/${slug}` };
    const address = named[row.path] ?? row.path.replace('[id]', String(mailing.id));
    // As the second visitor gets it.
    if (row.keep === 'everybody' || row.keep === 'asking') await ask(base, address);
    const answer = await ask(base, address, {
      headers: {
        origin: base,
        ...(row.rsc ? { rsc: '1' } : {}),
        ...(row.brotli ? { 'accept-encoding': 'gzip, deflate, br, zstd' } : {}),
        ...(row.signedIn ? { cookie } : {}),
        ...(row.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(row.form ? { method: 'POST', body: 'email=x' } : {}),
    });
    await test.step(row.what, () => {
      expect(answer.status).toBe(row.status);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(answer.headers['permissions-policy']).toContain('camera=()');
      expect(answer.headers['x-powered-by']).toBeUndefined();
      // Links are made with http here: nothing is promised about https.
      expect(answer.headers['strict-transport-security']).toBeUndefined();
      expect(answer.headers['content-encoding'] === 'br').toBe(row.brotli === true);
      kinds[row.kind](answer);
      keepers[row.keep](answer);
      if (answer.headers['set-cookie']) expect(row.keep).toBe('nobody');
    });
    if (row.keep === 'everybody' || row.keep === 'asking')
      await test.step(`${row.what}, asked for again`, async () => {
        const again = await ask(base, address, { headers: { 'if-none-match': String(answer.headers.etag) } });
        expect([again.status, again.body]).toEqual([304, '']);
        expect(again.headers['cache-control']).toBe(answer.headers['cache-control']);
        expect(again.headers.etag).toBe(answer.headers.etag);
      });
    await test.step(`${row.what}, under its policy`, () => {
      if (row.kind === 'workspace' || row.kind === 'public')
        expect(directives(answer)).toMatchObject({
          'default-src': "'none'",
          'object-src': "'none'",
          'base-uri': "'none'",
          'frame-ancestors': "'none'",
          'script-src-attr': "'none'",
        });
      const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1];
      if (nonce) expect(nonces.has(nonce)).toBe(false);
      if (nonce) nonces.add(nonce);
    });
  }
  expect(nonces.size).toBe(table.filter(({ kind }) => kind === 'workspace').length);
});

test('what another site makes a browser send changes nothing', async ({ baseURL }) => {
  const base = baseURL ?? '';
  const { cookie } = await createPerson(base, 'lured');
  const page = await ask(base, '/clients/new', { headers: { cookie } });
  const form = page.body.split('<form').find((part) => part.includes('name="email"')) ?? '';
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g)];
  const boundary = 'the-boundary';
  const post = (email: string, headers: Record<string, string>) => {
    // As a browser without scripts posts the form of the page.
    const fields = new Map(
      hidden
        .filter(([, name]) => name?.startsWith('$ACTION') || name === 'locale')
        .map(([, name = '', value = '']) => [name, value.replaceAll('&quot;', '"').replaceAll('&amp;', '&')]),
    );
    fields.set('email', email).set('fullName', 'Somebody');
    const body = [...fields]
      .map(
        ([name, value]) =>
          `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join('');
    return ask(base, '/clients/new', {
      method: 'POST',
      headers: { cookie, 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers },
      body: `${body}--${boundary}--\r\n`,
    });
  };
  const listed = async (email: string) =>
    (await ask(base, '/clients', { headers: { cookie } })).body.includes(email);

  const own = `own-${id}@clients.test`;
  expect((await post(own, { origin: base })).status).toBe(303);
  expect(await listed(own)).toBe(true);
  const attempts: Record<string, string>[] = [
    {},
    { origin: 'https://elsewhere.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: base },
  ];
  for (const [at, headers] of attempts.entries()) {
    const email = `lured-${at}-${id}@clients.test`;
    const answer = await post(email, headers);
    expect(answer.status, JSON.stringify(headers)).not.toBe(303);
    expect(await listed(email), JSON.stringify(headers)).toBe(false);
  }

  const { csrfToken }: { csrfToken: string } = JSON.parse((await ask(base, '/api/auth/csrf')).body);
  for (const headers of attempts)
    expect(
      (
        await ask(base, '/api/auth/signout', {
          method: 'POST',
          headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams({ csrfToken }).toString(),
        })
      ).status,
      JSON.stringify(headers),
    ).toBe(403);
  expect((await ask(base, '/clients', { headers: { cookie } })).status).toBe(200);
});
