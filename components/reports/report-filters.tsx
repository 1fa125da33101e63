import { useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { listHref } from '@/components/layout/list-page';
import { Address } from '@/components/ui/address';
import { FieldError, SelectField, TextField } from '@/components/ui/field';
import { QueryForm } from '@/components/ui/query-form';
import { Tabs } from '@/components/ui/tabs';
import type { ReportAsking } from '@/lib/reports/queries';
import { ownerMax, periodSteps, presets } from '@/lib/reports/schema';
import { useFilterError } from './filter-error';

/** Which period a report is of, and what is in it. What is wrong stands beside its field. */
export function ReportFilters({
  path,
  asking,
  names,
  ownZone,
}: {
  path: string;
  asking: ReportAsking;
  /** What to choose from; null where mailings and messages are of everybody. */
  names: { mailings: { id: number; name: string }[]; messages: { id: number; subject: string }[] } | null;
  ownZone: string;
}) {
  const t = useTranslations('reports.period');
  const tUi = useTranslations('ui');
  const { asked, errors, report, mailing, message, alike } = asking;
  const errorOf = useFilterError(errors, {
    max: ownerMax,
    too_many_steps: t('tooManySteps', { max: Number(errors.by?.params?.max ?? 0) }),
    several: t('severalOwners'),
    'not_found mailing': t('noSuchMailing'),
    'not_found message': t('noSuchMessage'),
    not_found: t('noSuchOwner'),
  });
  const { period, from, to, ...kept } = asked;
  const active = [from, to, asked.by, asked.zone, asked.mailing, asked.message, asked.owner].filter(
    Boolean,
  ).length;
  const isWrong = Object.keys(errors).length > 0;
  const current = from || to ? null : report?.preset;
  const withOne = <T extends { id: number }>(one: T | null, list: T[]) =>
    one && !list.some(({ id }) => id === one.id) ? [one, ...list] : list;
  const zones = [...new Set([ownZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])].toSorted();
  const typedZone = asked.zone && !zones.includes(asked.zone) ? [asked.zone] : [];
  // What is wrong stays as it was asked for.
  const typed = (name: 'mailing' | 'message') =>
    errors[name] ? [{ value: asked[name], label: asked[name] }] : [];
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 print:hidden">
      <Tabs
        label={t('presets')}
        items={presets.map((preset) => ({
          href: listHref(path, { ...kept, period: preset }),
          label: t(`names.${preset}`),
          current: preset === current,
        }))}
      />
      {errors.period ? (
        <div role="alert">
          <FieldError>{t('noSuchPeriod')}</FieldError>
        </div>
      ) : null}
      <QueryForm
        key={`${active} ${isWrong}`}
        label={t('choose')}
        submit={t('submit')}
        hidden={{ period }}
        fold={{ label: tUi('filters', { count: active }), isOpen: isWrong }}
      >
        <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-3 sm:grid-cols-2 lg:grid-cols-4">
          {(['from', 'to'] as const).map((name) => (
            <TextField
              key={`${name} ${asked[name]}`}
              type={errors[name]?.code === 'invalid_date' ? 'text' : 'date'}
              name={name}
              label={t(name)}
              defaultValue={asked[name]}
              error={errorOf(name)}
              maxLength={10}
            />
          ))}
          <SelectField
            key={`by ${asked.by}`}
            name="by"
            label={t('by')}
            defaultValue={asked.by}
            error={errorOf('by')}
            options={[
              { value: '', label: t('steps.fitting') },
              ...periodSteps.map((step) => ({ value: step, label: t(`steps.${step}`) })),
            ]}
          />
          <SelectField
            key={`zone ${asked.zone}`}
            name="zone"
            label={t('zone')}
            defaultValue={asked.zone || ownZone}
            error={errorOf('zone')}
            options={[...typedZone, ...zones].map((zone) => ({
              value: zone,
              label: zone.replaceAll('_', ' '),
            }))}
          />
          {names ? null : (
            <TextField
              key={`owner ${asked.owner}`}
              type="search"
              name="owner"
              label={t('owner')}
              hint={t('ownerHint')}
              defaultValue={asked.owner}
              error={errorOf('owner')}
              maxLength={ownerMax}
            />
          )}
          {names || mailing || errors.mailing ? (
            <SelectField
              key={`mailing ${asked.mailing}`}
              name="mailing"
              label={t('mailing')}
              defaultValue={asked.mailing}
              error={errorOf('mailing')}
              options={[
                { value: '', label: t('allMailings') },
                ...typed('mailing'),
                ...withOne(mailing, names?.mailings ?? []).map(({ id, name }) => ({
                  value: String(id),
                  label: name,
                })),
              ]}
            />
          ) : null}
          {names || message || errors.message ? (
            <SelectField
              key={`message ${asked.message}`}
              name="message"
              label={t('message')}
              defaultValue={asked.message}
              error={errorOf('message')}
              options={[
                { value: '', label: t('allMessages') },
                ...typed('message'),
                ...withOne(message, names?.messages ?? []).map(({ id, subject }) => ({
                  value: String(id),
                  label: subject,
                })),
              ]}
            />
          ) : null}
        </div>
      </QueryForm>
      {alike.length > 0 ? (
        <div>
          <p>{t('whichOwner')}</p>
          <ul className="mt-1 list-disc pl-5">
            {alike.map(({ email, name }) => (
              <li key={email} className="[overflow-wrap:anywhere]">
                <AppLink
                  href={listHref(path, { ...asked, owner: email })}
                  className="underline underline-offset-2"
                >
                  <Address>{email}</Address>
                </AppLink>{' '}
                <span className="text-muted">{name}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}
