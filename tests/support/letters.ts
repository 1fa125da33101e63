import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';

/** A letter as the mail server got it, read by a parser that is not ours. */
export type ReceivedLetter = Email & { envelopeTo: string[]; raw: string };

/** Every letter the sink of the browser tests has got for an address, oldest first. */
export async function lettersTo(address: string): Promise<ReceivedLetter[]> {
  const folder = process.env.E2E_LETTERS;
  if (!folder) throw new Error('no mail sink: is this a browser test?');
  const letters: ReceivedLetter[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.json')) continue;
    const { to, raw } = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as {
      to: string[];
      raw: string;
    };
    if (!to.includes(address)) continue;
    const bytes = Buffer.from(raw, 'base64');
    letters.push({ ...(await PostalMime.parse(bytes)), envelopeTo: to, raw: bytes.toString('utf8') });
  }
  return letters;
}

/** The newest letter to an address once there are `atLeast`; fails after `seconds`. */
export async function waitForLetter(
  address: string,
  { atLeast = 1, seconds = 30 }: { atLeast?: number; seconds?: number } = {},
): Promise<ReceivedLetter> {
  for (let tick = 0; tick < seconds * 5; tick += 1) {
    const letters = await lettersTo(address);
    const last = letters.at(-1);
    if (last && letters.length >= atLeast) return last;
    await pause(200);
  }
  throw new Error(`no letter to ${address} within ${seconds} s`);
}

/** The first link of a letter whose address contains `part`. */
export function linkIn(letter: ReceivedLetter, part: string): string {
  const links = `${letter.text ?? ''}\n${letter.html ?? ''}`.match(/https?:\/\/[^\s"'<>)]+/g) ?? [];
  const found = links.find((link) => link.includes(part));
  if (!found) throw new Error(`no link with ${part} in the letter: ${links.join(' ')}`);
  return found.replaceAll('&amp;', '&');
}
