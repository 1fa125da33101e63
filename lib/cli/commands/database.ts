import type { Command } from 'commander';
import { CommandFailed, note, type OutputOptions, print } from '../output';

export function addDatabaseCommands(program: Command): void {
  const database = program.command('db').description('the database');
  database
    .command('migrate')
    .description('bring the database to the schema of this version; any number of times')
    .action(async (options: OutputOptions) => {
      await migrate();
      print({ migrated: true }, options, () => ['The database is up to date.']);
    });
  database
    .command('seed')
    .description('load demo data, once')
    .action(async (options: OutputOptions) => {
      const { env } = await import('@/lib/env');
      const { EMAIL_TRANSPORT = 'outbox' } = env();
      if (EMAIL_TRANSPORT !== 'outbox')
        throw new CommandFailed(
          `Demo data goes with the outbox only, and EMAIL_TRANSPORT is ${EMAIL_TRANSPORT}: its mailings would try to reach made-up people.`,
        );
      await migrate();
      const { seedDemo } = await import('@/db/seed');
      const { loaded, users } = await seedDemo(new Date());
      if (!loaded) note('The demo data is there already.');
      print({ loaded, users }, options, () =>
        users.map((user) => `${user.role.padEnd(8)} ${user.email}  ${user.password}`),
      );
    });
}

async function migrate(): Promise<void> {
  const [{ env }, { migrateDatabase }] = await Promise.all([
    import('@/lib/env'),
    import('@/scripts/migrate.mjs'),
  ]);
  await migrateDatabase(env().DATABASE_URL ?? '');
}
