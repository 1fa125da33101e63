import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { ruleFor } from '@/lib/auth/route-rules';
import { mayOpen } from '@/lib/policy/queries';
import { type Actor, can } from '@/lib/policy/rules';
import {
  createActor,
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
} from '@/tests/support/factories';

async function belongings(owner: Actor) {
  const client = await createClient(db, owner);
  const message = await createMessage(db, owner);
  const mailing = await createMailing(db, owner);
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, client);
  const attempt = await createAttempt(db, run, delivery);
  return { client, message, mailing, run, attempt };
}

type Belongings = Awaited<ReturnType<typeof belongings>>;

const pages: [path: (of: Belongings) => string, verb: 'read' | 'update'][] = [
  [({ client }) => `/clients/${client.id}`, 'read'],
  [({ client }) => `/clients/${client.id}/edit`, 'update'],
  [({ message }) => `/messages/${message.id}`, 'read'],
  [({ message }) => `/messages/${message.id}/edit`, 'update'],
  [({ mailing }) => `/mailings/${mailing.id}`, 'read'],
  [({ mailing }) => `/mailings/${mailing.id}/edit`, 'update'],
  [({ mailing, run }) => `/mailings/${mailing.id}/runs/${run.id}`, 'read'],
  [({ attempt }) => `/attempts/${attempt.id}`, 'read'],
];

const opens = async (actor: Actor, path: string) => {
  const rule = ruleFor(path);
  if (!rule?.owned) throw new Error(`${path} names nobody's thing`);
  return mayOpen(actor, rule.owned);
};

describe('ownership by address', () => {
  it('says for every role, page and owner what the rules say', async () => {
    const roles = {
      user: await createActor(db),
      manager: await createActor(db, { isStaff: true }),
      admin: await createActor(db, { isStaff: true, isSuperuser: true }),
      stranger: await createActor(db),
    };
    const owners = Object.values(roles);
    const owned = new Map<number, Belongings>();
    for (const owner of owners) owned.set(owner.id, await belongings(owner));
    for (const [role, actor] of Object.entries(roles))
      for (const owner of owners)
        for (const [pathOf, verb] of pages) {
          const things = owned.get(owner.id);
          if (!things) throw new Error('no things');
          const path = pathOf(things);
          expect(await opens(actor, path), `${role} opens ${path} of ${owner.id}`).toBe(
            can(actor, verb, owner.id),
          );
        }
  });

  it('opens nothing that is not there, and no run of another mailing', async () => {
    const admin = await createActor(db, { isStaff: true, isSuperuser: true });
    const [one, two] = [await belongings(admin), await belongings(admin)];
    expect(await opens(admin, '/clients/999999999')).toBe(false);
    expect(await opens(admin, '/clients/999999999999999')).toBe(false);
    expect(await opens(admin, `/mailings/${one.mailing.id}/runs/${two.run.id}`)).toBe(false);
  });

  it('asks for isStaff, and nothing else, under /manage', async () => {
    expect(ruleFor('/manage/users')).toEqual({ staff: true, owned: null });
  });
});
