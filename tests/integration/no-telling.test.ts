import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { peerHeader } from '@/lib/auth/network';
import { hashPassword } from '@/lib/auth/passwords';
import { registerAction, requestResetAction, resendAction, signInAction } from '@/lib/users/actions';
import { freshAddress } from '@/tests/support/accounts';
import { createUser } from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';

/*
 * Nobody learns from sign-in, registration, a forgotten password or a resent letter whether an address has an account: neither
 * from what is answered nor from how long it takes. The doors themselves are knocked at, as a browser's form would.
 */

const hashed = hashPassword('a sound password');
let knocks = 0;

type Door = (state: { ok: null }, form: FormData) => Promise<unknown>;

/** One knock from a network of its own: what came back, as whoever knocked sees it, and after how many milliseconds. */
async function knock(door: Door, fields: Record<string, string>): Promise<{ seen: string; ms: number }> {
  knocks += 1;
  const peer = `10.${(knocks >> 16) & 255}.${(knocks >> 8) & 255}.${knocks & 255}`;
  const form = new FormData();
  for (const [name, value] of Object.entries({ locale: 'en', ...fields })) form.set(name, value);
  let ms = 0;
  // What is left for after the response is left: it is no part of the answer.
  const answer = await withRequest(
    { [peerHeader()]: peer },
    async () => {
      const begun = performance.now();
      const given = await door({ ok: null }, form).catch((error: unknown) => {
        const digest = error instanceof Error && 'digest' in error ? String(error.digest) : '';
        if (!digest.startsWith('NEXT_REDIRECT')) throw error;
        return digest;
      });
      ms = performance.now() - begun;
      return given;
    },
    { after: () => {} },
  );
  // The address stands in the answer only because it was typed.
  const seen = JSON.stringify(answer).replaceAll(fields.email ?? '', 'the address');
  return { seen, ms };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Whose address it is, as far as the installation knows. */
const whose = ['unknown', 'known', 'unconfirmed'] as const;
type Whose = (typeof whose)[number];

/** Addresses nobody has asked about yet. Made beforehand: making an account keeps a processor busy. */
async function make(kind: Whose, howMany: number): Promise<string[]> {
  const made = Array.from({ length: howMany }, freshAddress);
  const passwordHash = await hashed;
  if (kind !== 'unknown')
    for (const email of made)
      await createUser(db, { email, passwordHash, ...(kind === 'unconfirmed' ? { confirmedAt: null } : {}) });
  return made;
}

const doors: [name: string, door: Door, fields: Record<string, string>, answer: string][] = [
  ['sign-in with a wrong password', signInAction, { password: 'not the one' }, 'wrong_credentials'],
  [
    'registration',
    registerAction,
    { name: 'Ada Lovelace', password: 'another sound one', timeZone: 'UTC' },
    ';/verify-email;',
  ],
  ['a forgotten password', requestResetAction, {}, ';/forgot-password?sent=1;'],
  ['the letter once more', resendAction, {}, ';/verify-email?notice=sent_again;'],
];

describe.each(doors)('%s', (_name, door, fields, answer) => {
  it('answers the same words and leads to the same page, whosever address it is', async () => {
    const seen = new Set<string>();
    for (const kind of whose) {
      const [email = ''] = await make(kind, 1);
      seen.add((await knock(door, { ...fields, email })).seen);
    }
    expect([...seen]).toEqual([expect.stringContaining(answer)]);
  });

  it('takes as long, within 5 % or 5 ms, whosever address it is', { timeout: 120_000 }, async () => {
    const rounds: Record<Whose, number>[] = [];
    const more = async (howMany: number) => {
      const addresses = {
        unknown: await make('unknown', howMany),
        known: await make('known', howMany),
        unconfirmed: await make('unconfirmed', howMany),
      };
      for (let round = 0; round < howMany; round += 1) {
        const took = { unknown: 0, known: 0, unconfirmed: 0 };
        // Each is the first of a round in its turn, so that whatever else the machine does meets them alike.
        for (const at of [0, 1, 2]) {
          const kind = whose[(at + round) % 3] ?? 'unknown';
          const email = addresses[kind][round] ?? '';
          took[kind] = (await knock(door, { ...fields, email })).ms;
        }
        rounds.push(took);
      }
    };
    /** Medians of what one took longer than the other in the same round, and what they may be. */
    const verdict = () => {
      const apart = (kind: Whose) => Math.abs(median(rounds.map((took) => took[kind] - took.unknown)));
      return {
        apart: Math.max(apart('known'), apart('unconfirmed')),
        allowed: Math.max(5, median(rounds.map(({ unknown }) => unknown)) * 0.05),
      };
    };
    // Where the machine was too busy for a verdict, rounds are added to the same sample: a real difference does not go away.
    for (let stage = 0; stage < 5; stage += 1) {
      await more(30);
      const { apart, allowed } = verdict();
      if (apart <= allowed) break;
    }
    const { apart, allowed } = verdict();
    expect(apart).toBeLessThanOrEqual(allowed);
  });
});
