import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { Address } from '@/components/ui/address';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { answerKinds, audiences, deliveryStatuses, mailingStatuses, periodicities } from '@/db/enums';
import type { AuditRow } from '@/lib/audit/queries';
import { asAuditAction } from '@/lib/audit/schema';
import { formatInstant } from '@/lib/format';

const pages: Record<string, string> = {
  user: '/manage/users',
  mailing: '/mailings',
  client: '/clients',
  message: '/messages',
  post: '/manage/posts',
};

/** Who did what, to whom or what, when and why, and which fields it changed. */
export function AuditTable({ entries, zone }: { entries: AuditRow[]; zone: string }) {
  const t = useTranslations('manage.audit');
  const locale = useLocale();
  return (
    <Table caption={t('title')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.at')}</Th>
          <Th>{t('columns.who')}</Th>
          <Th>{t('columns.what')}</Th>
          <Th>{t('columns.reason')}</Th>
          <Th>{t('columns.change')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {entries.map((entry) => {
          const action = asAuditAction(entry.action);
          const page = entry.isThere ? pages[entry.targetType] : undefined;
          const called = entry.target || t(entry.isThere ? 'number' : 'gone', { id: entry.targetId ?? 0 });
          const name = /^(user|client)$/.test(entry.targetType) ? <Address>{called}</Address> : called;
          return (
            <Tr key={entry.id}>
              <Td className="text-muted max-sm:order-3">
                <Time value={entry.createdAt} zone={zone} locale={locale} />
              </Td>
              <Td label={t('columns.who')} className="min-w-40 max-sm:order-2 [overflow-wrap:anywhere]">
                {entry.actorId === null ? (
                  t('commandLine')
                ) : !entry.isActorThere ? (
                  <Address>{entry.actorEmail}</Address>
                ) : (
                  <AppLink
                    href={`/manage/users/${entry.actorId}`}
                    className="underline-offset-2 hover:underline"
                  >
                    <Address>{entry.actorEmail}</Address>
                  </AppLink>
                )}
              </Td>
              <Td className="min-w-40 max-sm:order-1 [overflow-wrap:anywhere]">
                <span className="font-medium">{action ? t(`actions.${action}`) : entry.action}</span>
                <div>
                  {page && entry.targetId !== null ? (
                    <AppLink href={`${page}/${entry.targetId}`} className="underline underline-offset-2">
                      {name}
                    </AppLink>
                  ) : (
                    name
                  )}
                </div>
              </Td>
              <Td
                label={entry.reason ? t('columns.reason') : undefined}
                className="min-w-28 max-sm:order-4 [overflow-wrap:anywhere]"
              >
                {entry.reason}
              </Td>
              <Td className="min-w-36 max-sm:order-5">
                <Changes before={entry.before} after={entry.after} zone={zone} />
              </Td>
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}

const fieldsShown = 6;
/** A change of more characters than this shows its beginning, and the rest when it is asked for. */
const longFrom = 200;
const shortTo = 100;
const named = [
  'isBlocked',
  'isDisabled',
  'isPaused',
  'isStaff',
  'isSuperuser',
  'reason',
  'name',
  'email',
  'fullName',
  'comment',
  'subject',
  'body',
  'status',
  'clients',
  'messages',
  'mailings',
  'runs',
  'openRuns',
  'unsentLetters',
  'lettersInFlight',
  'attempts',
  'title',
  'slug',
  'summary',
  'imageUrl',
  'publishedAt',
  'isDeleted',
  'isArchived',
  'messageId',
  'audience',
  'chosen',
  'periodicity',
  'startsAt',
  'endsAt',
  'zone',
  'runId',
  'deliveries',
  'cancelled',
  'outcomes',
  'kinds',
  'unknownKinds',
  'requeued',
  'ownerId',
] as const;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function Changes({ before, after, zone }: Pick<AuditRow, 'before' | 'after'> & { zone: string }) {
  const t = useTranslations('manage.audit');
  const words = useTranslations('mailings');
  const answers = useTranslations('reports.answers.kinds');
  const locale = useLocale();
  // Whose something was is told of what is gone; no change has ever given anything to another.
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (field) => field !== 'ownerId' || !before || !after,
  );
  if (fields.length === 0) return null;
  const value = (side: AuditRow['before'], field: string): string => {
    const found = side?.[field];
    if (found === undefined || found === null) return '–';
    if (found === 'true' || found === 'false') return t(found === 'true' ? 'yes' : 'no');
    if (instant.test(found)) return formatInstant(locale, found, zone);
    const status = field === 'status' ? mailingStatuses.find((known) => known === found) : undefined;
    if (status) return words(`status.${status}`);
    const often = field === 'periodicity' ? periodicities.find((known) => known === found) : undefined;
    if (often) return words(`periodicity.${often}`);
    const audience = field === 'audience' ? audiences.find((known) => known === found) : undefined;
    if (audience) return t(`audiences.${audience}`);
    if (field === 'outcomes')
      return deliveryStatuses
        .filter((status) => found.includes(`"${status}"`))
        .map((status) => words(`deliveryStatus.${status}`))
        .join(', ');
    if (field === 'kinds' || field === 'unknownKinds')
      return answerKinds
        .filter((kind) => found.includes(`"${kind}"`))
        .map((kind) => answers(`${kind}.name`))
        .join(', ');
    return found === '' ? '“”' : found;
  };
  const nameOf = (field: string) => {
    const known = named.find((name) => name === field);
    return known ? t(`fields.${known}`) : field;
  };
  const row = (field: string) => {
    const name = <span className="text-muted">{nameOf(field)}:</span>;
    const was = before ? value(before, field) : '';
    const is = after ? value(after, field) : '';
    const change = before && after ? `${was} → ${is}` : was || is;
    return (
      <li key={field} className="[overflow-wrap:anywhere]">
        {change.length > longFrom ? (
          <details>
            <summary>
              {name} {change.slice(0, shortTo).trimEnd()}…
            </summary>
            {change}
          </details>
        ) : (
          <>
            {name} {change}
          </>
        )}
      </li>
    );
  };
  return (
    <>
      <ul className="text-[0.8125rem]">{fields.slice(0, fieldsShown).map(row)}</ul>
      {fields.length > fieldsShown ? (
        <details className="text-[0.8125rem]">
          <summary className="text-muted">{t('more', { count: fields.length - fieldsShown })}</summary>
          <ul>{fields.slice(fieldsShown).map(row)}</ul>
        </details>
      ) : null}
    </>
  );
}
