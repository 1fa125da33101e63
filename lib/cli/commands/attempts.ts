import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { commandLine } from '../actors';
import { CommandFailed, type OutputOptions } from '../output';
import { rowId } from '../values';

export function addAttemptCommands(program: Command): void {
  const attempts = program.command('attempts').description('what was tried, and what the server answered');
  attempts
    .command('export')
    .description('CSV on standard output, oldest first')
    .addOption(new Option('--mailing <id>').argParser(rowId).makeOptionMandatory())
    .action(async (options: OutputOptions & { mailing: number }) => {
      const [{ exportAttemptLines, exportAttempts, exportColumns }, { csvLine }, { findMailing }] =
        await Promise.all([
          import('@/lib/attempts/queries'),
          import('@/lib/attempts/schema'),
          import('@/lib/mailings/queries'),
        ]);
      if (!(await findMailing(commandLine, options.mailing)))
        throw new CommandFailed(`There is no mailing ${options.mailing}.`);
      const which = { mailingId: options.mailing };
      if (options.json) {
        let separator = '{"items":[';
        for await (const rows of exportAttempts(commandLine, which))
          for (const row of rows) {
            await write(`${separator}${JSON.stringify(row)}`);
            separator = ',';
          }
        await write(`${separator === ',' ? '' : separator}],"next":null}\n`);
        return;
      }
      await write(csvLine(exportColumns));
      for await (const lines of exportAttemptLines(commandLine, which)) await write(lines);
    });
}

/** Waits where the reader is slower than the database. */
async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
