import { useTranslations } from 'next-intl';
import { Badge, type Tone } from '@/components/ui/badge';
import type { DeliveryStatus, MailingStatus } from '@/db/enums';
import type { Hold, RunRow } from '@/lib/runs/queries';

const mailingTones: Record<MailingStatus, Tone> = { created: 'neutral', running: 'info', completed: 'good' };

/** The status of a mailing in a word, and the switch that holds it. */
export function MailingBadges({
  mailing,
}: {
  mailing: {
    status: MailingStatus;
    pausedAt: Date | null;
    disabledAt: Date | null;
    archivedAt?: Date | null;
  };
}) {
  const t = useTranslations('mailings.status');
  return (
    <span className="inline-flex flex-wrap gap-1">
      <Badge tone={mailingTones[mailing.status]}>{t(mailing.status)}</Badge>
      {mailing.disabledAt ? <Badge tone="bad">{t('disabled')}</Badge> : null}
      {mailing.pausedAt && mailing.status !== 'completed' ? <Badge tone="warn">{t('paused')}</Badge> : null}
      {mailing.archivedAt ? <Badge>{t('archived')}</Badge> : null}
    </span>
  );
}

const runTones = {
  open: 'info',
  paused: 'warn',
  stopping: 'warn',
  waiting: 'warn',
  held: 'warn',
  stalled: 'bad',
  done: 'good',
  partly_done: 'warn',
  stopped: 'neutral',
  missed: 'bad',
} satisfies Record<string, Tone>;

type Standing = Pick<RunRow, 'status' | 'pausedAt' | 'stoppedAt'> & { hold?: Hold | null | undefined };

const ofHold: { [Kind in Hold['kind']]?: keyof typeof runTones } = {
  disabled: 'held',
  blocked: 'held',
  retries: 'waiting',
  repeats: 'waiting',
  leased: 'stalled',
  no_engine: 'stalled',
  passed_over: 'stalled',
};

/** The word for how a run stands: an open one may be held, or on its way to an end, or not move although it should. */
export function runStanding(run: Standing): keyof typeof runTones {
  const open = run.status === 'open' || run.status === 'waiting';
  if (!open) return run.status;
  if (run.stoppedAt) return 'stopping';
  return (run.hold && ofHold[run.hold.kind]) ?? (run.pausedAt ? 'paused' : run.status);
}

/** How a run stands, in a word. */
export function RunBadge({ run }: { run: Standing }) {
  const t = useTranslations('mailings.runStatus');
  const shown = runStanding(run);
  return <Badge tone={runTones[shown]}>{t(shown)}</Badge>;
}

const deliveryTones: Record<DeliveryStatus, Tone> = {
  queued: 'neutral',
  sending: 'info',
  sent: 'good',
  failed: 'bad',
  skipped: 'neutral',
  expired: 'warn',
  cancelled: 'neutral',
  unknown: 'warn',
};

/** What became of one client's letter, in a word. */
export function DeliveryBadge({ status }: { status: DeliveryStatus }) {
  const t = useTranslations('mailings.deliveryStatus');
  return <Badge tone={deliveryTones[status]}>{t(status)}</Badge>;
}
