import { z } from 'zod';
import { differingSums } from '../support/sums';
import { command } from './engines';
import type { Ground } from './ground';

/** Engines may have this many letters on disk as intents and not yet recorded, each. */
export const recordWindow = 100;

const endings = ['sent', 'failed', 'skipped', 'expired', 'cancelled', 'unknown'] as const;
export type Ending = (typeof endings)[number];

/** How a trial went. A trial is green when nothing stands in `problems`. */
export type Verdict = {
  problems: string[];
  letters: number;
  accepted: number;
  sent: number;
  unknown: number;
  /** Recipients for whom the server took a letter more than once. */
  repeated: number;
  /** Deliveries that have not ended, or whose letter the server took without the ledger knowing. */
  forgotten: number;
};

const overview = z.object({
  status: z.string(),
  pausedAt: z.string().nullable(),
  disabledAt: z.string().nullable(),
  runs: z.array(
    z.object({ kind: z.string(), status: z.string(), counts: z.record(z.string(), z.number().int()) }),
  ),
});

/** What `mailing show --json` says. */
export async function show(ground: Ground) {
  return overview.parse(await command(ground.directSettings, 'mailing', 'show', String(ground.mailingId)));
}

/**
 * Holds the ledger against what the server took, after everything has ended: nobody forgotten, nobody mailed twice, nothing `sent`
 * that was not taken, nothing taken that is neither `sent` nor `unknown`, every outcome with its attempts, counts that add up.
 * `unknownMax`: how many may be `unknown`. `mayEnd`: outcomes besides `sent` and `unknown` that this trial may have.
 */
export async function judge(
  ground: Ground,
  { unknownMax, mayEnd = [] }: { unknownMax: number; mayEnd?: Ending[] },
): Promise<Verdict> {
  const { sql, sink } = ground;
  const problems = [...sink.violations];
  const say = (count: number, problem: string) => {
    if (count > 0) problems.push(`${count} ${problem}`);
  };

  const deliveries = await sql<
    { id: string; email: string; status: string; good: number; bad: number; open: number }[]
  >`
    select d.id, d.email, d.status,
      count(a.id) filter (where a.status = 'success')::int as good,
      count(a.id) filter (where a.status = 'failure')::int as bad,
      count(a.id) filter (where a.status = 'unknown')::int as open
    from deliveries d left join attempts a on a.delivery_id = d.id group by d.id order by d.id`;
  if (deliveries.length !== ground.recipients)
    problems.push(`${deliveries.length} deliveries for ${ground.recipients} recipients`);

  const taken = new Map<string, string[]>();
  for (const { recipient, identity } of sink.accepted)
    taken.set(recipient, [...(taken.get(recipient) ?? []), identity]);
  const known = new Set(deliveries.map(({ email }) => email));
  say([...taken.keys()].filter((email) => !known.has(email)).length, 'letters to nobody of the run');
  const repeated = [...taken.values()].filter((identities) => identities.length > 1).length;
  say(repeated, 'recipients were mailed twice');

  const of = (status: string) => deliveries.filter((one) => one.status === status);
  const unended = deliveries.filter(({ status }) => !endings.some((ending) => ending === status));
  say(unended.length, `deliveries never ended (${[...new Set(unended.map((one) => one.status))]})`);
  // How it stands there, for whoever looks for the cause: every column of what is not over, whatever columns there are.
  if (unended.length > 0) {
    const states = await sql<{ state: string }[]>`
      select 'delivery ' || to_jsonb(d)::text as state from deliveries d
        where d.id in (${unended.at(0)?.id ?? 0}::bigint, ${unended.at(-1)?.id ?? 0}::bigint)
      union all (select 'batch ' || to_jsonb(b)::text from batches b join deliveries d
        on d.id = ${unended.at(0)?.id ?? 0}::bigint and (b.id = d.batch_id or to_jsonb(b) ->> 'ended_at' is null
          or d.id between (to_jsonb(b) ->> 'first_id')::bigint and (to_jsonb(b) ->> 'last_id')::bigint) order by b.id limit 5)
      union all select 'transport ' || to_jsonb(t)::text from transports t
      union all select 'run ' || (to_jsonb(r) - 'body')::text from runs r
      union all select 'now ' || now()::text`;
    problems.push(...states.map(({ state }) => state));
  }
  const others = endings.filter((ending) => ending !== 'sent' && ending !== 'unknown');
  for (const ending of others) if (!mayEnd.includes(ending)) say(of(ending).length, `ended as ${ending}`);
  say(of('sent').filter(({ email }) => !taken.has(email)).length, 'are sent that no server took');
  const lost = deliveries.filter(
    ({ email, status }) => taken.has(email) && status !== 'sent' && status !== 'unknown',
  );
  say(lost.length, `were taken by the server and are ${[...new Set(lost.map(({ status }) => status))]}`);
  if (of('unknown').length > unknownMax)
    problems.push(`${of('unknown').length} unknown, ${unknownMax} at most`);

  say(of('sent').filter(({ good }) => good !== 1).length, 'sent without exactly one successful attempt');
  say(of('unknown').filter(({ open }) => open === 0).length, 'unknown without an attempt that says so');
  say(of('unknown').filter(({ good }) => good > 0).length, 'unknown with a successful attempt');
  const unsent = deliveries.filter(({ status }) => ['skipped', 'expired', 'cancelled'].includes(status));
  say(unsent.filter(({ good, open }) => good + open > 0).length, 'never sent, with an attempt that may have');

  const differing = await sql<{ sum: string }[]>`${sql.unsafe(differingSums)}`;
  say(differing.length, `sums differ from the rows: ${JSON.stringify(differing.slice(0, 3))}`);

  const seen = await show(ground);
  const [run, ...more] = seen.runs;
  if (!run || more.length > 0) problems.push(`${seen.runs.length} runs instead of one`);
  if (run) {
    const { total = 0, ...counts } = run.counts;
    const sum = Object.values(counts).reduce((all, one) => all + one, 0);
    if (sum !== total || total !== deliveries.length)
      problems.push(`the counts do not add up: ${JSON.stringify(run.counts)}`);
    for (const [status, count] of Object.entries(counts))
      if (count !== of(status).length)
        problems.push(`${status} is counted as ${count} and is ${of(status).length}`);
    const whole = of('sent').length + of('skipped').length === deliveries.length;
    const expected = whole ? 'done' : of('cancelled').length > 0 ? 'stopped' : 'partly_done';
    if (run.status !== expected) problems.push(`the run is ${run.status}, not ${expected}`);
  }
  if (seen.status !== 'completed') problems.push(`the mailing is ${seen.status}, not completed`);

  return {
    problems,
    letters: deliveries.length,
    accepted: sink.accepted.length,
    sent: of('sent').length,
    unknown: of('unknown').length,
    repeated,
    forgotten: unended.length + lost.length,
  };
}
