import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { DamagedPage } from '@/components/layout/list-page';
import { Page } from '@/components/layout/shell';
import { MailingBadges, RunBadge } from '@/components/mailings/badges';
import { History } from '@/components/mailings/history';
import { HoldNotice, SlowNotice } from '@/components/mailings/hold-notice';
import { LiveProgress } from '@/components/mailings/live-progress';
import { LiveRuns } from '@/components/mailings/live-runs';
import { MailingActions, SendNowButton } from '@/components/mailings/mailing-actions';
import { RunProgress } from '@/components/mailings/run-progress';
import { RunTime } from '@/components/mailings/run-time';
import { RunsTable } from '@/components/mailings/runs-table';
import { scheduleText } from '@/components/mailings/schedule-text';
import { DisableCard } from '@/components/manage/disable-card';
import { Answers } from '@/components/reports/answers';
import { AttemptsTable } from '@/components/reports/attempts-table';
import { Alert } from '@/components/ui/alert';
import { Badge } from '@/components/ui/badge';
import { Card } from '@/components/ui/card';
import { Empty } from '@/components/ui/empty';
import { Facts } from '@/components/ui/facts';
import { Pager } from '@/components/ui/pager';
import { Time } from '@/components/ui/time';
import { listAttempts } from '@/lib/attempts/queries';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { historyKeys, listHistory } from '@/lib/history/queries';
import { countMailingClients, findMailing, listMailingClients } from '@/lib/mailings/queries';
import { readCursor } from '@/lib/paging';
import { can, canManage } from '@/lib/policy/rules';
import { listAnsweringDomains, listAnswers, mailingFigures } from '@/lib/reports/queries';
import {
  countRuns,
  findLastRun,
  findProgress,
  findWhatStops,
  listRuns,
  measureRate,
  readingOf,
} from '@/lib/runs/queries';
import { finishableOutcomes } from '@/lib/runs/schema';

type Props = {
  params: Promise<{ id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};
/** Holds of the whole mailing, which the page tells once at its top. */
const saidAbove = new Set<string>(['disabled', 'blocked', 'paused']);
const runsShown = 10;
const clientsShown = 20;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const [actor, { id }] = await Promise.all([requireActor(), params]);
  const mailing = await findMailing(actor, Number(id));
  return { title: mailing?.name ?? '' };
}

export default async function MailingPage({ params, searchParams }: Props) {
  const actor = await requireActor();
  const [{ id }, asked] = await Promise.all([params, searchParams]);
  const mailing = await findMailing(actor, Number(id));
  if (!mailing) notFound();
  const { after: runsAfter, isDamaged: isRunsDamaged } = readCursor(asked, ['number'], 'runs');
  const { after: clientsAfter, isDamaged: isClientsDamaged } = readCursor(asked, ['number'], 'clients');
  const { after: historyAfter, isDamaged: isHistoryDamaged } = readCursor(asked, historyKeys, 'history');
  const [
    t,
    tSchedule,
    locale,
    audience,
    progress,
    last,
    runs,
    runsCount,
    figures,
    attempts,
    chosen,
    stops,
    kinds,
    domains,
    history,
  ] = await Promise.all([
    getTranslations('mailings'),
    getTranslations('mailings.schedule'),
    getLocale(),
    countMailingClients(actor, mailing.id),
    findProgress(actor, { mailingId: mailing.id }),
    findLastRun(actor, mailing.id),
    listRuns(actor, { mailingId: mailing.id, after: runsAfter, size: runsShown }),
    countRuns(actor, mailing.id),
    mailingFigures(actor, mailing.id),
    listAttempts(actor, { mailingId: mailing.id, size: 10 }),
    mailing.audience === 'chosen'
      ? listMailingClients(actor, { mailingId: mailing.id, after: clientsAfter, size: clientsShown })
      : null,
    canManage(actor) ? findWhatStops(actor, { mailingId: mailing.id }) : null,
    listAnswers(actor, { mailingId: mailing.id }),
    listAnsweringDomains(actor, { mailingId: mailing.id }),
    listHistory(actor, { mailingId: mailing.id, after: historyAfter }),
  ]);
  const now = systemClock.now();
  // Plans stand on the clock of the mailing, what has happened on the reader's.
  const { zone } = mailing;
  const { timeZone: readerZone } = actor;
  const mayChange = can(actor, 'update', mailing.ownerId) && !mailing.archivedAt;
  if (!progress) notFound();
  const { runs: open, stall } = progress;
  const paces = await Promise.all(
    open.map((run) => (run.hold ? null : measureRate(actor, { ...run, mailingId: mailing.id }))),
  );
  const unsent = open.reduce((sum, run) => sum + run.counts.queued, 0);
  const isUnfinished =
    last !== null &&
    !open.some((run) => run.id === last.id) &&
    finishableOutcomes.some((outcome) => last.counts[outcome] > 0);
  const mayFinish = mayChange && isUnfinished && !mailing.disabledAt && !mailing.ownerBlockedAt;
  const held = mailing.pausedAt || mailing.disabledAt || mailing.ownerBlockedAt;
  const isStarting = open.length === 0 && !progress.isOver;
  const query = (changes: Record<string, string | null>) => {
    const merged = {
      runs: runsAfter ?? null,
      clients: clientsAfter ?? null,
      history: historyAfter ?? null,
      ...changes,
    };
    const search = new URLSearchParams(
      Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    return `/mailings/${mailing.id}${search.size > 0 ? `?${search}` : ''}`;
  };
  const planned = (at: Date, relative = false) => (
    <Time value={at} zone={zone} readerZone={readerZone} locale={locale} relative={relative} />
  );
  const when = (at: Date, relative = false) => (
    <Time value={at} zone={readerZone} locale={locale} relative={relative} />
  );
  const audienceText = t(
    mailing.audience === 'all'
      ? audience.exact
        ? 'audience.all'
        : 'audience.allMany'
      : audience.exact
        ? 'audience.chosen'
        : 'audience.chosenMany',
    { count: audience.value },
  );

  return (
    <LiveRuns mailingId={mailing.id} reading={readingOf(progress)}>
      <Page
        title={mailing.name}
        lead={
          <span className="inline-flex flex-wrap items-center gap-2">
            <MailingBadges mailing={mailing} />
          </span>
        }
        backHref={actor.id === mailing.ownerId ? '/mailings' : '/manage/mailings'}
        backLabel={t('back')}
        actions={
          mayChange ? (
            <MailingActions
              mailing={mailing}
              audience={audience}
              unsent={unsent}
              hasRuns={runs.items.length > 0 || Boolean(runsAfter)}
              manualOpen={open.some((run) => run.kind === 'manual')}
              own={actor.id === mailing.ownerId}
              isNext={!mayFinish && open.length === 0 && !mailing.disabledAt && !mailing.ownerBlockedAt}
              now={now}
            />
          ) : null
        }
      >
        <div className="grid gap-3 empty:hidden">
          {actor.id === mailing.ownerId ? null : (
            <Alert tone="info">
              {t(can(actor, 'update', mailing.ownerId) ? 'foreign' : 'readOnly', {
                owner: `${mailing.ownerName} <${mailing.ownerEmail}>`,
              })}
            </Alert>
          )}
          {mailing.archivedAt ? <Alert tone="neutral">{t('archivedBody')}</Alert> : null}
          {mailing.disabledAt ? (
            <Alert tone="bad" title={t('disabledTitle')}>
              {t.rich('disabledBody', {
                at: () => (mailing.disabledAt ? when(mailing.disabledAt) : null),
                known: mailing.disabledBy ? 'yes' : 'no',
                name: mailing.disabledBy ?? '',
                reason: mailing.disabledReason ?? '',
              })}
            </Alert>
          ) : null}
          {mailing.ownerBlockedAt ? (
            <Alert tone="bad" title={t('blockedTitle')}>
              {t.rich('blockedBody', {
                at: () => (mailing.ownerBlockedAt ? when(mailing.ownerBlockedAt) : null),
                known: mailing.ownerBlockedBy ? 'yes' : 'no',
                name: mailing.ownerBlockedBy ?? '',
                reason: mailing.ownerBlockedReason ?? '',
              })}
            </Alert>
          ) : null}
          {mailing.pausedAt && mailing.status !== 'completed' ? (
            <Alert tone="warn" title={t('pausedTitle')}>
              {t.rich('pausedBody', { at: () => (mailing.pausedAt ? when(mailing.pausedAt) : null) })}
            </Alert>
          ) : null}
          {stall ? <HoldNotice hold={stall} queued={0} zone={readerZone} /> : null}
          {isStarting && !stall ? <Alert tone="info">{t('live.starting')}</Alert> : null}
        </div>

        {open.map((run, index) => (
          <Card
            key={run.id}
            title={
              <span className="inline-flex flex-wrap items-center gap-2">
                {t('live.under')}
                <RunBadge run={run} />
                <span className="font-normal text-muted">{t(`runKind.${run.kind}`)}</span>
              </span>
            }
            actions={
              <LinkButton size="sm" href={`/mailings/${mailing.id}/runs/${run.id}`}>
                {t('live.openRun')}
              </LinkButton>
            }
          >
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
              {run.hold && !saidAbove.has(run.hold.kind) ? (
                <HoldNotice hold={run.hold} queued={run.counts.queued} zone={readerZone} />
              ) : null}
              {run.hold === null && run.slowedTo !== null ? <SlowNotice rate={run.slowedTo} /> : null}
              <LiveProgress
                runId={run.id}
                counts={run.counts}
                isOpen={run.isOpen}
                pace={paces[index] ?? null}
                moves={run.hold === null}
                href={query({})}
              />
            </div>
          </Card>
        ))}

        {last && !open.some((run) => run.id === last.id) && last.counts.total > 0 ? (
          <Card
            title={
              <span className="inline-flex flex-wrap items-center gap-2">
                {t('sections.lastRun')}
                <RunBadge run={last} />
                <span className="font-normal text-muted">
                  <RunTime run={last} readerZone={readerZone} locale={locale} />
                </span>
              </span>
            }
            actions={
              <>
                {mayFinish ? (
                  <LinkButton
                    size="sm"
                    // Of a paused mailing resuming comes first: nothing would leave before.
                    variant={mailing.pausedAt && mailing.status !== 'completed' ? 'secondary' : 'primary'}
                    href={`/mailings/${mailing.id}/runs/${last.id}#finish`}
                  >
                    {t('run.next.finish')}
                  </LinkButton>
                ) : null}
                <LinkButton size="sm" href={`/mailings/${mailing.id}/runs/${last.id}`}>
                  {t('live.openRun')}
                </LinkButton>
              </>
            }
          >
            <RunProgress counts={last.counts} />
          </Card>
        ) : null}

        <Card title={t('facts.title')}>
          <Facts
            items={[
              {
                term: t('facts.status'),
                value: t(`statusText.${held && mailing.status === 'running' ? 'held' : mailing.status}`),
              },
              {
                term: t('facts.next'),
                value: mailing.nextSlotAt ? (
                  <>
                    {planned(mailing.nextSlotAt, true)}
                    {held ? <span className="text-muted"> ({t('facts.nextHeld')})</span> : null}
                  </>
                ) : (
                  t('facts.nextNone')
                ),
              },
              {
                term: t('facts.last'),
                value: last ? when(last.openedAt, true) : t('facts.lastNone'),
              },
              {
                term: t('facts.message'),
                value: (
                  <AppLink href={`/messages/${mailing.messageId}`} className="underline underline-offset-2">
                    {mailing.subject}
                  </AppLink>
                ),
              },
              {
                term: t('facts.clients'),
                value: (
                  <>
                    {audienceText}
                    {audience.suppressed > 0 ? (
                      <span className="text-muted">
                        ; {t('audience.suppressed', { count: audience.suppressed })}
                      </span>
                    ) : null}
                  </>
                ),
              },
              { term: t('facts.schedule'), value: scheduleText(tSchedule, locale, mailing) },
              { term: t('facts.ends'), value: mailing.endsAt ? planned(mailing.endsAt) : t('facts.never') },
              {
                term: t('facts.totals'),
                value: (
                  <>
                    {t('facts.totalsText', {
                      sent: figures.sent,
                      succeeded: figures.attemptsSucceeded,
                      failed: figures.attemptsFailed,
                      unknown: figures.attemptsUnknown,
                    })}
                    {figures.attemptsFailed > 0 ? (
                      <div className="text-muted">{t('facts.totalsHint')}</div>
                    ) : null}
                  </>
                ),
              },
            ]}
          />
        </Card>

        {stops ? (
          <DisableCard mailingId={mailing.id} isDisabled={mailing.disabledAt !== null} stops={stops} />
        ) : null}

        <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <h2 className="text-lg font-semibold">{t('sections.runs')}</h2>
          {isRunsDamaged ? <DamagedPage /> : null}
          {runs.items.length === 0 ? (
            <Empty title={t('runsEmpty')} body={t('runsEmptyBody')} />
          ) : (
            <RunsTable
              runs={runs.items.map((run) => ({ ...run, hold: open.find(({ id }) => id === run.id)?.hold }))}
              readerZone={readerZone}
              missed={
                mayChange ? (
                  <SendNowButton
                    mailing={mailing}
                    audience={audience}
                    open={open.some((run) => run.kind === 'manual')}
                    disabled={mailing.disabledAt !== null || mailing.ownerBlockedAt !== null}
                    variant="secondary"
                    size="sm"
                  />
                ) : null
              }
            />
          )}
          <Pager
            label={t('sections.runs')}
            note={
              runs.items.length > 0
                ? t('runsCount', { value: runsCount.value, exact: runsCount.exact ? 'yes' : 'no' })
                : null
            }
            nextHref={runs.next ? query({ runs: runs.next }) : null}
            firstHref={runsAfter ? query({ runs: null }) : null}
          />
        </section>

        <History
          mailingId={mailing.id}
          lines={history}
          zone={readerZone}
          after={historyAfter}
          isDamaged={isHistoryDamaged}
          href={(cursor) => `${query({ history: cursor })}#history`}
        />

        {kinds.length > 0 ? (
          <Card title={t('sections.answers')}>
            <Answers
              kinds={kinds}
              domains={domains}
              shows="attempts"
              hrefOf={({ kind, domain }) =>
                `/attempts?${new URLSearchParams({ mailing: String(mailing.id), ...(kind ? { kind } : {}), ...(domain ? { q: `@${domain}` } : {}) })}`
              }
            />
          </Card>
        ) : null}

        <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <div className="flex flex-wrap items-center justify-between gap-3">
            <h2 className="text-lg font-semibold">{t('sections.attempts')}</h2>
            {attempts.items.length > 0 ? (
              <div className="flex flex-wrap gap-2">
                <LinkButton size="sm" href={`/attempts?mailing=${mailing.id}`}>
                  {t('allAttempts')}
                </LinkButton>
                <LinkButton size="sm" href={`/api/mailings/${mailing.id}/attempts`} download>
                  {t('exportCsv')}
                </LinkButton>
              </div>
            ) : null}
          </div>
          {attempts.items.length === 0 ? (
            <p className="text-muted">{t('attemptsEmpty')}</p>
          ) : (
            <>
              <AttemptsTable attempts={attempts.items} zone={readerZone} showMailing={false} />
              <p className="text-[0.8125rem] text-muted">
                {t('attemptsShown', {
                  count: attempts.items.length,
                  // Counted a moment before or after.
                  of: Math.max(
                    attempts.items.length,
                    figures.attemptsSucceeded + figures.attemptsFailed + figures.attemptsUnknown,
                  ),
                })}
              </p>
            </>
          )}
        </section>

        {chosen ? (
          <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
            <h2 className="text-lg font-semibold">{t('sections.clients')}</h2>
            {isClientsDamaged ? <DamagedPage /> : null}
            <ul className="grid gap-x-6 gap-y-1 rounded-lg border border-line bg-surface p-4 sm:grid-cols-2">
              {chosen.items.map((client) => (
                <li key={client.id} className="min-w-0 [overflow-wrap:anywhere]">
                  <AppLink href={`/clients/${client.id}`} className="underline-offset-2 hover:underline">
                    {client.fullName || client.email}
                  </AppLink>
                  {client.fullName ? <span className="text-muted"> {client.email}</span> : null}
                  {client.suppressedReason ? (
                    <Badge tone="warn" className="ml-2">
                      {t('picker.suppressed')}
                    </Badge>
                  ) : null}
                </li>
              ))}
            </ul>
            <Pager
              label={t('sections.clients')}
              nextHref={chosen.next ? query({ clients: chosen.next }) : null}
              firstHref={clientsAfter ? query({ clients: null }) : null}
            />
          </section>
        ) : null}
      </Page>
    </LiveRuns>
  );
}
