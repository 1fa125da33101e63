import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { MessagePage } from '@/components/layout/message-page';
import { Button } from '@/components/ui/button';
import { unsubscribeAction } from '@/lib/suppressions/actions';
import { findUnsubscribeOffer } from '@/lib/suppressions/queries';

// What it says depends on the database and is nobody else's business: never cached.
export const dynamic = 'force-dynamic';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('unsubscribe');
  // The token goes to no other site. `no-referrer` would make the browser post with `Origin: null`, which Next refuses.
  return { title: t('title'), robots: { index: false, follow: false }, referrer: 'same-origin' };
}

export default async function UnsubscribePage({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  const [t, locale, offer] = await Promise.all([
    getTranslations('unsubscribe'),
    getLocale(),
    findUnsubscribeOffer(token),
  ]);
  const home = (
    <AppLink href="/" className="rounded-sm py-2 text-muted underline underline-offset-2 hover:text-ink">
      {t('home')}
    </AppLink>
  );
  if (!offer) {
    return (
      <MessagePage title={t('unknown.title')} actions={home}>
        <p>{t('unknown.body')}</p>
      </MessagePage>
    );
  }
  if (offer.kind === 'test') {
    return (
      <MessagePage title={t('test.title')} actions={home}>
        <p>{t('test.body')}</p>
      </MessagePage>
    );
  }
  const { maskedEmail: email, fromName: name } = offer;
  if (offer.isUnsubscribed) {
    return (
      <MessagePage title={t('done.title')} actions={home}>
        <p role="status">{t('done.body', { email, name })}</p>
      </MessagePage>
    );
  }
  return (
    <MessagePage
      title={t('ask.title')}
      actions={
        <form action={unsubscribeAction}>
          <input type="hidden" name="token" value={token} />
          <input type="hidden" name="locale" value={locale} />
          <Button type="submit" variant="primary">
            {t('ask.button')}
          </Button>
        </form>
      }
    >
      <p>{t('ask.body', { email, name })}</p>
    </MessagePage>
  );
}
