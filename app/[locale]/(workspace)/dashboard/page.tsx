import { Check } from 'lucide-react';
import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import type { ComponentProps, ReactNode } from 'react';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { RunBadge } from '@/components/mailings/badges';
import { LiveRunProgress } from '@/components/mailings/live-progress';
import { LiveRuns } from '@/components/mailings/live-runs';
import { RunProgress } from '@/components/mailings/run-progress';
import { RunTime } from '@/components/mailings/run-time';
import { BlogCard } from '@/components/posts/blog-card';
import { FirstAlarms } from '@/components/reports/alarms';
import { Badge, type Tone } from '@/components/ui/badge';
import { Card } from '@/components/ui/card';
import { Stat } from '@/components/ui/stat';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { formatCount, formatShare } from '@/lib/format';
import { listNextSends } from '@/lib/mailings/queries';
import { countLimit } from '@/lib/paging';
import { canManagePosts } from '@/lib/policy/rules';
import { cachedDrafts } from '@/lib/posts/cache';
import { countPosts, listPosts } from '@/lib/posts/queries';
import { findAttention, findHighRefusal, listHeldMailings, ownCounts } from '@/lib/reports/queries';
import { type Counts, listLastRuns, listOwnProgress, listTroubledRuns, readingOf } from '@/lib/runs/queries';
import { sumRecentViews } from '@/lib/views/queries';

const attentionDays = 30;
/** Over so many days the share of refused letters is looked at. */
const refusalDays = 7;
/** Articles of one kind that the overview names. */
const postsShown = 3;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('dashboard');
  return { title: t('title') };
}

export default async function DashboardPage() {
  const actor = await requireActor();
  const now = systemClock.now();
  const since = new Date(now.getTime() - attentionDays * 86_400_000);
  const lately = new Date(now.getTime() - refusalDays * 86_400_000);
  const [t, tMailings, tKinds, locale, counts, next, progress, held, troubled, refusal, last, blog, ofAll] =
    await Promise.all([
      getTranslations('dashboard'),
      getTranslations('mailings'),
      getTranslations('reports.answers.kinds'),
      getLocale(),
      ownCounts(actor),
      listNextSends(actor),
      listOwnProgress(actor),
      listHeldMailings(actor),
      listTroubledRuns(actor, since),
      findHighRefusal(actor, lately),
      listLastRuns(actor),
      canManagePosts(actor)
        ? Promise.all([
            countPosts(actor, { now }),
            listPosts(actor, { state: 'scheduled', now, size: postsShown }),
            cachedDrafts(actor),
            sumRecentViews(actor, { now }),
          ])
        : null,
      findAttention(actor),
    ]);
  const isNew = counts.mailings.value === 0;
  const open = progress.runs;
  const when = (at: Date) => <Time value={at} zone={actor.timeZone} locale={locale} />;
  const whenRun = (run: ComponentProps<typeof RunTime>['run']) => (
    <RunTime run={run} readerZone={actor.timeZone} locale={locale} />
  );

  const missedOf = ({ failed, expired, cancelled, unknown }: Counts) => {
    const missed = failed + expired + cancelled;
    return [
      ...(missed > 0 ? [t('partlyDone', { count: missed })] : []),
      ...(unknown > 0 ? [t('partlyUnknown', { count: unknown })] : []),
    ].join('; ');
  };

  const toWhom = (chosen: number | null) => {
    const to = chosen === null ? counts.clients : { value: chosen, exact: chosen <= countLimit };
    return t(chosen === null ? 'toAll' : 'toChosen', {
      count: Math.min(to.value, countLimit),
      exact: to.exact ? 'yes' : 'no',
    });
  };

  type Attention = {
    key: string;
    tone: Tone;
    sign: string;
    /** Where it can be mended. */
    href: string;
    name: string;
    text: ReactNode;
    action: string;
  };
  const attention: Attention[] = [
    ...open.flatMap(({ id, mailingId, mailingName, hold }): Attention[] => {
      const of = { key: `hold ${id}`, href: `/mailings/${mailingId}/runs/${id}`, name: mailingName };
      if (hold?.kind === 'waiting')
        return [
          {
            ...of,
            tone: 'warn',
            sign: tMailings('runStatus.waiting'),
            text: t.rich('waiting', { until: () => when(hold.wait.until) }),
            action: t('do.why'),
          },
        ];
      if (hold?.kind === 'leased' || hold?.kind === 'no_engine' || hold?.kind === 'passed_over')
        return [
          {
            ...of,
            tone: 'bad',
            sign: tMailings('runStatus.stalled'),
            text: t.rich('stalled', { since: () => when(hold.since) }),
            action: t('do.why'),
          },
        ];
      return [];
    }),
    ...(refusal
      ? [
          {
            key: 'refusal',
            tone: 'bad' as const,
            sign: t('refusalSign'),
            href: `/attempts?${new URLSearchParams({
              status: 'failure',
              ...(refusal.kind ? { kind: refusal.kind } : {}),
            })}`,
            name: t('refusalTitle', {
              share: formatShare(locale, refusal.failed / (refusal.failed + refusal.sent)),
            }),
            text: t('refusal', {
              failed: refusal.failed,
              count: refusal.failed + refusal.sent,
              days: refusalDays,
              known: refusal.kind ? 'yes' : 'no',
              kind: refusal.kind ? tKinds(`${refusal.kind}.name`) : '',
            }),
            action: t('do.look'),
          },
        ]
      : []),
    ...held.map(
      (mailing): Attention => ({
        key: `held ${mailing.id}`,
        tone: mailing.disabledAt ? 'bad' : 'warn',
        sign: tMailings(mailing.disabledAt ? 'status.disabled' : 'status.paused'),
        href: `/mailings/${mailing.id}`,
        name: mailing.name,
        text: mailing.disabledAt
          ? t('disabled', { reason: mailing.disabledReason ?? '' })
          : t.rich('paused', { at: () => when(mailing.pausedAt ?? since) }),
        action: t(mailing.disabledAt ? 'do.why' : 'do.resume'),
      }),
    ),
    // Of a disabled mailing nothing can be done about its runs: that it is disabled stands here already.
    ...troubled
      .filter((run) => !run.mailingDisabledAt)
      .map((run): Attention => {
        const isMissed = run.status === 'missed';
        return {
          key: `run ${run.id}`,
          tone: isMissed ? 'bad' : 'warn',
          sign: tMailings(`runStatus.${isMissed ? 'missed' : 'partly_done'}`),
          href: `/mailings/${run.mailingId}/runs/${run.id}${isMissed ? '' : '#finish'}`,
          name: run.mailingName,
          text: isMissed ? t.rich('missed', { at: () => whenRun(run) }) : missedOf(run.counts),
          action: t(isMissed ? 'do.send' : 'do.finish'),
        };
      }),
  ];

  return (
    <LiveRuns reading={readingOf(progress)}>
      <Page
        title={t('hello', { name: actor.name })}
        actions={
          <LinkButton href="/mailings/new" variant="primary">
            {t('new')}
          </LinkButton>
        }
      >
        <div className="grid grid-cols-2 gap-3 xl:grid-cols-4">
          <Stat label={t('clients')} value={formatCount(locale, counts.clients)} href="/clients" />
          <Stat label={t('messages')} value={formatCount(locale, counts.messages)} href="/messages" />
          <Stat label={t('mailings')} value={formatCount(locale, counts.mailings)} href="/mailings" />
          <Stat
            label={t('active')}
            value={formatCount(locale, counts.active)}
            href="/mailings?status=active"
          />
        </div>
        {ofAll ? <FirstAlarms attention={ofAll} zone={actor.timeZone} /> : null}
        {isNew ? (
          <FirstSteps hasClients={counts.clients.value > 0} hasMessages={counts.messages.value > 0} />
        ) : (
          <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-2">
            <Card title={t('attention')}>
              {attention.length === 0 ? (
                <p className="text-muted">{t('attentionEmpty')}</p>
              ) : (
                <ul className="grid grid-cols-[minmax(0,1fr)] gap-3">
                  {attention.map((item) => (
                    <li
                      key={item.key}
                      className="flex items-start justify-between gap-x-3 gap-y-1.5 max-sm:flex-col"
                    >
                      <div className="min-w-0 [overflow-wrap:anywhere]">
                        <div className="flex flex-wrap items-center gap-x-2">
                          <AppLink
                            href={item.href}
                            className="font-medium underline-offset-2 hover:underline"
                          >
                            {item.name}
                          </AppLink>
                          <Badge tone={item.tone}>{item.sign}</Badge>
                        </div>
                        <div className="text-muted">{item.text}</div>
                      </div>
                      <LinkButton
                        size="sm"
                        href={item.href}
                        aria-label={`${item.action}: ${item.name}`}
                        className="shrink-0"
                      >
                        {item.action}
                      </LinkButton>
                    </li>
                  ))}
                </ul>
              )}
            </Card>
            <Card title={t('next')}>
              {next.length === 0 ? (
                <p className="text-muted">{t('nextEmpty')}</p>
              ) : (
                <ul className="grid gap-3">
                  {next.map((mailing) => (
                    <li key={mailing.id} className="min-w-0 [overflow-wrap:anywhere]">
                      <AppLink
                        href={`/mailings/${mailing.id}`}
                        className="font-medium underline-offset-2 hover:underline"
                      >
                        {mailing.name}
                      </AppLink>
                      <div className="text-muted">
                        {mailing.nextSlotAt ? (
                          <Time
                            value={mailing.nextSlotAt}
                            zone={mailing.zone}
                            readerZone={actor.timeZone}
                            locale={locale}
                            relative
                          />
                        ) : null}
                        , {tMailings(`periodicity.${mailing.periodicity}`).toLocaleLowerCase(locale)}
                      </div>
                      <div className="text-muted">{toWhom(mailing.chosen)}</div>
                    </li>
                  ))}
                </ul>
              )}
            </Card>
            <Card title={t('open')} className="xl:col-span-2">
              {open.length === 0 ? (
                <p className="text-muted">{t('openEmpty')}</p>
              ) : (
                <ul className="grid gap-4">
                  {open.map((run) => (
                    <li key={run.id} className="min-w-0">
                      <RunHead run={run} />
                      <LiveRunProgress runId={run.id} counts={run.counts} />
                    </li>
                  ))}
                </ul>
              )}
            </Card>
            <Card
              title={t('last')}
              className="xl:col-span-2"
              actions={
                <AppLink href="/reports" className="text-[0.875rem] underline underline-offset-2">
                  {t('reports')}
                </AppLink>
              }
            >
              {last.length === 0 ? (
                <p className="text-muted">{t('lastEmpty')}</p>
              ) : (
                <ul className="grid gap-4">
                  {last.map((run) => (
                    <li key={run.id} className="min-w-0">
                      <RunHead run={run}>
                        <span className="text-muted">{whenRun(run)}</span>
                      </RunHead>
                      {run.counts.total > 0 ? (
                        <RunProgress counts={run.counts} />
                      ) : (
                        <p className="text-muted">{tMailings('run.emptyTitle')}</p>
                      )}
                    </li>
                  ))}
                </ul>
              )}
            </Card>
          </div>
        )}
        {blog ? (
          <BlogCard
            counts={blog[0]}
            recent={blog[3]}
            posts={[...blog[1].items, ...blog[2].items.slice(0, postsShown)]}
            zone={actor.timeZone}
          />
        ) : null}
      </Page>
    </LiveRuns>
  );
}

/** What somebody who has just come does first; all of it can be done in the form of a mailing too. */
async function FirstSteps({ hasClients, hasMessages }: { hasClients: boolean; hasMessages: boolean }) {
  const t = await getTranslations('dashboard.start');
  const steps = [
    { href: '/clients/new', title: t('clients'), body: t('clientsBody'), done: hasClients },
    { href: '/messages/new', title: t('message'), body: t('messageBody'), done: hasMessages },
    { href: '/mailings/new', title: t('mailing'), body: t('mailingBody'), done: false },
  ];
  return (
    <Card title={t('title')}>
      <p className="mb-4 text-muted">{t('lead')}</p>
      <ol className="grid gap-4">
        {steps.map((step, index) => (
          <li key={step.href} className="flex items-start gap-3">
            <span
              aria-hidden
              className="mt-0.5 inline-flex size-6 shrink-0 items-center justify-center rounded-full border border-edge text-[0.8125rem]"
            >
              {step.done ? <Check className="size-3.5 text-good" /> : index + 1}
            </span>
            <div className="min-w-0">
              <AppLink href={step.href} className="font-medium underline underline-offset-2">
                {step.title}
              </AppLink>{' '}
              {step.done ? <Badge tone="good">{t('done')}</Badge> : null}
              <p className="text-muted">{step.body}</p>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** Which run it is, with a link to it, and how it stands. */
function RunHead({
  run,
  children,
}: {
  run: ComponentProps<typeof RunBadge>['run'] & { id: number; mailingId: number; mailingName: string };
  children?: ReactNode;
}) {
  return (
    <div className="mb-1.5 flex flex-wrap items-center gap-x-2 gap-y-1">
      <AppLink
        href={`/mailings/${run.mailingId}/runs/${run.id}`}
        className="font-medium [overflow-wrap:anywhere] underline-offset-2 hover:underline"
      >
        {run.mailingName}
      </AppLink>
      <RunBadge run={run} />
      {children}
    </div>
  );
}
