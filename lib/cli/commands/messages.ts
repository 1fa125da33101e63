import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { fieldErrors, refuse } from '@/lib/errors';
import { getOwner } from '../actors';
import { CommandFailed, type OutputOptions, print, unwrap } from '../output';
import { givenFile } from '../setup';

type CreateOptions = OutputOptions & { owner: string; subject: string; bodyFile: string };

export function addMessageCommands(program: Command): void {
  const message = program.command('message').description('what is sent');
  message
    .command('create')
    .requiredOption('--owner <email>')
    .requiredOption('--subject <text>', 'a line, with Liquid variables where wanted')
    .requiredOption('--body-file <file>', 'HTML, with Liquid variables where wanted')
    .action(async (options: CreateOptions) => {
      const [{ createMessage }, { messageSchema }] = await Promise.all([
        import('@/lib/messages/mutations'),
        import('@/lib/messages/schema'),
      ]);
      const owner = await getOwner(options.owner);
      const body = await readFile(givenFile(options.bodyFile), 'utf8').catch((error: Error) => {
        throw new CommandFailed(`${options.bodyFile} can not be read: ${error.message}`);
      });
      const typed = messageSchema.safeParse({ subject: options.subject, body });
      if (!typed.success) return unwrap(refuse('invalid', fieldErrors(typed.error)), 'messages');
      print(await unwrap(await createMessage(owner, typed.data), 'messages'), options);
    });
}
