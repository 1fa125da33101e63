import { NextIntlClientProvider } from 'next-intl';
import { getLocale, getMessages, getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { AppLink } from '@/components/layout/link';
import { Notice } from '@/components/layout/notice';
import { Banner, Shell } from '@/components/layout/shell';
import { findActor } from '@/lib/auth/session';
import { hasLoopbackLinks, transportKind } from '@/lib/email/transport';
import { appUrl, env } from '@/lib/env';
import { formatInstant } from '@/lib/format';
import { findFact } from '@/lib/installation/queries';
import { findEngineTrouble } from '@/lib/sending/wake';
import { Document } from '../document';

export { generateMetadata, generateStaticParams, viewport } from '../document';

/** The frame of private pages. It reads who is signed in to show it, and is no gate: each page asks for itself. */
export default async function WorkspaceLayout({
  children,
  params,
}: {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}) {
  const actor = await findActor();
  const { home: _home, blog: _blog, ...messages } = await getMessages();
  const hasOutbox = transportKind() === 'outbox';
  return (
    <Document params={params} isWorkspace>
      <NextIntlClientProvider messages={messages}>
        <Shell
          defaultLocale={env().DEFAULT_LOCALE}
          person={actor ? { name: actor.name, email: actor.email, isStaff: actor.isStaff } : null}
          hasOutbox={hasOutbox}
          banners={actor ? <Banners hasOutbox={hasOutbox} zone={actor.timeZone} /> : null}
          notice={<Notice />}
        >
          {children}
        </Shell>
      </NextIntlClientProvider>
    </Document>
  );
}

async function Banners({ hasOutbox, zone }: { hasOutbox: boolean; zone: string }) {
  const [t, locale, demo, trouble] = await Promise.all([
    getTranslations('layout.banners'),
    getLocale(),
    findFact('demo_data'),
    findEngineTrouble(),
  ]);
  const leadsNowhere = hasLoopbackLinks();
  if (!trouble && !hasOutbox && !demo && !leadsNowhere) return null;
  return (
    <section aria-label={t('label')}>
      {trouble ? (
        <Banner tone="warn">
          {t('stalled')}{' '}
          {trouble.lastPassAt
            ? t('stalledSince', { when: formatInstant(locale, trouble.lastPassAt, zone) })
            : null}
        </Banner>
      ) : null}
      {leadsNowhere ? <Banner tone="warn">{t('loopback', { address: appUrl() })}</Banner> : null}
      {hasOutbox ? (
        <Banner tone="info">
          {t('outbox')}{' '}
          <AppLink href="/outbox" className="font-medium underline underline-offset-2">
            {t('outboxLink')}
          </AppLink>
        </Banner>
      ) : null}
      {demo ? (
        <Banner tone="info">
          {t.rich('demo', { code: (command) => <code className="whitespace-nowrap">{command}</code> })}
        </Banner>
      ) : null}
    </section>
  );
}
