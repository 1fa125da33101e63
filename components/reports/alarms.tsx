import { useLocale, useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { AppLink } from '@/components/layout/link';
import { listHref } from '@/components/layout/list-page';
import { Card } from '@/components/ui/card';
import { Time } from '@/components/ui/time';
import { waitCodes } from '@/db/enums';
import { formatShare } from '@/lib/format';
import type { Attention, Alarms as Found, Report } from '@/lib/reports/queries';
import { refusedAttemptsMin, refusedShareMin } from '@/lib/reports/schema';
import type { StuckRun } from '@/lib/runs/queries';
import { Csv } from './csv-link';

type Item = { key: string; href: string | null; name: string; text: ReactNode };

/** What needs attention, each with whose it is, what is wrong, and where to look. */
function useItems(alarms: Found, stuck: StuckRun[], zone: string): Item[] {
  const t = useTranslations('reports.alarms');
  const tWait = useTranslations('mailings.wait');
  const locale = useLocale();
  const when = (at: Date) => <Time value={at} zone={zone} locale={locale} />;
  const share = (value: number) => formatShare(locale, value);
  const words = (code: string) => {
    const known = waitCodes.find((each) => each === code);
    return known ? tWait(known) : tWait('other', { code });
  };
  return [
    ...alarms.waiting.map(({ server, code, until }) => ({
      key: `transport ${server}`,
      href: null,
      name: server,
      text: (
        <>
          {t.rich('transport', { until: () => when(until) })} {words(code)}
        </>
      ),
    })),
    ...stuck.map(({ runId, mailingId, mailingName, ownerEmail, hold }) => ({
      key: `run ${runId}`,
      href: `/mailings/${mailingId}/runs/${runId}`,
      name: mailingName,
      text:
        hold.kind === 'waiting'
          ? t.rich('waiting', { owner: ownerEmail, until: () => when(hold.wait.until) })
          : t.rich('stalled', { owner: ownerEmail, since: () => when(hold.since) }),
    })),
    ...alarms.refused.map((row) => ({
      key: `refused ${row.id}`,
      href: `/manage/users/${row.id}`,
      name: row.name,
      text: t('refused', {
        count: row.failed,
        all: row.sent + row.failed + row.unknown,
        share: share(row.share),
      }),
    })),
    ...alarms.complained.map((row) => ({
      key: `complained ${row.id}`,
      href: `/manage/users/${row.id}`,
      name: row.name,
      text:
        row.sent > 0
          ? t('complained', { count: row.complained, share: share(row.complained / row.sent) })
          : t('complainedOnly', { count: row.complained }),
    })),
    ...alarms.unknown.map(({ runId, mailingId, name, ownerEmail, letters }) => ({
      key: `unknown ${runId}`,
      href: listHref(`/mailings/${mailingId}/runs/${runId}`, { status: 'unknown' }),
      name,
      text: t('unknown', { count: letters, owner: ownerEmail }),
    })),
  ];
}

/** What managers should look at: of the period much that was refused, complaints and what nobody knows of; at the moment what stands still. */
export function Alarms({
  alarms,
  stuck,
  report,
  zone,
  csvHref,
}: {
  alarms: Found;
  stuck: StuckRun[];
  report: Report;
  zone: string;
  csvHref: string;
}) {
  const t = useTranslations('reports.alarms');
  const locale = useLocale();
  const share = (value: number) => formatShare(locale, value);
  const items = useItems(alarms, stuck, zone);
  return (
    <Card title={t('title')} actions={items.length > 0 ? <Csv href={csvHref} of={t('title')} /> : null}>
      {items.length === 0 ? <p className="text-muted">{t('nothing')}</p> : <Items items={items} />}
      <p className="mt-4 text-[0.8125rem] text-muted">
        {t('rule', { share: share(refusedShareMin), min: refusedAttemptsMin })}
      </p>
      {report.ownerId === null ? null : (
        <p className="mt-1 text-[0.8125rem] text-muted">{t('transportsOfAll')}</p>
      )}
    </Card>
  );
}

/** So many of them stand on the overview. */
const firstShown = 4;

/** The first of it for a manager's overview, how many there are, and the way to all of them; nothing where there is nothing. */
export function FirstAlarms({ attention, zone }: { attention: Attention; zone: string }) {
  const t = useTranslations('reports.alarms');
  const items = useItems(attention.alarms, attention.stuck, zone);
  if (items.length === 0) return null;
  return (
    <Card
      title={t('ofAll', { count: attention.count.value, exact: attention.count.exact ? 'yes' : 'no' })}
      actions={
        <AppLink href="/manage/reports" className="text-[0.875rem] underline underline-offset-2">
          {t('seeAll')}
        </AppLink>
      }
    >
      <Items items={items.slice(0, firstShown)} />
    </Card>
  );
}

function Items({ items }: { items: Item[] }) {
  return (
    <ul className="grid gap-x-8 gap-y-3 lg:grid-cols-2">
      {items.map(({ key, href, name, text }) => (
        <li key={key} className="min-w-0 [overflow-wrap:anywhere]">
          {href ? (
            <AppLink href={href} className="font-medium underline-offset-2 hover:underline">
              {name}
            </AppLink>
          ) : (
            <span className="font-medium">{name}</span>
          )}
          <div className="text-muted">{text}</div>
        </li>
      ))}
    </ul>
  );
}
