import { type Command, Option } from 'commander';
import { periodicities } from '@/db/enums';
import { systemClock } from '@/lib/clock';
import { fieldErrors, refuse } from '@/lib/errors';
import type { Mailing } from '@/lib/mailings/queries';
import type { Actor } from '@/lib/policy/rules';
import type { FinishableOutcome } from '@/lib/runs/schema';
import { commandLine, getOwner } from '../actors';
import { CommandFailed, note, type OutputOptions, print, table, unwrap, WrongUsage } from '../output';
import { rowId, rowIds, wholeNumber } from '../values';

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
type FinishOptions = OutputOptions & { run?: number } & Partial<Record<FinishableOutcome, boolean>>;

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
    .option('--after <cursor>', 'the `next` of the page before')
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
  for (const [name, command, description] of [
    ['pause', 'pauseMailing', 'hold the series and its open runs'],
    ['resume', 'resumeMailing', 'go on'],
    ['stop', 'stopMailing', 'cancel what is unsent and complete the mailing'],
  ] as const)
    mailing
      .command(name)
      .argument('<id>', 'of the mailing', rowId)
      .description(description)
      .action(async (id: number, options: OutputOptions) => {
        const mutations = await import('@/lib/runs/mutations');
        const { owner } = await getMailing(id);
        const done = await mutations[command](owner, { mailingId: id });
        const { mailingId, ...rest } = await unwrap<{ mailingId: number }>(done, 'mailings');
        print({ id: mailingId, ...rest }, options);
      });
  mailing
    .command('finish')
    .argument('<id>', 'of the mailing', rowId)
    .description('send again to those that a run did not reach')
    .addOption(new Option('--run <id>', 'the latest that has such clients when left out').argParser(rowId))
    .option('--failed', 'those refused, or out of tries')
    .option('--expired', 'those left when the time was over')
    .option('--cancelled', 'those left when it was stopped')
    .option('--unknown', 'those nobody knows of: they may get the letter twice')
    .action(async (id: number, options: FinishOptions) => {
      const outcomes = (['failed', 'expired', 'cancelled', 'unknown'] as const).filter(
        (outcome) => options[outcome],
      );
      if (outcomes.length === 0)
        throw new WrongUsage('Name at least one of --failed, --expired, --cancelled, --unknown.');
      const [{ finishRun }, { sendRun }] = await Promise.all([
        import('@/lib/runs/mutations'),
        import('../sending'),
      ]);
      const { owner } = await getMailing(id);
      const finished = await finishRun(owner, { mailingId: id, runId: options.run, outcomes });
      const { runId, requeued } = await unwrap(finished, 'mailings');
      note(`${requeued} letters of run ${runId} are queued again.`);
      await sendRun({ mailingId: id, runId }, options);
    });
}
