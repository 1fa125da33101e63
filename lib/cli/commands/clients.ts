import type { Command } from 'commander';
import { getOwner } from '../actors';
import { loadSentences, note, type OutputOptions, print } from '../output';
import { givenFile } from '../setup';

export function addClientCommands(program: Command): void {
  const client = program.command('client').description('people who receive mail');
  client
    .command('import <file>')
    .description('add and update clients from a CSV file with the columns email, full_name, comment')
    .requiredOption('--owner <email>', 'whose clients they become')
    .option('--dry-run', 'say what would be done, and write nothing')
    .action(async (file: string, options: OutputOptions & { owner: string; dryRun?: boolean }) => {
      const [{ importClients }, { readClientsCsv }] = await Promise.all([
        import('@/lib/clients/mutations'),
        import('../csv'),
      ]);
      const owner = await getOwner(options.owner);
      const misfits = new Set<number>();
      const rows = readClientsCsv(givenFile(file), (line) => misfits.add(line));
      const outcome = await importClients(owner, rows, { dryRun: options.dryRun === true });
      const invalid = outcome.invalid.map(({ line, reason }) => ({
        line,
        reason: misfits.has(line) ? 'too_many_columns' : reason,
      }));
      const sentence = await loadSentences('clients');
      print({ ...outcome, invalid }, options, () => [
        `created ${outcome.created}, updated ${outcome.updated}, unchanged ${outcome.unchanged}, invalid ${invalid.length}`,
        ...invalid.map(({ line, reason }) => `  line ${line}: ${reasonText(reason, sentence)}`),
      ]);
      if (invalid.length > 0) {
        note('Nothing was written. Correct these lines and import the file again.');
        process.exitCode = 1;
      } else if (options.dryRun) note('This was a dry run: nothing was written.');
    });
}

function reasonText(reason: string, sentence: Awaited<ReturnType<typeof loadSentences>>): string {
  if (reason === 'too_many_columns') return 'The line has more cells than the heading has columns.';
  return sentence(reason, { max: 200 });
}
