import { redirect } from 'next/navigation';
import { env } from '@/lib/env';
import { localizedPath } from '@/lib/i18n/paths';
import { unsubscribeByToken } from '@/lib/suppressions/mutations';

type Props = { params: Promise<{ token: string }> };

/**
 * One-click unsubscribing (RFC 8058): mail programs post here without cookies or confirmation. The same answer for every token,
 * used ones and foreign ones too; it tells nobody anything.
 */
export async function POST(_request: Request, { params }: Props): Promise<Response> {
  const { token } = await params;
  await unsubscribeByToken(token);
  return new Response('OK\n', { headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' } });
}

/** A person who followed the address gets the page with the button; scanners that prefetch it change nothing. */
export async function GET(_request: Request, { params }: Props): Promise<never> {
  const { token } = await params;
  const { DEFAULT_LOCALE } = env();
  redirect(localizedPath(DEFAULT_LOCALE, `/unsubscribe/${encodeURIComponent(token)}`, DEFAULT_LOCALE));
}
