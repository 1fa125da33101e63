import type { Db } from '@/db/client';
import { csvStream } from '@/lib/attempts/schema';
import { systemClock } from '@/lib/clock';
import { refuse } from '@/lib/errors';
import type { Actor } from '@/lib/policy/rules';
import { listStuckRuns } from '@/lib/runs/queries';
import {
  findAlarms,
  findReport,
  listKinds,
  listReportRows,
  listSteps,
  type Report,
  type ReportRow,
  type Tried,
} from './queries';
import { deskTables, type ReportTable, readReportAsked, reportTables, type Whose } from './schema';

/**
 * A table of a report as a file, asked for by an address: 404 for nobody, 400 with codes by field (those of `findReport`, and
 * `invalid_value` at `table`) where nothing can be told.
 */
export async function answerReport(actor: Actor | null, whose: Whose, url: string): Promise<Response> {
  if (!actor) return new Response(null, { status: 404 });
  const asked = Object.fromEntries(new URL(url).searchParams);
  const name = asked.table ?? 'steps';
  const table = reportTables.find((each) => each === name && (whose === 'all' || !deskTables.includes(each)));
  const { report, errors } = await findReport(actor, readReportAsked(asked, whose));
  if (!table || !report) {
    const { error } = refuse('invalid', {
      ...errors,
      ...(table ? {} : { table: { code: 'invalid_value' } }),
    });
    return Response.json({ error }, { status: 400, headers: { 'cache-control': 'private, no-store' } });
  }
  const { columns, chunks } = exportReport(actor, report, table);
  const { first, last } = report.period;
  return new Response(csvStream(columns, chunks), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="report-${table}-${first}-${last}.csv"`,
      'cache-control': 'private, no-store',
    },
  });
}

/** A table of a report to take along: its columns, and its rows in chunks, without end. */
export type ReportExport = {
  columns: readonly string[];
  chunks: AsyncGenerator<Record<string, string | number>[], void>;
};

/** Rows that are read at once. */
const exportChunk = 500;

const attentionColumns = [
  'needs_attention',
  'name',
  'owner',
  'mailing_id',
  'run_id',
  'attempts',
  'attempts_failed',
  'complaints',
  'letters_unknown',
  'since',
  'until',
];

/** Rows of each kind that are taken along of what needs attention. */
const attentionMax = 1000;

/** What {@link findAlarms} and {@link listStuckRuns} tell, as rows of one table in the order of the page. */
async function listAttention(
  actor: Actor,
  report: Report,
  on: Db | undefined,
): Promise<Record<string, string | number>[]> {
  const [alarms, stuck] = await Promise.all([
    findAlarms(actor, report, on, systemClock, attentionMax),
    listStuckRuns(actor, { ownerId: report.ownerId, limit: attentionMax }, on),
  ]);
  const ofSender = (row: ReportRow) => ({
    name: row.name,
    owner: row.ownerEmail ?? '',
    attempts: row.sent + row.failed + row.unknown,
    attempts_failed: row.failed,
    complaints: row.complained,
  });
  return [
    ...alarms.waiting.map(({ server, since, until }) => ({
      needs_attention: 'server_waits',
      name: server,
      since: since.toISOString(),
      until: until.toISOString(),
    })),
    ...stuck.map(({ runId, mailingId, mailingName, hold }) => ({
      needs_attention: hold.kind === 'waiting' ? 'run_waits' : 'run_stands_still',
      name: mailingName,
      mailing_id: mailingId,
      run_id: runId,
      since: hold.since.toISOString(),
      until: hold.kind === 'waiting' ? hold.wait.until.toISOString() : '',
    })),
    ...alarms.refused.map((row) => ({ needs_attention: 'much_refused', ...ofSender(row) })),
    ...alarms.complained.map((row) => ({ needs_attention: 'complaints', ...ofSender(row) })),
    ...alarms.unknown.map(({ runId, mailingId, name, ownerEmail, letters }) => ({
      needs_attention: 'unknown_outcome',
      name,
      owner: ownerEmail,
      mailing_id: mailingId,
      run_id: runId,
      letters_unknown: letters,
    })),
  ];
}

/** A table of a report, whole: any number of rows takes the memory of some hundreds. */
export function exportReport(actor: Actor, report: Report, table: ReportTable, on?: Db): ReportExport {
  const attempts = ({ sent, failed, unknown }: Tried) => ({
    letters_sent: sent,
    attempts_failed: failed,
    attempts_unknown: unknown,
  });
  const triedColumns = ['letters_sent', 'attempts_failed', 'attempts_unknown'];
  switch (table) {
    case 'steps':
      return {
        columns: ['first_day', 'last_day', ...triedColumns],
        chunks: (async function* () {
          const steps = await listSteps(actor, report, on);
          yield steps.map(({ first, last, ...sums }) => ({
            first_day: first,
            last_day: last,
            ...attempts(sums),
          }));
        })(),
      };
    case 'answers':
      return {
        columns: ['kind', 'answers', 'letters_failed', 'letters_unknown'],
        chunks: (async function* () {
          const kinds = await listKinds(actor, report, on);
          yield kinds.map((sums) => ({
            kind: sums.kind,
            answers: sums.attempts,
            letters_failed: sums.failed,
            letters_unknown: sums.unknown,
          }));
        })(),
      };
    case 'attention':
      return {
        columns: attentionColumns,
        chunks: (async function* () {
          const empty = Object.fromEntries(attentionColumns.map((column) => [column, '']));
          yield (await listAttention(actor, report, on)).map((row) => ({ ...empty, ...row }));
        })(),
      };
    default: {
      const isOfMany = report.whose === 'all' && table !== 'domains' && table !== 'senders';
      const named = { mailings: 'mailing', messages: 'message', domains: 'domain', senders: 'user' }[table];
      return {
        columns: [
          ...(table === 'domains' ? [] : [`${named}_id`]),
          named,
          ...(isOfMany ? ['owner'] : []),
          ...(table === 'domains' ? [] : ['runs']),
          ...triedColumns,
          ...(table === 'senders' ? ['complaints'] : []),
        ],
        chunks: (async function* () {
          let after: string | undefined;
          do {
            const page = await listReportRows(actor, report, { list: table, after, size: exportChunk }, on);
            yield page.items.map((row) => ({
              [`${named}_id`]: row.id === '0' ? '' : row.id,
              [named]: row.name,
              owner: row.ownerEmail ?? '',
              runs: row.runs,
              ...attempts(row),
              complaints: row.complained,
            }));
            after = page.next ?? undefined;
          } while (after);
        })(),
      };
    }
  }
}
