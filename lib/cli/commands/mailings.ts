import { type Command, Option } from 'commander';
import { type AnswerKind, answerKinds, periodicities } from '@/db/enums';
import { systemClock } from '@/lib/clock';
import { fieldErrors, refuse } from '@/lib/errors';
import type { Mailing } from '@/lib/mailings/queries';
import type { Actor } from '@/lib/policy/rules';
import type { FinishableOutcome, Unreached } from '@/lib/runs/schema';
import { commandLine, getOwner } from '../actors';
import {
  CommandFailed,
  lettersText,
  note,
  type OutputOptions,
  print,
  table,
  unwrap,
  WrongUsage,
} from '../output';
import { cursor, rowId, rowIds, wholeNumber } from '../values';

type CreateOptions = OutputOptions & {
  owner: string;
  message: number;
  name: string;
  startsAt: string;
  zone: string;
  periodicity: (typeof periodicities)[number];
  endsAt?: string;
  allClients?: boolean;
  client?: number[];
};
type FinishOptions = OutputOptions & { run?: number; kind?: AnswerKind[]; yes?: boolean } & Partial<
    Record<FinishableOutcome, boolean>
  >;

// Not taken from the schema, whose parser every command would load.
const finishableOutcomes = [
  'failed',
  'expired',
  'cancelled',
  'unknown',
] as const satisfies FinishableOutcome[];
const unknownKinds = ['no_answer', 'interrupted'] as const satisfies Unreached['unknownKinds'];

/** The mailing, and its owner as the one who acts. */
async function getMailing(id: number): Promise<{ owner: Actor; mailing: Mailing }> {
  const { findMailing } = await import('@/lib/mailings/queries');
  const mailing = await findMailing(commandLine, id);
  if (!mailing) throw new CommandFailed(`There is no mailing ${id}.`);
  return { owner: await getOwner(mailing.ownerEmail), mailing };
}

export function addMailingCommands(program: Command): void {
  const mailing = program.command('mailing').description('when, how often, which message, to whom');
  mailing
    .command('create')
    .description('what is due is sent by the next pass')
    .requiredOption('--owner <email>')
    .addOption(new Option('--message <id>').argParser(rowId).makeOptionMandatory())
    .requiredOption('--name <text>')
    .requiredOption('--starts-at <local>', 'a local time of the zone, such as 2026-12-01T09:00, or now')
    .requiredOption('--zone <zone>', 'an IANA zone, such as Europe/Moscow')
    .addOption(new Option('--periodicity <how often>').choices([...periodicities]).makeOptionMandatory())
    .option('--ends-at <local>', 'a local time of the zone; never when left out')
    .option('--all-clients', 'all there are when a run opens')
    .addOption(new Option('--client <id...>', 'these clients; may be repeated').argParser(rowIds))
    .action(async ({ json, owner: email, message, allClients, client, ...rest }: CreateOptions) => {
      if (Boolean(allClients) === Boolean(client))
        throw new WrongUsage('Name either --all-clients or --client ID …');
      const [{ createMailing }, { mailingSchema }] = await Promise.all([
        import('@/lib/mailings/mutations'),
        import('@/lib/mailings/schema'),
      ]);
      const owner = await getOwner(email);
      const typed = mailingSchema.safeParse({
        ...rest,
        messageId: message,
        audience: client ? 'chosen' : 'all',
        clientIds: client ?? [],
      });
      if (!typed.success) return unwrap(refuse('invalid', fieldErrors(typed.error)), 'mailings');
      const created = await unwrap(await createMailing(owner, typed.data), 'mailings');
      print({ id: created.id }, { ...(json ? { json } : {}) });
    });
  mailing
    .command('list')
    .description('mailings, newest first')
    .option('--owner <email>', "this user's only")
    .addOption(new Option('--after <cursor>', 'the `next` of the page before').argParser(cursor))
    .action(async (options: OutputOptions & { owner?: string; after?: string }) => {
      const { listMailings } = await import('@/lib/mailings/queries');
      const actor = options.owner ? await getOwner(options.owner) : commandLine;
      const page = await listMailings(actor, { after: options.after, everyone: !options.owner });
      print(page, options, () => [
        ...table(
          ['id', 'status', 'next', 'owner', 'name'],
          page.items.map((item) => [
            String(item.id),
            [item.status, item.pausedAt && 'paused', item.disabledAt && 'disabled']
              .filter(Boolean)
              .join(', '),
            item.nextSlotAt?.toISOString() ?? '-',
            item.ownerEmail,
            item.name,
          ]),
        ),
        ...(page.next ? [`more: --after ${page.next}`] : []),
      ]);
    });
  mailing
    .command('show')
    .argument('<id>', 'of the mailing', rowId)
    .description('a mailing, its runs and their counts')
    .action(async (id: number, options: OutputOptions) => {
      const { mailingOverview } = await import('@/lib/mailings/queries');
      const found = await mailingOverview(commandLine, id);
      if (!found) throw new CommandFailed(`There is no mailing ${id}.`);
      const history = options.json ? [] : await historyOf(id);
      print(found, options, () => [
        `${found.id}  ${found.name}`,
        `status: ${[found.status, found.pausedAt && 'paused', found.disabledAt && 'disabled'].filter(Boolean).join(', ')}`,
        `next: ${found.nextSlotAt?.toISOString() ?? '-'}`,
        ...table(
          ['run', 'kind', 'slot', 'status', 'counts'],
          found.runs.map((run) => [
            String(run.id),
            run.kind,
            run.slotAt?.toISOString() ?? '-',
            run.status,
            Object.entries(run.counts)
              .filter(([name, value]) => name === 'total' || value > 0)
              .map(([name, value]) => `${name} ${value}`)
              .join(', '),
          ]),
        ),
        ...history,
      ]);
    });
  mailing
    .command('preview')
    .argument('<id>', 'of the mailing', rowId)
    .description('the next slots of its schedule')
    .addOption(
      new Option('--next <count>', 'how many, at most 1000').argParser(wholeNumber(1, 1000)).default(12),
    )
    .action(async (id: number, options: OutputOptions & { next: number }) => {
      const { toLocal, upcomingSlots } = await import('@/lib/recurrence/slots');
      const { mailing: found } = await getMailing(id);
      const now = systemClock.now();
      const slots = upcomingSlots(found, now, options.next);
      // A completed mailing has no slot left, whatever its schedule would say.
      const items = (found.status === 'completed' ? [] : slots).map(({ index, at }) => ({
        index,
        at,
        local: toLocal(at, found.zone),
      }));
      print({ id, zone: found.zone, items, next: null }, options, () =>
        items.map((slot) => `${slot.local} ${found.zone}  ${slot.at.toISOString()}`),
      );
    });
  mailing
    .command('send')
    .argument('<id>', 'of the mailing', rowId)
    .description('start a manual run now and send it; the series does not move')
    .action(async (id: number, options: OutputOptions) => {
      const [{ startRun }, { sendRun }] = await Promise.all([
        import('@/lib/runs/mutations'),
        import('../sending'),
      ]);
      const { owner } = await getMailing(id);
      const { runId, isNew } = await unwrap(await startRun(owner, { mailingId: id }), 'mailings');
      if (!isNew) note(`Run ${runId} is open already; it goes on.`);
      await sendRun({ mailingId: id, runId }, options);
    });
  for (const [name, command, description, said] of [
    [
      'pause',
      'pauseMailing',
      'hold the series and its open runs',
      'Paused: nothing leaves until it is resumed.',
    ],
    ['resume', 'resumeMailing', 'go on', 'It goes on.'],
    ['stop', 'stopMailing', 'cancel what is unsent and complete the mailing', 'Stopped for good'],
  ] as const)
    mailing
      .command(name)
      .argument('<id>', 'of the mailing', rowId)
      .description(description)
      .action(async (id: number, options: OutputOptions) => {
        const mutations = await import('@/lib/runs/mutations');
        const { owner } = await getMailing(id);
        const done = await mutations[command](owner, { mailingId: id });
        // A worker that sleeps between passes goes on at once.
        if (name === 'resume') await (await import('@/lib/sending/ledger')).notifyWorkers();
        const { mailingId, ...rest } = await unwrap<{ mailingId: number; cancelled?: number }>(
          done,
          'mailings',
        );
        const cancelled = rest.cancelled === undefined ? '' : `; ${lettersText(rest.cancelled)} cancelled.`;
        print({ id: mailingId, ...rest }, options, () => [`${said}${cancelled}`]);
      });
  mailing
    .command('finish')
    .argument('<id>', 'of the mailing', rowId)
    .description('send again to those that a run did not reach')
    .addOption(new Option('--run <id>', 'the latest that has such clients when left out').argParser(rowId))
    .option('--failed', 'those refused, or out of tries')
    .addOption(
      new Option(
        '--kind <kind...>',
        `with --failed: only those who ended by such answers; with --unknown: ${unknownKinds.join(' or ')}, all of the unknown when neither is named`,
      ).choices([...answerKinds]),
    )
    .option('--expired', 'those left when the time was over')
    .option('--cancelled', 'those left when it was stopped')
    .option('--unknown', 'those nobody knows of: they may get the letter twice')
    .option('--yes', 'do not ask on a terminal before somebody may get it twice')
    .action(async (id: number, options: FinishOptions) => {
      const outcomes = finishableOutcomes.filter((outcome) => options[outcome]);
      const which = {
        outcomes: outcomes.length > 0 ? outcomes : finishableOutcomes,
        ...chosenKinds(options),
      };
      const run = await findUnfinished(id, options.run, which);
      if (outcomes.length === 0)
        throw new WrongUsage(
          [
            'Name at least one of --failed, --expired, --cancelled, --unknown.',
            ...(run ? [await unreached(run)] : []),
          ].join('\n'),
        );
      const { owner } = await getMailing(id);
      const doubtful = run && outcomes.includes('unknown') ? await countUnknown(run, which) : 0;
      if (doubtful > 0 && !options.yes && !options.json && !(await agrees(doubtful)))
        throw new CommandFailed('Nothing was queued.');
      const [{ finishRun }, { sendRun }] = await Promise.all([
        import('@/lib/runs/mutations'),
        import('../sending'),
      ]);
      const finished = await finishRun(owner, { mailingId: id, runId: options.run ?? run?.id, ...which });
      const { runId, requeued } = await unwrap(finished, 'mailings');
      note(`${lettersText(requeued)} of run ${runId} queued again.`);
      await sendRun({ mailingId: id, runId }, options);
    });
}

/**
 * Whom `--kind` leaves. Scripts name answers with which letters failed beside `--unknown` and mean all of the unknown, so only its own kinds
 * choose among these.
 */
function chosenKinds({ kind, failed, unknown }: FinishOptions): Omit<Unreached, 'outcomes'> {
  if (!kind) return {};
  const ofUnknown = unknown ? unknownKinds.filter((known) => kind.includes(known)) : [];
  if (!failed && kind.some((each) => !ofUnknown.some((known) => known === each)))
    throw new WrongUsage(
      `--kind chooses among those who failed: name --failed too; with --unknown alone it takes ${unknownKinds.join(' and ')}.`,
    );
  return { ...(failed ? { kinds: kind } : {}), ...(ofUnknown.length > 0 ? { unknownKinds: ofUnknown } : {}) };
}

/** The latest that was done with a mailing, as lines for a person. */
async function historyOf(mailingId: number): Promise<string[]> {
  const { listHistory } = await import('@/lib/history/queries');
  const { items } = await listHistory(commandLine, { mailingId });
  return table(
    ['at', 'what', 'run', 'letters', 'who'],
    items.map(({ at, kind, runId, detail, who, name }) => [
      at.toISOString(),
      kind,
      String(runId ?? '-'),
      String(detail.letters ?? '-'),
      name || who.replace('_', ' '),
    ]),
  );
}

type Unfinished = { id: number; counts: Record<FinishableOutcome, number> };

/** The run named, or the latest that has clients with one of the outcomes; null when there is none. */
async function findUnfinished(
  mailingId: number,
  runId: number | undefined,
  which: Unreached,
): Promise<Unfinished | null> {
  const { findRun, findUnfinishedRun } = await import('@/lib/runs/queries');
  const found = runId ?? (await findUnfinishedRun(commandLine, { mailingId, ...which }));
  return found === null ? null : findRun(commandLine, { mailingId, runId: found });
}

/** Letters of a run that clients may get twice. */
async function countUnknown({ id, counts }: Unfinished, { unknownKinds: some }: Unreached): Promise<number> {
  if (!some) return counts.unknown;
  const { listAnswers } = await import('@/lib/reports/queries');
  const kinds = await listAnswers(commandLine, { runId: id });
  return kinds.reduce(
    (sum, { kind, unknown }) => sum + (some.some((each) => each === kind) ? unknown : 0),
    0,
  );
}

/** What a run can be finished by, in numbers. */
async function unreached({ id, counts }: Unfinished): Promise<string> {
  const { listAnswers } = await import('@/lib/reports/queries');
  const kinds = await listAnswers(commandLine, { runId: id });
  const numbers = finishableOutcomes
    .filter((outcome) => counts[outcome] > 0)
    .map((outcome) => {
      const by =
        outcome === 'failed' || outcome === 'unknown'
          ? kinds.flatMap((each) => (each[outcome] > 0 ? [`${each[outcome]} ${each.kind}`] : []))
          : [];
      return `${counts[outcome]} ${outcome}${by.length > 0 ? ` (${by.join(', ')})` : ''}`;
    });
  return `Run ${id} has ${numbers.join(', ') || 'nobody left to send to'}.`;
}

/** Asks on a terminal; where nobody can answer, naming --unknown was the answer. */
async function agrees(doubtful: number): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { createInterface } = await import('node:readline/promises');
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(
    `${lettersText(doubtful)} handed over, and no answer came: some clients may get a second copy. Send again? [y/N] `,
  );
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}
