import { useTranslations } from 'next-intl';
import { LinkButton } from '@/components/layout/link';
import { ActionButton } from '@/components/ui/form';
import { deleteMailingAction, duplicateMailingAction } from '@/lib/mailings/actions';
import type { Mailing } from '@/lib/mailings/queries';
import {
  pauseMailingAction,
  resumeMailingAction,
  startRunAction,
  stopMailingAction,
} from '@/lib/runs/actions';

type Audience = { value: number; exact: boolean; suppressed: number };

/** What sending now would do, in numbers. */
function SendNowText({ subject, audience, open }: { subject: string; audience: Audience; open: boolean }) {
  const t = useTranslations('mailings.confirm');
  if (open) return t('sendNowOpen');
  const { value, exact, suppressed } = audience;
  return (
    <>
      <p>
        {exact
          ? t('sendNow', { subject, count: value - suppressed })
          : t('sendNowMany', { subject, count: value })}{' '}
        {suppressed > 0 ? t('sendNowSkipped', { count: suppressed }) : null}
      </p>
      <p>{t('sendNowSeries')}</p>
    </>
  );
}

/** "Send now", with what it will do. */
export function SendNowButton({
  mailing,
  audience,
  open,
  disabled,
  variant = 'primary',
  size,
}: {
  mailing: Pick<Mailing, 'id' | 'subject'>;
  audience: Audience;
  /** A manual run is under way. */
  open: boolean;
  disabled: boolean;
  variant?: 'primary' | 'secondary';
  size?: 'sm' | 'md';
}) {
  const t = useTranslations('mailings');
  return (
    <ActionButton
      action={startRunAction}
      hidden={{ mailingId: mailing.id }}
      namespace="mailings"
      variant={variant}
      size={size}
      disabled={disabled}
      confirm={{
        title: t('confirm.sendNowTitle'),
        body: <SendNowText subject={mailing.subject} audience={audience} open={open} />,
        confirm: t('actions.sendNow'),
        cancel: t('actions.cancel'),
      }}
    >
      {t('actions.sendNow')}
    </ActionButton>
  );
}

/** Pause, resume and stop: what holds a mailing and its open runs, with what each will do. */
export function HoldActions({
  mailing,
  audience,
  unsent,
  now,
}: {
  mailing: Pick<Mailing, 'id' | 'status' | 'pausedAt' | 'nextSlotAt'>;
  audience: Audience;
  /** Letters of open runs that have not left. */
  unsent: number;
  now: Date;
}) {
  const t = useTranslations('mailings');
  const hidden = { mailingId: mailing.id };
  const cancel = t('actions.cancel');
  if (mailing.status === 'completed') return null;
  const startsOnResume =
    mailing.status === 'created' && mailing.nextSlotAt !== null && mailing.nextSlotAt <= now;
  return (
    <>
      {mailing.pausedAt ? (
        <ActionButton
          action={resumeMailingAction}
          hidden={hidden}
          namespace="mailings"
          variant="primary"
          confirm={{
            title: t('confirm.resumeTitle'),
            body: startsOnResume
              ? t('confirm.resumeFirst', { count: audience.value - audience.suppressed })
              : t('confirm.resume', { count: unsent }),
            confirm: t('actions.resume'),
            cancel,
          }}
        >
          {t('actions.resume')}
        </ActionButton>
      ) : (
        <ActionButton
          action={pauseMailingAction}
          hidden={hidden}
          namespace="mailings"
          confirm={{
            title: t('confirm.pauseTitle'),
            body: t('confirm.pause', { count: unsent }),
            confirm: t('actions.pause'),
            cancel,
          }}
        >
          {t('actions.pause')}
        </ActionButton>
      )}
      <ActionButton
        action={stopMailingAction}
        hidden={hidden}
        namespace="mailings"
        variant="danger"
        confirm={{
          title: t('confirm.stopTitle'),
          body: t('confirm.stop', { count: unsent }),
          confirm: t('actions.stop'),
          cancel,
        }}
      >
        {t('actions.stop')}
      </ActionButton>
    </>
  );
}

/** Everything that its owner can do with a mailing; each says in numbers what it will do. */
export function MailingActions({
  mailing,
  audience,
  unsent,
  hasRuns,
  manualOpen,
  own,
  isNext,
  now,
}: {
  mailing: Mailing;
  audience: Audience;
  /** Letters of open runs that have not left. */
  unsent: number;
  hasRuns: boolean;
  manualOpen: boolean;
  own: boolean;
  /** Sending now is what there is to do next. */
  isNext: boolean;
  now: Date;
}) {
  const t = useTranslations('mailings');
  const hidden = { mailingId: mailing.id };
  const cancel = t('actions.cancel');
  const over = mailing.status === 'completed';
  return (
    <>
      <SendNowButton
        mailing={mailing}
        audience={audience}
        open={manualOpen}
        disabled={mailing.disabledAt !== null || mailing.ownerBlockedAt !== null}
        variant={isNext && !(mailing.pausedAt && !over) ? 'primary' : 'secondary'}
      />
      <HoldActions mailing={mailing} audience={audience} unsent={unsent} now={now} />
      <LinkButton href={`/mailings/${mailing.id}/edit`}>{t('actions.edit')}</LinkButton>
      {own ? (
        <ActionButton
          action={duplicateMailingAction}
          hidden={hidden}
          namespace="mailings"
          confirm={{
            title: t('confirm.duplicateTitle'),
            body: t('confirm.duplicate'),
            confirm: t('actions.duplicate'),
            cancel,
          }}
        >
          {t('actions.duplicate')}
        </ActionButton>
      ) : null}
      <ActionButton
        action={deleteMailingAction}
        hidden={hidden}
        namespace="mailings"
        variant="danger"
        confirm={{
          title: t('confirm.deleteTitle'),
          body: hasRuns ? t('confirm.deleteArchive', { count: unsent }) : t('confirm.delete'),
          confirm: t('actions.delete'),
          cancel,
        }}
      >
        {t('actions.delete')}
      </ActionButton>
    </>
  );
}
