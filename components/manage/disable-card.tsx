import { useTranslations } from 'next-intl';
import { Card } from '@/components/ui/card';
import { ActionButton } from '@/components/ui/form';
import { enableMailingAction } from '@/lib/runs/actions';
import type { WhatStops } from '@/lib/runs/queries';
import { DisableForm } from './reason-forms';
import { WhatStopsList } from './what-stops';

/** What a manager can do with any mailing: disable it, with what that stops, or lift that. */
export function DisableCard({
  mailingId,
  isDisabled,
  stops,
}: {
  mailingId: number;
  isDisabled: boolean;
  stops: WhatStops;
}) {
  const t = useTranslations('manage.mailings');
  return (
    <Card title={t(isDisabled ? 'enable.title' : 'disable.title')}>
      <div className="grid max-w-prose grid-cols-[minmax(0,1fr)] gap-4">
        <p>{t(isDisabled ? 'enable.what' : 'disable.what')}</p>
        <WhatStopsList stops={stops} of="mailing" tense={isDisabled ? 'is' : 'will'} />
        {isDisabled ? (
          <div>
            <ActionButton
              action={enableMailingAction}
              hidden={{ mailingId }}
              namespace="manage"
              variant="primary"
            >
              {t('enable.submit')}
            </ActionButton>
          </div>
        ) : (
          <DisableForm mailingId={mailingId} />
        )}
      </div>
    </Card>
  );
}
