import { type Command, Option } from 'commander';
import { work } from '@/lib/sending/work';
import { note, type OutputOptions } from '../output';
import { sendDue } from '../sending';
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
    .action((options: OutputOptions & { budgetSeconds: number }) => sendDue(options));
  program
    .command('work')
    .description('passes for ever, for machines without cron')
    .action(async () => {
      note('The worker sends what is due. Ctrl-C ends it.');
      await work({ signal: untilInterrupted() });
    });
}
