import type { Command } from 'commander';
import { fieldErrors, refuse, refuseField } from '@/lib/errors';
import { getUser } from '../actors';
import { type OutputOptions, print, unwrap, WrongUsage } from '../output';

type CreateOptions = OutputOptions & {
  email: string;
  password: string;
  name?: string;
  staff?: boolean;
  admin?: boolean;
};

export function addUserCommands(program: Command): void {
  const user = program.command('user').description('accounts');
  user
    .command('create')
    .description('make an account that needs no confirmation')
    .requiredOption('--email <address>')
    .requiredOption('--password <password>')
    .option('--name <name>', 'shown as the sender; the part before the @ when left out')
    .option('--staff', 'a manager')
    .option('--admin', 'an admin')
    .action(async (options: CreateOptions) => {
      const [{ createConfirmedUser }, { registerSchema }, { isCommonPassword }] = await Promise.all([
        import('@/lib/users/mutations'),
        import('@/lib/users/schema'),
        import('@/lib/auth/passwords'),
      ]);
      const typed = registerSchema.safeParse({
        email: options.email,
        password: options.password,
        name: options.name ?? options.email.split('@')[0],
        locale: 'en',
        timeZone: 'UTC',
      });
      if (!typed.success) return unwrap(refuse('invalid', fieldErrors(typed.error)), 'account');
      if (isCommonPassword(typed.data.password, typed.data))
        return unwrap(refuseField('password', 'guessable'), 'account');
      const created = await createConfirmedUser({
        ...typed.data,
        isStaff: options.staff === true,
        isSuperuser: options.admin === true,
      });
      print(await unwrap(created, 'account'), options);
    });
  user
    .command('block <email>')
    .description('sign out at once, and send nothing more of theirs')
    .requiredOption('--reason <text>', 'the user sees it')
    .action(async (email: string, options: OutputOptions & { reason: string }) => {
      const { blockUser, sendHoldLetter } = await import('@/lib/users/mutations');
      const { id } = await getUser(email);
      const { news } = await unwrap(await blockUser(null, { userId: id, reason: options.reason }), 'account');
      print({ id }, options);
      await sendHoldLetter(news);
    });
  user.command('unblock <email>').action(async (email: string, options: OutputOptions) => {
    const { sendHoldLetter, unblockUser } = await import('@/lib/users/mutations');
    const { id } = await getUser(email);
    const { news } = await unwrap(await unblockUser(null, { userId: id }), 'account');
    print({ id }, options);
    await sendHoldLetter(news);
  });
  user
    .command('promote <email>')
    .option('--staff', 'make a manager')
    .option('--admin', 'make an admin')
    .action(async (email: string, options: OutputOptions & { staff?: boolean; admin?: boolean }) => {
      if (Boolean(options.staff) === Boolean(options.admin))
        throw new WrongUsage('Name one of --staff and --admin.');
      const { promoteUser } = await import('@/lib/users/mutations');
      const { id } = await getUser(email);
      const promoted = await promoteUser(null, { userId: id, to: options.admin ? 'admin' : 'staff' });
      print(await unwrap(promoted, 'account'), options);
    });
}
