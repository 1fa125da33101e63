import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { DamagedPage } from '@/components/layout/list-page';
import { Card } from '@/components/ui/card';
import { Fold } from '@/components/ui/fold';
import { Pager } from '@/components/ui/pager';
import { Time } from '@/components/ui/time';
import type { HistoryLine } from '@/lib/history/queries';
import type { Page } from '@/lib/paging';
import { finishableOutcomes } from '@/lib/runs/schema';

/** From so many lines on, a phone shows them when asked. */
const longFrom = 5;

/** Who did what with a mailing or a run, when and why. `href` is the address of the page behind a cursor. */
export function History({
  mailingId,
  lines,
  zone,
  after,
  isDamaged,
  href,
}: {
  mailingId: number;
  lines: Page<HistoryLine>;
  zone: string;
  after: string | undefined;
  isDamaged: boolean;
  href: (after: string | null) => string;
}) {
  const t = useTranslations('mailings.history');
  const list = (
    <>
      <ol className="grid grid-cols-[minmax(0,1fr)] divide-y divide-line">
        {lines.items.map((line) => (
          <li
            key={line.key}
            className="grid gap-x-6 py-2 first:pt-0 last:pb-0 sm:grid-cols-[14rem_minmax(0,1fr)]"
          >
            <Line mailingId={mailingId} line={line} zone={zone} />
          </li>
        ))}
      </ol>
      <Pager
        label={t('title')}
        className="mt-3"
        nextHref={lines.next ? href(lines.next) : null}
        firstHref={after ? href(null) : null}
      />
    </>
  );
  return (
    <div id="history" className="scroll-mt-4">
      <Card title={t('title')}>
        {isDamaged ? (
          <div className="mb-3">
            <DamagedPage />
          </div>
        ) : null}
        {lines.items.length < longFrom ? (
          list
        ) : (
          // Who goes through its pages has opened it.
          <Fold label={t('show', { count: lines.items.length })} isOpen={after !== undefined}>
            {list}
          </Fold>
        )}
      </Card>
    </div>
  );
}

function Line({ mailingId, line, zone }: { mailingId: number; line: HistoryLine; zone: string }) {
  const t = useTranslations('mailings.history');
  const locale = useLocale();
  return (
    <>
      <div className="text-muted">
        <Time value={line.at} zone={zone} locale={locale} />
      </div>
      <div className="min-w-0 [overflow-wrap:anywhere]">
        <p>
          <span className="font-medium">
            <What line={line} />
          </span>
          <span className="text-muted">
            {' · '}
            {t(`who.${line.who}`, { name: line.name, known: line.name ? 'yes' : 'no' })}
          </span>
          {line.runId === null ? null : (
            <>
              {' · '}
              <AppLink
                href={`/mailings/${mailingId}/runs/${line.runId}`}
                className="underline underline-offset-2"
              >
                {t('openRun')}
              </AppLink>
            </>
          )}
        </p>
        {line.reason ? <p className="text-muted">{t('reason', { reason: line.reason })}</p> : null}
      </div>
    </>
  );
}

function What({ line: { kind, detail } }: { line: HistoryLine }) {
  const t = useTranslations('mailings.history');
  const tKinds = useTranslations('reports.answers.kinds');
  const count = detail.letters ?? 0;
  switch (kind) {
    case 'stopped':
      // What an older version stopped was not counted.
      return detail.letters === undefined ? t('what.stopped') : t('what.stoppedLetters', { count });
    case 'finished': {
      const some = {
        failed: detail.kinds,
        unknown: detail.unknownKinds,
        expired: undefined,
        cancelled: undefined,
      };
      const which = finishableOutcomes
        .filter((each) => detail.outcomes?.includes(each))
        .map((each) => {
          const outcome = t(`outcomes.${each}`);
          const kinds = some[each]?.map((kind) => tKinds(`${kind}.name`)).join(', ');
          return kinds ? t('outcomeBy', { outcome, kinds }) : outcome;
        })
        .join(', ');
      return t('what.finished', { count, which });
    }
    case 'edited':
      return t('what.edited', {
        fields: detail.fields?.map((field) => t(`fields.${field}`)).join(', ') ?? '',
      });
    case 'ended':
      return t('what.ended', { status: detail.endedAs ?? '' });
    default:
      return t(`what.${kind}`, { count });
  }
}
