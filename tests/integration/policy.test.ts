import { SQL } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { clients, users } from '@/db/schema';
import { type Actor, can, canBlock, canManage, type OwnedVerb } from '@/lib/policy/rules';
import { blockable, changeable, managed, own, readable } from '@/lib/policy/scopes';
import { asActor, createClient, createUser } from '@/tests/support/factories';

/** Numbers that are the same on every machine. */
function* dice(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

const roll = dice(20_260_105);
const below = (count: number) => Math.floor(roll.next().value * count);

/** People of every role, blocked and not, confirmed and not, some with many clients and some with none. */
async function generate() {
  const people = [];
  for (let n = 0; n < 40; n += 1) {
    const role = below(4);
    const isSuperuser = role === 3;
    const isBlocked = below(4) === 0;
    people.push(
      await createUser(db, {
        isSuperuser,
        isStaff: isSuperuser || role === 2,
        isDemo: below(5) === 0,
        confirmedAt: below(5) === 0 ? null : new Date(),
        blockedAt: isBlocked ? new Date() : null,
        blockedReason: isBlocked ? 'a reason' : null,
      }),
    );
  }
  for (let n = 0; n < 120; n += 1) {
    const owner = people[below(people.length)];
    if (owner) await createClient(db, owner);
  }
  return people;
}

const people = await generate();
const things = await db.select({ id: clients.id, ownerId: clients.ownerId }).from(clients);

/** Of these rows, those that the condition lets through in the database, against those that the rule lets through here. */
async function expectAgreement(
  what: string,
  scope: (actor: Actor) => SQL,
  rule: (actor: Actor, ownerId: number) => boolean,
) {
  for (const person of people) {
    const actor = asActor(person);
    const found = await db.select({ id: clients.id }).from(clients).where(scope(actor)).orderBy(clients.id);
    const expected = things.filter(({ ownerId }) => rule(actor, ownerId)).map(({ id }) => id);
    expect(
      found.map(({ id }) => id),
      `${what} for ${JSON.stringify(actor)}`,
    ).toEqual(expected.sort((a, b) => a - b));
  }
}

describe('what the buttons say and what the statements do agree, for everybody and everything', () => {
  it('in reading', async () => {
    await expectAgreement(
      'readable',
      (actor) => readable(actor, clients.ownerId),
      (actor, ownerId) => can(actor, 'read', ownerId),
    );
  });

  it.each(['create', 'update', 'delete', 'send'] as const satisfies OwnedVerb[])(
    'in what changes something: %s',
    async (verb) => {
      await expectAgreement(
        'changeable',
        (actor) => changeable(actor, clients.ownerId),
        (actor, ownerId) => can(actor, verb, ownerId),
      );
    },
  );

  it('in disabling, and in all that is seen from the managers’ desk', async () => {
    await expectAgreement(
      'managed',
      (actor) => managed(actor),
      (actor, ownerId) => can(actor, 'disable', ownerId),
    );
    await expectAgreement(
      'managed',
      (actor) => managed(actor),
      (actor) => canManage(actor),
    );
  });

  it('in what is one’s own, whatever one’s role', async () => {
    await expectAgreement(
      'own',
      (actor) => own(actor, clients.ownerId),
      (actor, ownerId) => actor.id === ownerId,
    );
  });

  it('in blocking, for every pair of people; the command line blocks everybody but admins', async () => {
    const ids = async (actor: Actor | null) =>
      (await db.select({ id: users.id }).from(users).where(blockable(actor, users)).orderBy(users.id)).map(
        ({ id }) => id,
      );
    for (const person of people) {
      const actor = asActor(person);
      expect(await ids(actor), JSON.stringify(actor)).toEqual(
        people.filter((target) => canBlock(actor, target)).map(({ id }) => id),
      );
    }
    expect(await ids(null)).toEqual(people.filter(({ isSuperuser }) => !isSuperuser).map(({ id }) => id));
  });

  it('and the generated people are of every kind', () => {
    const kinds = new Set(people.map(({ isStaff, isSuperuser }) => `${isStaff} ${isSuperuser}`));
    expect(kinds.size).toBe(3);
    expect(new Set(things.map(({ ownerId }) => ownerId)).size).toBeGreaterThan(10);
  });

  it('and no scope is ever left out of a statement', () => {
    for (const actor of people.map(asActor))
      for (const scope of [
        readable(actor, clients.ownerId),
        changeable(actor, clients.ownerId),
        own(actor, clients.ownerId),
        managed(actor),
        blockable(actor, users),
      ])
        expect(scope).toBeInstanceOf(SQL);
  });
});
