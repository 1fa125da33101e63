import { Command, CommanderError } from 'commander';
import { databaseErrorCode } from '@/lib/errors';
import { PostgresError } from '@/scripts/postgres.mjs';
import { addAttemptCommands } from './commands/attempts';
import { addClientCommands } from './commands/clients';
import { addDatabaseCommands } from './commands/database';
import { addMailingCommands } from './commands/mailings';
import { addMessageCommands } from './commands/messages';
import { addSendingCommands } from './commands/sending';
import { addUserCommands } from './commands/users';
import { CommandFailed, note, WrongUsage } from './output';
import { openInstallation } from './setup';

/** Exit codes that scripts rely on. */
const failed = 1;
const wrongUsage = 2;

const program = new Command('mailroom').description('Mailroom on the command line.').showHelpAfterError();

addDatabaseCommands(program);
addUserCommands(program);
addClientCommands(program);
addMessageCommands(program);
addMailingCommands(program);
addSendingCommands(program);
addAttemptCommands(program);

for (const command of everyCommand(program)) {
  command.exitOverride();
  if (command.commands.length === 0) command.option('--json', 'one JSON object on standard output');
}
program.hook('preAction', () => openInstallation());

// Whoever reads our output may have had enough: `mailroom attempts export … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : failed);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
// The pool would keep the process; what was printed goes out first.
process.stdout.write('', () => process.exit());

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Says on standard error what went wrong, and answers the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage;
  if (error instanceof WrongUsage) {
    note(error.message);
    return wrongUsage;
  }
  if (error instanceof CommandFailed) {
    note(error.message);
    if (process.argv.includes('--json'))
      process.stdout.write(`${JSON.stringify({ ...error.detail, message: error.message })}\n`);
    return failed;
  }
  // By name: settings are only read, and their parser only loaded, by commands that got so far.
  if (
    error instanceof PostgresError ||
    (error instanceof Error && error.constructor.name === 'SettingsError')
  )
    note(error.message);
  else if (isUnreachable(error))
    note('The database of DATABASE_URL could not be reached. Is it running, and is the address right?');
  else note(`Something went wrong that should not: ${rootMessage(error)}`);
  return failed;
}

/** What the innermost cause says, with where it happened: the wrappers around it repeat whole statements with their values. */
function rootMessage(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error ? (innermost.stack ?? innermost.message) : String(innermost);
}

/** The database is not there, or lets us not in. */
function isUnreachable(error: unknown): boolean {
  const sqlState = databaseErrorCode(error);
  if (sqlState === '28P01' || sqlState === '3D000' || sqlState === '28000') return true;
  for (let current = error; current instanceof Error; current = current.cause as Error)
    if ('code' in current && /^(ECONN|ENOTFOUND|EHOST|CONNECT_TIMEOUT|ETIMEDOUT)/.test(String(current.code)))
      return true;
  return false;
}
