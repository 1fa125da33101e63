import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { commonPasswords } from './common-passwords';
import { stemOf } from './guessable';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes at once: each takes 19 MiB and a thread of the pool that also reads files and resolves names. */
const atOnce = Math.min(3, availableParallelism());
/** Hashes that may wait; more than that is an attack, and waiting would only make it a longer one. */
const waitingMax = 500;

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= waitingMax) throw new Error('too many passwords are being checked at once');
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** What stands in `users.passwordHash` when no password opens the account: it has to be set by a mailed link first. */
export const noPassword = '!';

/**
 * Would this be among the first tries at this person's account: one of the 5000 most used passwords that our rules would allow
 * (OWASP ASVS 5.0, 6.2.4), or their own address or name (6.2.11)? Digits and marks behind it do not count. For new passwords;
 * the list is too long to be sent to browsers, so forms ask only {@link guessable}.
 */
export function isCommonPassword(plain: string, person: { email: string; name?: string }): boolean {
  const typed = plain.normalize('NFC').toLowerCase();
  const words = [typed, stemOf(typed)];
  const own = [person.email, person.email.split('@')[0], person.name, person.name?.replaceAll(' ', '')]
    .map((word) => word?.normalize('NFC').toLowerCase())
    .filter((word) => word !== undefined && word.length >= 4);
  return words.some((word) => commonPasswords.has(word) || own.includes(word));
}

/** argon2id, encoded with its parameters and a random salt. Takes about 20 ms of a core. */
export function hashPassword(plain: string): Promise<string> {
  return inTurn(() => hash(plain.normalize('NFC'), cost));
}

let dummy: Promise<string> | undefined;

/** Is `plain` the password of `hashed`? Takes the same time when there is no such user (`null`) or no password. */
export async function verifyPassword(hashed: string | null, plain: string): Promise<boolean> {
  const known = hashed?.startsWith('$argon2') ?? false;
  if (!known) dummy ??= hashPassword('nobody has this password');
  const against = (known ? hashed : await dummy) ?? '';
  const right = await inTurn(() => verify(against, plain.normalize('NFC')));
  return known && right;
}
