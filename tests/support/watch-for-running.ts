import type { BrowserContext, Page } from '@playwright/test';

/**
 * Listens in every page of a context for texts that run: calls of `fired()`, dialogs, console marks, anything asked of the canary.
 * `ran` names what did, and where; `look` says what of a page would run if somebody clicked or a policy were missing.
 */
export async function watchForRunning(context: BrowserContext) {
  const ran: string[] = [];
  await context.exposeBinding('fired', ({ frame }, what: unknown) => {
    ran.push(`fired(${String(what)}) on ${frame.url()}`);
  });
  await context.route(
    (url) => url.hostname === 'canary.invalid',
    (route) => {
      const request = route.request();
      // Pictures from elsewhere are what letters and articles are made of; everything else would be a way out.
      if (request.resourceType() !== 'image') ran.push(`${request.resourceType()} ${request.url()}`);
      return route.abort();
    },
  );
  context.on('dialog', async (dialog) => {
    ran.push(`${dialog.type()}(${dialog.message()}) on ${dialog.page()?.url() ?? ''}`);
    await dialog.dismiss();
  });
  context.on('console', (message) => {
    if (message.text().includes('xss-canary')) ran.push(`console on ${message.page()?.url() ?? ''}`);
  });
  return ran;
}

/**
 * Elements that would act: handlers in attributes, addresses that are scripts, scripts with a payload in them, frames that may run
 * something, a base or a refresh. Waits for two frames first, so that what runs by itself has run. `own`: texts of scripts that the
 * application itself puts among what it shows.
 */
export function look(page: Page, own: string[] = []): Promise<{ acting: string[]; frames: string[] }> {
  return page.evaluate(async (known) => {
    for (let count = 0; count < 2; count += 1)
      await new Promise((resolve) => requestAnimationFrame(() => resolve(null)));
    const acting: string[] = [];
    const frames: string[] = [];
    const show = (element: Element) => element.outerHTML.slice(0, 200);
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        const isHandler = /^on/i.test(name);
        const isScript =
          /^(href|src|action|formaction|data|xlink:href)$/i.test(name) &&
          /^(javascript|vbscript|data:(?!image\/(png|jpeg|gif|webp|avif|svg\+xml)[;,]))/i.test(
            value.replace(/[\p{Cc}\s]/gu, ''),
          ) &&
          // What React itself puts on a form that nothing is to submit before scripts are there.
          !value.startsWith("javascript:throw new Error('React form unexpectedly submitted");
        if (isHandler || isScript) acting.push(show(element));
      }
      if (element instanceof HTMLIFrameElement) {
        const sandbox = element.getAttribute('sandbox');
        frames.push(`sandbox=${JSON.stringify(sandbox)}`);
        if (sandbox === null || /allow-(scripts|same-origin|top-navigation|forms)/.test(sandbox))
          acting.push(show(element));
      }
      if (
        element instanceof HTMLBaseElement ||
        element.matches('meta[http-equiv=refresh i], object, embed, xss')
      )
        acting.push(show(element));
      // What an article tells search engines is data, which no browser runs.
      const isData = element.matches('script[type="application/ld+json"]');
      const isOwn = element instanceof HTMLScriptElement && known.includes(element.text);
      if (
        !isData &&
        !isOwn &&
        element.matches('main style, main script, main link:not([rel=preload], [rel=expect])')
      )
        acting.push(show(element));
      if (element instanceof HTMLAnchorElement && element.host === 'canary.invalid')
        acting.push(show(element));
    }
    return { acting, frames };
  }, own);
}
