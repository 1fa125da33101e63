import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { DamagedPage } from '@/components/layout/list-page';
import { Page } from '@/components/layout/shell';
import { RunBadge } from '@/components/mailings/badges';
import { DeliveriesTable } from '@/components/mailings/deliveries-table';
import { FinishForm } from '@/components/mailings/finish-form';
import { History } from '@/components/mailings/history';
import { HoldNotice, SlowNotice } from '@/components/mailings/hold-notice';
import { LiveMisses, LiveProgress } from '@/components/mailings/live-progress';
import { LiveRuns } from '@/components/mailings/live-runs';
import { HoldActions, SendNowButton } from '@/components/mailings/mailing-actions';
import { Answers } from '@/components/reports/answers';
import { Rate } from '@/components/reports/rate';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { Facts } from '@/components/ui/facts';
import { SelectField } from '@/components/ui/field';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { Time } from '@/components/ui/time';
import { type AnswerKind, deliveryStatuses } from '@/db/enums';
import { readClientsAsked, searchMax } from '@/lib/attempts/schema';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { formatInstant } from '@/lib/format';
import { historyKeys, listHistory } from '@/lib/history/queries';
import { countMailingClients, findMailing } from '@/lib/mailings/queries';
import { countOf, readCursor } from '@/lib/paging';
import { can } from '@/lib/policy/rules';
import { listAnsweringDomains, listAnswers, listRates } from '@/lib/reports/queries';
import {
  findProgress,
  findRun,
  listDeliveries,
  listOpenRunsOf,
  measureRate,
  readingOf,
} from '@/lib/runs/queries';
import { clientsChosen, finishableOutcomes, runMoment } from '@/lib/runs/schema';

type Props = {
  params: Promise<{ id: string; runId: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};

async function read({ params }: Props) {
  const actor = await requireActor();
  const { id, runId } = await params;
  const [mailing, run] = await Promise.all([
    findMailing(actor, Number(id)),
    findRun(actor, { mailingId: Number(id), runId: Number(runId) }),
  ]);
  return { actor, mailing, run };
}

export async function generateMetadata(props: Props): Promise<Metadata> {
  const { mailing } = await read(props);
  return { title: mailing?.name ?? '' };
}

export default async function RunPage(props: Props) {
  const { actor, mailing, run } = await read(props);
  if (!mailing || !run) notFound();
  const asked = await props.searchParams;
  const { q, status, kind, errors, after, isDamaged } = readClientsAsked(asked);
  const { after: historyAfter, isDamaged: isHistoryDamaged } = readCursor(asked, historyKeys, 'history');
  const isWrong = Object.keys(errors).length > 0;
  const under = run.status === 'open' || run.status === 'waiting';
  const mayChange = can(actor, 'send', mailing.ownerId) && !mailing.archivedAt;
  const asksForNumbers = run.status === 'missed' || (under && mayChange);
  const [
    t,
    tKinds,
    tClients,
    tErrors,
    locale,
    progress,
    page,
    audience,
    open,
    kinds,
    domains,
    rates,
    history,
  ] = await Promise.all([
    getTranslations('mailings'),
    getTranslations('reports.answers.kinds'),
    getTranslations('clients'),
    getTranslations('errors'),
    getLocale(),
    findProgress(actor, { mailingId: mailing.id, runId: run.id }),
    // What the counts know to be empty is not looked for.
    isWrong || (status && run.counts[status] === 0)
      ? { items: [], next: null, searched: null }
      : listDeliveries(actor, { runId: run.id, q, status, kind, after }),
    asksForNumbers ? countMailingClients(actor, mailing.id) : null,
    asksForNumbers ? listOpenRunsOf(actor, mailing.id) : [],
    listAnswers(actor, { runId: run.id }),
    listAnsweringDomains(actor, { runId: run.id }),
    listRates(actor, run.id),
    listHistory(actor, { mailingId: mailing.id, runId: run.id, after: historyAfter }),
  ]);
  const [reached] = progress?.runs ?? [];
  if (!progress || !reached) notFound();
  const { timeZone: readerZone } = actor;
  const { counts, hold, isOpen } = reached;
  const pace = isOpen && !hold ? await measureRate(actor, run) : null;
  const moment = runMoment(run, readerZone);
  const at = formatInstant(locale, moment.at, moment.zone);
  // Plans stand on the clock of the mailing, what has happened on the reader's.
  const planned = (instant: Date) => (
    <Time value={instant} zone={mailing.zone} readerZone={readerZone} locale={locale} />
  );
  const when = (instant: Date) => <Time value={instant} zone={readerZone} locale={locale} />;
  const isEmpty = !isOpen && counts.total === 0;
  const isAllSkipped = !isOpen && counts.total > 0 && counts.skipped === counts.total;
  const unfinished = finishableOutcomes.some((outcome) => counts[outcome] > 0);
  const deadline = run.deadlineAt ?? (run.kind === 'scheduled' ? mailing.endsAt : null);
  const addressOf = (given: {
    q?: string | undefined;
    status?: string | null;
    kind?: string | null;
    after?: string | null;
    history?: string | null;
  }) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(given)) if (value) search.set(name, value);
    return `/mailings/${mailing.id}/runs/${run.id}${search.size > 0 ? `?${search}` : ''}`;
  };
  const href = (cursor: string | null) => addressOf({ q, status, kind, after: cursor });
  const listOf = ({ kind: of, domain }: { kind?: AnswerKind; domain?: string }) =>
    `${addressOf({ q: domain && `@${domain}`, kind: of ?? null })}#clients`;
  const count = countOf(page, after, clientsChosen({ q, status, kind }, counts, kinds));

  return (
    <LiveRuns mailingId={mailing.id} runId={run.id} reading={readingOf(progress)}>
      <Page
        title={t(run.status === 'missed' ? 'run.missedTitle' : 'run.title', { at })}
        lead={
          <span className="inline-flex flex-wrap items-center gap-2">
            <RunBadge run={reached} />
            <span>{mailing.name}</span>
          </span>
        }
        backHref={`/mailings/${mailing.id}`}
        backLabel={t('backToMailing')}
        actions={
          isOpen && mayChange && audience ? (
            <HoldActions
              mailing={mailing}
              audience={audience}
              unsent={open.reduce((sum, each) => sum + each.counts.queued, 0)}
              now={systemClock.now()}
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
          {hold ? <HoldNotice hold={hold} queued={counts.queued} zone={readerZone} /> : null}
          {isOpen && !hold && reached.slowedTo !== null ? <SlowNotice rate={reached.slowedTo} /> : null}
          {run.status === 'missed' ? (
            <Alert tone="warn">
              <p>{t('run.missed')}</p>
              {mayChange && audience ? (
                <div className="mt-2">
                  <SendNowButton
                    mailing={mailing}
                    audience={audience}
                    open={open.some((other) => other.kind === 'manual')}
                    disabled={mailing.disabledAt !== null || mailing.ownerBlockedAt !== null}
                    size="sm"
                  />
                </div>
              ) : null}
            </Alert>
          ) : null}
        </div>

        {run.status === 'missed' ? null : (
          <>
            {isEmpty ? (
              <Alert tone="neutral" title={t('run.emptyTitle')}>
                {t('run.emptyBody')}
              </Alert>
            ) : (
              <Card title={t('run.progress')}>
                {isAllSkipped ? (
                  <Alert tone="warn" title={t('run.allSkippedTitle')} className="mb-4">
                    {t('run.allSkippedBody')}
                  </Alert>
                ) : null}
                <LiveProgress
                  runId={run.id}
                  counts={counts}
                  isOpen={isOpen}
                  pace={pace}
                  moves={hold === null}
                  href={href(after ?? null)}
                />
                <LiveMisses
                  runId={run.id}
                  counts={counts}
                  hrefs={{
                    failed: `${addressOf({ status: 'failed' })}#clients`,
                    unknown: `${addressOf({ status: 'unknown' })}#clients`,
                  }}
                  csvHref={`/api/mailings/${mailing.id}/attempts?run=${run.id}`}
                  isTried={rates.steps.length > 0}
                />
              </Card>
            )}
            {mayChange && unfinished && !isOpen ? (
              <div id="finish" className="scroll-mt-4">
                <Card title={t('run.finishTitle')}>
                  {mailing.disabledAt ? (
                    <p className="text-muted">{t('run.finishDisabled')}</p>
                  ) : (
                    <FinishForm mailingId={mailing.id} runId={run.id} counts={counts} kinds={kinds} />
                  )}
                </Card>
              </div>
            ) : null}
            {kinds.length > 0 ? (
              <Card title={t('run.answers')}>
                <Answers kinds={kinds} domains={domains} shows="clients" hrefOf={listOf} />
              </Card>
            ) : null}
          </>
        )}

        {rates.steps.length > 0 ? (
          <Card title={t('run.rate')}>
            <Rate {...rates} zone={readerZone} />
          </Card>
        ) : null}

        <Card title={t('run.facts')}>
          <Facts
            items={[
              { term: t('run.kind'), value: t(`runKind.${run.kind}`) },
              ...(run.slotAt ? [{ term: t('run.slot'), value: planned(run.slotAt) }] : []),
              ...(run.status === 'missed'
                ? []
                : [
                    { term: t('run.opened'), value: when(run.openedAt) },
                    ...(run.closedAt ? [{ term: t('run.closed'), value: when(run.closedAt) }] : []),
                    ...(under && deadline ? [{ term: t('run.deadline'), value: planned(deadline) }] : []),
                    { term: t('run.subject'), value: run.subject },
                    { term: t('run.from'), value: `${run.fromName} <${run.fromEmail}>` },
                  ]),
            ]}
          />
        </Card>

        {run.status === 'missed' ? null : (
          <History
            mailingId={mailing.id}
            lines={history}
            zone={readerZone}
            after={historyAfter}
            isDamaged={isHistoryDamaged}
            href={(cursor) =>
              `${addressOf({ q, status, kind, after: after ?? null, history: cursor })}#history`
            }
          />
        )}

        {run.status === 'missed' || isEmpty ? null : (
          <section id="clients" className="grid scroll-mt-4 grid-cols-[minmax(0,1fr)] gap-3">
            <h2 className="text-lg font-semibold">{t('run.clients')}</h2>
            <SearchBox
              defaultValue={q}
              placeholder={t('run.searchPlaceholder')}
              error={errors.q ? tErrors('too_long', { max: searchMax }) : undefined}
            >
              <SelectField
                key={status ?? 'all'}
                name="status"
                label={t('run.filter')}
                hideLabel
                error={errors.status ? tErrors('invalid_value') : undefined}
                defaultValue={status ?? ''}
                options={[
                  { value: '', label: t('run.filterAll') },
                  ...deliveryStatuses.map((value) => ({
                    value,
                    label: `${t(`deliveryStatus.${value}`)} (${counts[value].toLocaleString(locale)})`,
                  })),
                ]}
              />
              {kinds.length > 0 || errors.kind ? (
                <SelectField
                  key={`kind ${kind}`}
                  name="kind"
                  label={t('run.kindFilter')}
                  hideLabel
                  error={errors.kind ? tErrors('invalid_value') : undefined}
                  defaultValue={kind ?? ''}
                  className="w-full sm:w-64"
                  options={[
                    { value: '', label: t('run.kindAll') },
                    ...kinds.map((each) => ({
                      value: each.kind,
                      label: `${tKinds(`${each.kind}.name`)} (${(each.failed + each.unknown).toLocaleString(locale)})`,
                    })),
                  ]}
                />
              ) : null}
            </SearchBox>
            {isDamaged ? <DamagedPage /> : null}
            {page.searched === null ? null : (
              <p className="text-muted">{t('run.searched', { count: page.searched })}</p>
            )}
            {isWrong || (page.searched !== null && page.items.length === 0) ? null : page.items.length ===
              0 ? (
              <p className="text-muted">{counts.total === 0 ? t('run.noneYet') : t('run.none')}</p>
            ) : (
              <DeliveriesTable deliveries={page.items} zone={readerZone} />
            )}
            <Pager
              label={t('run.clients')}
              note={
                page.items.length > 0 && count
                  ? tClients('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })
                  : null
              }
              nextHref={page.next ? href(page.next) : null}
              firstHref={after ? href(null) : null}
            />
          </section>
        )}
      </Page>
    </LiveRuns>
  );
}
