import { createInterface } from 'node:readline';
import { closeDatabase } from '@/db/client';
import { commandLine } from '@/lib/cli/actors';
import {
  disableMailing,
  enableMailing,
  pauseMailing,
  resumeMailing,
  stopMailing,
} from '@/lib/runs/mutations';
import { blockUser, unblockUser } from '@/lib/users/mutations';

/*
 * Closes and opens gates as their pages do, at once when told: `<word> <mailing> <owner>` on a line of standard input. Answers
 * `ready` first, then a line of JSON for each.
 */
const reason = 'a trial';
const gates: Record<string, (mailingId: number, userId: number) => Promise<unknown>> = {
  pause: (mailingId) => pauseMailing(commandLine, { mailingId }),
  resume: (mailingId) => resumeMailing(commandLine, { mailingId }),
  stop: (mailingId) => stopMailing(commandLine, { mailingId }),
  // Who did it is kept by reference, so it has to be somebody.
  disable: (mailingId, userId) => disableMailing({ ...commandLine, id: userId }, { mailingId, reason }),
  enable: (mailingId, userId) => enableMailing({ ...commandLine, id: userId }, { mailingId }),
  block: (_, userId) => blockUser(null, { userId, reason }),
  unblock: (_, userId) => unblockUser(null, { userId }),
};

process.stdout.write('"ready"\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', mailingId, ownerId] = line.split(' ');
  const result = await gates[word]?.(Number(mailingId), Number(ownerId));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await closeDatabase();
