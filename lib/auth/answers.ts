import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { appUrl } from '@/lib/env';
import { commonHeaders, strictTransport } from '@/lib/security-headers';

/**
 * From now on every answer of this process carries {@link commonHeaders}, and over https the promise of https: redirects of
 * `next.config.ts` and answers to what is no proper request too, which Next sends without asking anybody. Called once, by
 * `instrumentation.ts`. `next.config.ts` names the same ones for platforms that serve static pages themselves.
 */
export function guardAnswers(): void {
  const headers = Object.entries(commonHeaders);
  if (appUrl().startsWith('https:')) headers.push(['strict-transport-security', strictTransport]);
  subscribe('http.server.request.start', (message) => {
    const { response } = message as { response: ServerResponse };
    for (const [name, value] of headers) response.setHeader(name, value);
  });
}
