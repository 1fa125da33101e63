import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { frameSource } from '@/components/messages/message-preview';
import { Facts } from '@/components/ui/facts';
import { Tabs } from '@/components/ui/tabs';
import { Time } from '@/components/ui/time';
import { findLetter } from '@/lib/email/outbox';
import { requireViewer } from '@/lib/email/viewer';

type Props = {
  params: Promise<{ id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};
const views = ['html', 'text', 'raw'] as const;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('outbox');
  return { title: t('letter') };
}

export default async function LetterPage({ params, searchParams }: Props) {
  const viewer = await requireViewer();
  const [{ id }, asked, t, locale] = await Promise.all([
    params,
    searchParams,
    getTranslations('outbox'),
    getLocale(),
  ]);
  const letter = /^\d{1,15}$/.test(id) ? await findLetter(viewer, Number(id)) : null;
  if (!letter) notFound();
  const shown = views.find((view) => view === asked.view) ?? 'html';
  const head = letter.raw.slice(0, Math.max(0, letter.raw.indexOf('\r\n\r\n')));
  const from = /^From: (.*(?:\r\n[ \t].*)*)/im.exec(head)?.[1]?.replace(/\r\n[ \t]+/g, ' ');
  return (
    <Page title={letter.subject || t('noSubject')} backHref="/outbox" backLabel={t('title')}>
      <Facts
        items={[
          { term: t('from'), value: decodeWords(from ?? '') },
          { term: t('to'), value: letter.toEmail },
          {
            term: t('kept'),
            value: <Time value={letter.createdAt} zone={viewer.zone} locale={locale} relative />,
          },
        ]}
      />
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <Tabs
          label={t('views')}
          items={views.map((view) => ({
            href: `/outbox/${letter.id}${view === 'html' ? '' : `?view=${view}`}`,
            label: t(`view.${view}`),
            current: view === shown,
          }))}
        />
        {shown === 'html' ? (
          <iframe
            title={t('view.html')}
            sandbox="allow-popups allow-popups-to-escape-sandbox"
            srcDoc={frameSource(letter.html, '<base target="_blank">')}
            className="h-[70vh] w-full rounded-lg border border-line bg-[#fff] [color-scheme:light]"
          />
        ) : (
          <pre className="overflow-x-auto rounded-lg border border-line bg-surface p-4 text-[0.8125rem] leading-relaxed whitespace-pre-wrap [overflow-wrap:anywhere]">
            {shown === 'text' ? letter.text : letter.raw}
          </pre>
        )}
      </div>
    </Page>
  );
}

/** Encoded words (RFC 2047), as we write them, back into letters. */
function decodeWords(header: string): string {
  return header
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=/g, (_, word: string) =>
      Buffer.from(word, 'base64').toString('utf8'),
    );
}
