import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { DeliveryBadge } from '@/components/mailings/badges';
import { DeliveryReason } from '@/components/mailings/delivery-reason';
import { AttemptBadge, AttemptsTable } from '@/components/reports/attempts-table';
import { Card } from '@/components/ui/card';
import { Facts } from '@/components/ui/facts';
import { Time } from '@/components/ui/time';
import { findAttempt, listAttempts } from '@/lib/attempts/queries';
import { requireActor } from '@/lib/auth/session';
import { formatInstant } from '@/lib/format';
import { serverOf } from '@/lib/runs/queries';

type Props = { params: Promise<{ id: string }> };

const stages = [
  'connect',
  'greeting',
  'tls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'dot',
  'http',
  'policy',
  'outbox',
] as const;

/** The kind of the transport and its server; who signs in there concerns nobody who only sends. */
function sentBy(transport: string): string {
  const [kind = ''] = transport.split(/[:#]/);
  const server = serverOf(transport);
  return server ? `${kind}, ${server}` : kind;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports.attempts');
  return { title: t('title') };
}

export default async function AttemptPage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const attempt = await findAttempt(actor, Number(id));
  if (!attempt) notFound();
  const [t, locale, all] = await Promise.all([
    getTranslations('reports.attempts'),
    getLocale(),
    listAttempts(actor, { deliveryId: attempt.deliveryId, size: 50 }),
  ]);
  const { zone } = attempt;
  const stage = stages.find((known) => known === attempt.stage);
  return (
    <Page
      title={t('one', { at: formatInstant(locale, attempt.attemptedAt, zone) })}
      lead={<AttemptBadge status={attempt.status} />}
      backHref={actor.id === attempt.ownerId ? '/attempts' : '/manage/attempts'}
      backLabel={t('back')}
      actions={
        <LinkButton href={`/mailings/${attempt.mailingId}/runs/${attempt.runId}`}>{t('openRun')}</LinkButton>
      }
    >
      <Card>
        <Facts
          items={[
            {
              term: t('facts.at'),
              value: <Time value={attempt.attemptedAt} zone={zone} locale={locale} relative />,
            },
            {
              term: t('facts.client'),
              value: (
                <AppLink href={`/clients/${attempt.clientId}`} className="underline underline-offset-2">
                  {attempt.fullName ? `${attempt.fullName} <${attempt.email}>` : attempt.email}
                </AppLink>
              ),
            },
            {
              term: t('facts.mailing'),
              value: (
                <AppLink href={`/mailings/${attempt.mailingId}`} className="underline underline-offset-2">
                  {attempt.mailingName}
                </AppLink>
              ),
            },
            { term: t('facts.subject'), value: attempt.subject },
            { term: t('facts.from'), value: `${attempt.fromName} <${attempt.fromEmail}>` },
            ...(attempt.code === null ? [] : [{ term: t('facts.code'), value: attempt.code }]),
            { term: t('facts.answer'), value: attempt.response || t('noAnswer') },
            ...(attempt.stage
              ? [{ term: t('facts.stage'), value: stage ? t(`stages.${stage}`) : attempt.stage }]
              : []),
            { term: t('facts.transport'), value: sentBy(attempt.transport) },
            {
              term: t('facts.delivery'),
              value: (
                <>
                  <DeliveryBadge status={attempt.deliveryStatus} />{' '}
                  <DeliveryReason reason={attempt.deliveryReason} />
                </>
              ),
            },
            ...(attempt.nextTryAt
              ? [
                  {
                    term: t('facts.nextTry'),
                    value: <Time value={attempt.nextTryAt} zone={zone} locale={locale} relative />,
                  },
                ]
              : []),
          ]}
        />
      </Card>
      {all.items.length > 1 ? (
        <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <h2 className="text-lg font-semibold">{t('others')}</h2>
          <AttemptsTable attempts={all.items} zone={zone} showMailing={false} />
        </section>
      ) : null}
    </Page>
  );
}
