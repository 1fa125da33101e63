'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { BodyEditor } from '@/components/editor/body-editor';
import { LinkButton } from '@/components/layout/link';
import { SubmitButton } from '@/components/ui/button';
import { Card } from '@/components/ui/card';
import { RadioField, SelectField, TextArea, TextField } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import type { FormAction } from '@/components/ui/form-answer';
import type { PickedPage } from '@/lib/mailings/actions';
import { mailingSchema } from '@/lib/mailings/schema';
import { type Choice, ClientPicker } from './client-picker';
import { SchedulePreview } from './schedule-preview';

export type MailingDefaults = {
  name: string;
  messageId: string;
  audience: string;
  starts: string;
  startsAt: string;
  zone: string;
  endsAt: string;
  periodicity: string;
};

const never = () => () => {};
const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

const numbers = (value: string | string[] | undefined) =>
  (value === undefined ? [] : [value].flat()).map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
const texts = (value: string | string[] | undefined) =>
  value === undefined ? [] : [value].flat().filter((text) => text !== '');

/** The one form of a mailing: for the first hour, for a copy and for edits. */
export function MailingForm({
  action,
  mailingId,
  begun,
  defaults,
  messages,
  zones,
  first,
  hasClients,
  cancelHref,
}: {
  action: FormAction<{ id: number }>;
  /** The mailing that is edited; null for a new one. */
  mailingId: number | null;
  /** It has sent already: "now" means anew. */
  begun: boolean;
  defaults: MailingDefaults;
  messages: { id: number; subject: string }[];
  zones: string[];
  first: PickedPage;
  hasClients: boolean;
  cancelHref: string;
}) {
  const t = useTranslations('mailings.form');
  const often = useTranslations('mailings.periodicity');
  const form = useActionForm({
    schema: mailingSchema,
    action,
    defaultValues: defaults,
    namespace: 'mailings',
  });
  const { control, field, state } = form;

  const [initial] = useState<Choice>(() => {
    const values = state.ok === false ? state.values : null;
    if (!values) return { keep: mailingId !== null, found: [], clientIds: [], without: [] };
    return {
      keep: values.keep === '1' || values.keep === 'on',
      found: texts(values.found),
      clientIds: numbers(values.clientIds),
      without: numbers(values.without),
    };
  });

  // A new mailing begins in the zone of the browser; without JavaScript in the one of the profile.
  const here = useSyncExternalStore(never, browserZone, () => null);
  const shownZones = here && !zones.includes(here) ? [here, ...zones] : zones;
  const { setValue, watch } = control;
  const untouched = mailingId === null && state.ok === null;
  const [zoneSet, setZoneSet] = useState(false);
  useEffect(() => {
    if (!here || zoneSet) return;
    setZoneSet(true);
    if (untouched) setValue('zone', here);
  }, [here, zoneSet, untouched, setValue]);

  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const schedule = {
    starts: text(watch('starts')),
    startsAt: text(watch('startsAt')),
    zone: text(watch('zone')),
    endsAt: text(watch('endsAt')),
    periodicity: text(watch('periodicity')),
  };
  const known = (values: readonly string[], value: string) => (values.includes(value) ? value : values[0]);

  // In the order of the page: the first wrong one takes the focus.
  const name = field('name');
  const messageId = field('messageId');
  const newSubject = field('newSubject');
  const newBody = field('newBody');
  const audience = field('audience');
  const chosen = field('clientIds');
  return (
    <Form form={form} className="grid max-w-3xl gap-5">
      {mailingId === null ? null : <input type="hidden" name="mailingId" value={mailingId} />}
      <TextField
        {...name}
        label={t('name')}
        hint={t('nameHint')}
        required
        maxLength={200}
        autoComplete="off"
      />

      <Card title={t('messageTitle')}>
        {/* What is shown depends on the choice by CSS alone, so that it works without JavaScript. */}
        <div className="group grid gap-4">
          <SelectField
            {...messageId}
            label={t('message')}
            hideLabel={messages.length === 0}
            className={messages.length === 0 ? 'hidden' : undefined}
            options={[
              { value: 'new', label: t('messageNew') },
              ...messages.map((message) => ({ value: String(message.id), label: message.subject })),
            ]}
          />
          <div className="hidden gap-4 group-has-[option[value=new]:checked]:grid">
            <TextField {...newSubject} label={t('subject')} required maxLength={200} autoComplete="off" />
            <BodyEditor kind="letter" {...editorField(newBody)} label={t('body')} required />
          </div>
        </div>
      </Card>

      <Card title={t('clientsTitle')}>
        <div className="group grid gap-4">
          <RadioField
            {...audience}
            label={t('audience')}
            hideLabel
            options={[
              { value: 'all', label: t('audienceAll'), hint: t('audienceAllHint') },
              { value: 'chosen', label: t('audienceChosen') },
            ]}
          />
          <div className="hidden group-has-[input[value=chosen]:checked]:block">
            <ClientPicker
              mailingId={mailingId}
              initial={initial}
              first={first}
              autoFocus={chosen.autoFocus}
            />
          </div>
          {chosen.error ? (
            <p
              role="alert"
              data-field="clientIds"
              tabIndex={-1}
              className="text-[0.8125rem] font-medium text-bad"
            >
              {chosen.error}
            </p>
          ) : null}
          <details
            open={
              !hasClients || Boolean(field('newClients').error) || Boolean(field('newClients').defaultValue)
            }
          >
            <summary className="cursor-pointer font-medium">{t('paste')}</summary>
            <TextArea
              {...field('newClients')}
              label={t('paste')}
              hideLabel
              hint={t('pasteHint')}
              rows={4}
              spellCheck={false}
              className="mt-2"
            />
          </details>
        </div>
      </Card>

      <Card title={t('whenTitle')}>
        <div className="group grid gap-4">
          <RadioField
            {...field('starts')}
            label={t('starts')}
            options={
              mailingId === null
                ? [
                    { value: 'now', label: t('startsNow') },
                    { value: 'later', label: t('startsLater') },
                  ]
                : [
                    { value: 'later', label: t('startsKeep') },
                    { value: 'now', label: begun ? t('startsAgain') : t('startsNow') },
                  ]
            }
          />
          <div className="grid gap-4 sm:grid-cols-2">
            <div className="hidden group-has-[input[name=starts][value=later]:checked]:block">
              <TextField {...field('startsAt')} type="datetime-local" label={t('startsAt')} />
            </div>
            <SelectField
              {...field('zone')}
              label={t('zone')}
              options={shownZones.map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }))}
            />
          </div>
          <div className="grid gap-4 sm:grid-cols-2">
            <SelectField
              {...field('periodicity')}
              label={t('periodicity')}
              options={(['once', 'daily', 'weekly', 'monthly'] as const).map((value) => ({
                value,
                label: often(value),
              }))}
            />
            <TextField
              {...field('endsAt')}
              type="datetime-local"
              label={t('endsAt')}
              hint={t('endsAtHint')}
            />
          </div>
          <SchedulePreview
            mailingId={mailingId}
            schedule={{ ...schedule, zone: known(shownZones, schedule.zone) ?? 'UTC' }}
          />
        </div>
      </Card>

      <div className="flex flex-wrap gap-2">
        <SubmitButton>{mailingId === null ? t('create') : t('save')}</SubmitButton>
        <LinkButton href={cancelHref} variant="ghost">
          {t('cancel')}
        </LinkButton>
      </div>
    </Form>
  );
}

/** The editor takes one text; a form may remember a list under a name that was sent twice. */
function editorField<T extends { defaultValue: string | string[] | undefined }>({
  defaultValue,
  ...rest
}: T) {
  return { ...rest, defaultValue: typeof defaultValue === 'string' ? defaultValue : undefined };
}
