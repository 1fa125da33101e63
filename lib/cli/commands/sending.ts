import { type Command, Option } from 'commander';
import { note, type OutputOptions } from '../output';
import { untilInterrupted } from '../setup';
import { wholeNumber } from '../values';

export function addSendingCommands(program: Command): void {
  program
    .command('send-due')
    .description('one pass, as cron does: open what is due and send')
    .addOption(
      new Option('--budget-seconds <seconds>', 'when to stop claiming')
        .argParser(wholeNumber(1, 86_400))
        .default(50),
    )
    .action(async (options: OutputOptions & { budgetSeconds: number }) => {
      const { sendDue } = await import('../sending');
      await sendDue(options);
    });
  program
    .command('work')
    .description('passes for ever, for machines without cron')
    .action(async () => {
      note('The worker sends what is due. Ctrl-C ends it.');
      const { work } = await import('@/lib/sending/work');
      const { keepHouseUntil } = await import('@/lib/installation/housekeeping');
      const signal = untilInterrupted();
      await Promise.all([work({ signal }), keepHouseUntil(signal)]);
    });
}
