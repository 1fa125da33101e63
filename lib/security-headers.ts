/**
 * What a browser may do with our answers. `next.config.ts` sends what holds for whole kinds of addresses, `middleware.ts` the policy of
 * the workspace, and `instrumentation.ts` what must stand on every answer, those that Next makes before it looks at a page too.
 */

/** SHA-256 of the script in `components/layout/theme-script.ts`, the only one that stands in a page of ours and knows no nonce. */
export const themeScriptHash = "'sha256-wsmnxD6kqdZZ/V2wQ85d92sMux2lvh7NN1y5/Y5SS5c='";
/** SHA-256 of the style sheet in every letter (`lib/sending/compose.ts`): its preview lives under the policy of the page around it. */
export const letterStyleHash = "'sha256-f2ZvFbDSqbquk/eElmCtkXSy/FNVHA3q/k/tpBYPBx0='";

const write = (directives: Record<string, string>) =>
  Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');

/** What both kinds of pages have in common: nothing, unless it is named here. */
const ground = (scripts: string) => ({
  // Before `script-src-attr`: Next looks for its nonce in the first directive that begins with these letters.
  'script-src': scripts,
  // Handlers in attributes are nothing we write, so none of them is ever ours.
  'script-src-attr': "'none'",
  'default-src': "'none'",
  'object-src': "'none'",
  'base-uri': "'none'",
  'frame-ancestors': "'none'",
  'form-action': "'self'",
  'font-src': "'self'",
  // Widths of bars come as attributes of the first HTML. Style sheets are another matter: see `style-src-elem`.
  'style-src-attr': "'unsafe-inline'",
  // For browsers that do not know the two kinds apart.
  'style-src': "'self' 'unsafe-inline'",
});

/**
 * Pages of the workspace, with a nonce of the request: only scripts that the server put there run, and what they load. Pictures may come
 * from anywhere, because letters are written and looked at here.
 */
export function workspacePolicy(
  nonce: string,
  { isDevelopment, hasBlob }: { isDevelopment: boolean; hasBlob: boolean },
): string {
  const mine = `'nonce-${nonce}'`;
  return write({
    ...ground(`'self' ${mine} ${themeScriptHash} 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`),
    'style-src-elem': isDevelopment ? "'self' 'unsafe-inline'" : `'self' ${mine} ${letterStyleHash}`,
    'img-src': "'self' data: blob: https: http:",
    // Browsers send large pictures to Vercel Blob by themselves, where that is set up.
    'connect-src': `'self'${hasBlob ? ' https://vercel.com/api/blob https://vercel.com/api/blob/' : ''}${isDevelopment ? ' ws:' : ''}`,
    'frame-src': "'none'",
  });
}

/**
 * Pages that are made once and kept: nobody can put a nonce into them, and their inline scripts carry the page's own text, so that no
 * list of hashes could name those of the next article. See docs/decisions/0011.
 */
export function publicPolicy(isDevelopment: boolean): string {
  return write({
    ...ground(`'self' 'unsafe-inline'${isDevelopment ? " 'unsafe-eval'" : ''}`),
    'style-src-elem': isDevelopment ? "'self' 'unsafe-inline'" : "'self'",
    'img-src': "'self' data: https: http:",
    'connect-src': isDevelopment ? "'self' ws:" : "'self'",
    'frame-src': "'none'",
  });
}

/** Answers that are no pages: JSON, CSV, files. */
export const dataPolicy = write({
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
});

/** Files that people uploaded: whatever they are, they act on nothing. */
export const uploadPolicy = `${dataPolicy}; sandbox`;

/** What every answer carries, whatever it is. */
export const commonHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: forms would then post with `Origin: null` where no script runs.
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=(), browsing-topics=()',
};

/** Two years of https and nothing else; said only where links are made with https. */
export const strictTransport = 'max-age=63072000; includeSubDomains';

/** For `next.config.ts`: what whole kinds of addresses answer with. The last one that matches counts. */
export function headerRules({ isDevelopment, isSecure }: { isDevelopment: boolean; isSecure: boolean }) {
  const list = (headers: Record<string, string>) =>
    Object.entries(headers).map(([key, value]) => ({ key, value }));
  const policy = 'content-security-policy';
  return [
    {
      source: '/(.*)',
      headers: list({
        ...commonHeaders,
        ...(isSecure ? { 'strict-transport-security': strictTransport } : {}),
        [policy]: publicPolicy(isDevelopment),
      }),
    },
    { source: '/(api|_next)/(.*)', headers: list({ [policy]: dataPolicy }) },
    { source: '/api/uploads/(.*)', headers: list({ [policy]: uploadPolicy }) },
  ];
}
