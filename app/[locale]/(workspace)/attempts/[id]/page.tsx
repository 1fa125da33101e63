import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { DeliveryBadge } from '@/components/mailings/badges';
import { DeliveryReason } from '@/components/mailings/delivery-reason';
import { RunTime } from '@/components/mailings/run-time';
import { AnswerAdvice, AnswerKindName, OwnWordsText } from '@/components/reports/answer';
import { AttemptBadge, AttemptsTable } from '@/components/reports/attempts-table';
import { Card } from '@/components/ui/card';
import { Facts } from '@/components/ui/facts';
import { Time } from '@/components/ui/time';
import { findAttempt, listOtherAttempts } from '@/lib/attempts/queries';
import { ownWords } from '@/lib/attempts/schema';
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
  const [t, tRun, locale, others] = await Promise.all([
    getTranslations('reports.attempts'),
    getTranslations('mailings.runKind'),
    getLocale(),
    listOtherAttempts(actor, attempt),
  ]);
  const { timeZone: zone } = actor;
  const own = ownWords(attempt);
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
      <Card title={attempt.kind ? <AnswerKindName kind={attempt.kind} /> : t('taken')}>
        <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-2">
          <div className="max-w-prose">
            {attempt.kind ? <AnswerAdvice kind={attempt.kind} /> : <p>{t('takenBody')}</p>}
          </div>
          <div className="rounded-md border border-line bg-sunken p-3">
            <h3 className="text-[0.8125rem] font-medium text-muted">
              {own
                ? t('ownWords')
                : attempt.code === null
                  ? t('facts.answer')
                  : t('answerWithCode', { code: attempt.code })}
            </h3>
            {own ? (
              <>
                <p className="mt-1">
                  <OwnWordsText words={own} />
                </p>
                <p className="mt-2 text-[0.8125rem] text-muted">{t('kept')}</p>
              </>
            ) : null}
            {attempt.response ? (
              <p className="mt-1 font-mono text-[0.8125rem] [overflow-wrap:anywhere]">{attempt.response}</p>
            ) : (
              <p className="mt-1 text-muted">{t('noAnswer')}</p>
            )}
          </div>
        </div>
      </Card>
      <Card title={t('conversation')}>
        <Facts
          items={[
            {
              term: t('facts.at'),
              value: <Time value={attempt.attemptedAt} zone={zone} locale={locale} seconds relative />,
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
            {
              term: t('facts.run'),
              value: (
                <AppLink
                  href={`/mailings/${attempt.mailingId}/runs/${attempt.runId}`}
                  className="underline underline-offset-2"
                >
                  <RunTime run={attempt} readerZone={zone} locale={locale} />, {tRun(attempt.runKind)}
                </AppLink>
              ),
            },
            { term: t('facts.subject'), value: attempt.subject },
            { term: t('facts.from'), value: `${attempt.fromName} <${attempt.fromEmail}>` },
            ...(attempt.stage
              ? [{ term: t('facts.stage'), value: stage ? t(`stages.${stage}`) : attempt.stage }]
              : []),
            { term: t('facts.transport'), value: sentBy(attempt.transport) },
            {
              term: t('facts.delivery'),
              value: (
                <>
                  <DeliveryBadge status={attempt.deliveryStatus} />{' '}
                  <DeliveryReason reason={attempt.deliveryReason} />{' '}
                  {attempt.tries > 0 ? t('tries', { count: attempt.tries }) : null}
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
      {others.length > 0 ? (
        <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <h2 className="text-lg font-semibold">{t('others')}</h2>
          <AttemptsTable attempts={others} zone={zone} showMailing={false} seconds />
        </section>
      ) : null}
    </Page>
  );
}
