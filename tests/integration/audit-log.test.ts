import '@/tests/support/request-scope';
import { parse } from 'csv-parse/sync';
import { eq } from 'drizzle-orm';
import postgres from 'postgres';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { GET as exportRoute } from '@/app/api/audit/route';
import { db } from '@/db/client';
import { audit, users } from '@/db/schema';
import { recordAudit } from '@/lib/audit/mutations';
import { listAudit, readAuditFilter } from '@/lib/audit/queries';
import { updateMailing } from '@/lib/mailings/mutations';
import type { Actor } from '@/lib/policy/rules';
import { blockUser } from '@/lib/users/mutations';
import { migrateDatabase } from '@/scripts/migrate.mjs';
import { asActor, createActor, createClient, createMailing, createUser } from '@/tests/support/factories';
import { createOldDatabase } from '@/tests/support/old-database';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';

let boss: Actor;
beforeAll(async () => {
  boss = await createActor(db, { email: 'boss@log.example', isStaff: true });
});

const admin = () => createActor(db, { isStaff: true, isSuperuser: true });

/** An entry about somebody, at an instant. */
async function wrote(by: Actor, targetName: string, at: string) {
  const row = { actorId: by.id, actorEmail: by.email, action: 'block_user', targetType: 'user', targetName };
  await db.insert(audit).values({ ...row, createdAt: new Date(at) });
}

const found = async (asked: Record<string, string>, zone = 'UTC') => {
  const { filter } = readAuditFilter(asked, zone);
  if (!filter) throw new Error('no filter');
  return (await listAudit(boss, filter)).items.map(({ target }) => target);
};

describe('the audit log', () => {
  it('is narrowed down to whole days on the reader’s clock, also on the day the clocks change', async () => {
    const by = await createActor(db, { email: 'days@log.example' });
    // Berlin has set its clocks back on 25 October 2026: that day has 25 hours.
    await wrote(by, 'before', '2026-10-24T21:59:59.999Z');
    await wrote(by, 'first', '2026-10-24T22:00:00Z');
    await wrote(by, 'last', '2026-10-25T22:59:59.999Z');
    await wrote(by, 'after', '2026-10-25T23:00:00Z');
    const who = by.email;
    const day = { who, from: '2026-10-25', to: '2026-10-25' };
    expect(await found(day, 'Europe/Berlin')).toEqual(['last', 'first']);
    expect(await found(day, 'UTC')).toEqual(['after', 'last']);
    expect(await found({ who, from: '2026-10-25' }, 'Europe/Berlin')).toEqual(['after', 'last', 'first']);
    expect(await found({ who, to: '2026-10-24' }, 'Europe/Berlin')).toEqual(['before']);
  });

  it('refuses a day that does not exist and a range that ends before it begins, each at its field', async () => {
    const errors = (asked: Record<string, string>) => readAuditFilter(asked, 'UTC');
    expect(errors({ from: '2026-02-30', to: 'tomorrow' })).toMatchObject({
      filter: null,
      asked: { from: '2026-02-30', to: 'tomorrow' },
      errors: { from: { code: 'invalid_date' }, to: { code: 'invalid_date' } },
    });
    expect(errors({ from: '2026-03-02', to: '2026-03-01' })).toMatchObject({
      filter: null,
      errors: { to: { code: 'to_before_from' } },
    });
    expect(errors({ from: '2026-03-01', to: '2026-03-01' }).errors).toEqual({});
  });

  it('is searched by who alone, by whom alone, and by all of it', async () => {
    const by = await createActor(db, { email: 'anton@log.example' });
    const other = await createActor(db, { email: 'berta@log.example' });
    await wrote(by, 'berta@log.example', '2026-01-05T09:00:00Z');
    await wrote(other, 'anton@log.example', '2026-01-05T10:00:00Z');
    expect(await found({ who: 'ANTON@log' })).toEqual(['berta@log.example']);
    expect(await found({ whom: 'anton@LOG' })).toEqual(['anton@log.example']);
    expect(await found({ q: 'anton@log' })).toEqual(['anton@log.example', 'berta@log.example']);
    expect(await found({ who: 'anton@', whom: 'anton@' })).toEqual([]);
    expect(await found({ whom: 'a_ton@' })).toEqual([]);
  });

  it('is read page by page without a gap or a repetition, also where many entries bear the same instant', async () => {
    const by = await createActor(db, { email: 'pages@log.example' });
    for (let n = 0; n < 7; n += 1)
      await wrote(by, `page ${n}`, n < 5 ? '2026-01-06T09:00:00Z' : '2026-01-05T09:00:00Z');
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await listAudit(boss, { who: by.email, size: 2, after });
      seen.push(...page.items.map(({ target }) => target));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toEqual(['page 4', 'page 3', 'page 2', 'page 1', 'page 0', 'page 6', 'page 5']);
  });

  it('names whoever is gone as they were called then, and says of both sides whether they still have a page', async () => {
    const by = await admin();
    const target = await createUser(db, { email: 'leaving@log.example' });
    await blockUser(by, { userId: target.id, reason: 'Gone soon' });
    await db.update(users).set({ email: 'renamed@log.example' }).where(eq(users.id, target.id));
    expect((await listAudit(boss, { whom: 'leaving@log' })).items).toMatchObject([
      { target: 'leaving@log.example', isThere: true, isActorThere: true },
    ]);
    await db.delete(users).where(eq(users.id, target.id));
    await db.delete(users).where(eq(users.id, by.id));
    expect((await listAudit(boss, { q: 'leaving@log' })).items).toMatchObject([
      { target: 'leaving@log.example', actorEmail: by.email, isThere: false, isActorThere: false },
    ]);
  });

  it('tells of a mailing that an admin changed what its form shows, before and after, and what the admin made on the way', async () => {
    const by = await admin();
    const owner = await createActor(db);
    await createClient(db, owner);
    const mailing = await createMailing(db, owner, { name: 'Spring', periodicity: 'daily' });
    const result = await updateMailing(by, {
      mailingId: mailing.id,
      name: 'Summer',
      newSubject: 'Written by the admin',
      newBody: '<p>Text</p>',
      newClients: 'New <new@log-clients.example>',
      audience: 'chosen',
      startsAt: '2030-01-05T09:00',
      zone: 'Europe/Berlin',
      periodicity: 'weekly',
    });
    expect(result).toMatchObject({ ok: true });
    const rows = await db.select().from(audit).where(eq(audit.actorId, by.id)).orderBy(audit.id);
    expect(rows).toMatchObject([
      {
        action: 'create_message',
        targetName: 'Written by the admin',
        after: { subject: 'Written by the admin' },
      },
      { action: 'add_clients', targetName: owner.email, after: { clients: 1 } },
      {
        action: 'update_mailing',
        targetName: 'Summer',
        before: { name: 'Spring', audience: 'all', chosen: 0, periodicity: 'daily' },
        after: {
          name: 'Summer',
          audience: 'chosen',
          chosen: 1,
          periodicity: 'weekly',
          zone: 'Europe/Berlin',
          startsAt: '2030-01-05T08:00:00.000Z',
        },
      },
    ]);
    const [entry] = (await listAudit(boss, { userId: by.id })).items;
    // Nothing that the form does not show.
    expect(Object.keys({ ...entry?.before, ...entry?.after }).sort()).toEqual(
      ['audience', 'chosen', 'endsAt', 'messageId', 'name', 'periodicity', 'startsAt', 'zone'].filter(
        (field) => entry?.before?.[field] !== entry?.after?.[field],
      ),
    );
  });
});

describe('the download of the audit log', () => {
  it('takes every filter of the page, days on the clock of who downloads, and refuses a bad range by field', async () => {
    const password = 'a sound password';
    const manager = await createUser(db, { isStaff: true, password, timeZone: 'Asia/Vladivostok' });
    const cookie = await signIn(manager.email, password);
    const by = await createActor(db, { email: 'csv@log.example' });
    // 5 January in UTC, the 6th in Vladivostok.
    await wrote(by, 'csv target', '2026-01-05T20:00:00Z');
    const download = async (query: Record<string, string>) => {
      const response = await withRequest({ cookie }, () =>
        exportRoute(new Request(`http://localhost:3000/api/audit?${new URLSearchParams(query)}`)),
      );
      return { status: response.status, text: await response.text() };
    };
    const lines = async (query: Record<string, string>) =>
      (parse((await download(query)).text, { bom: true }) as string[][]).slice(1).map((cells) => cells[5]);
    const who = by.email;
    expect(await lines({ who, from: '2026-01-06', to: '2026-01-06' })).toEqual(['csv target']);
    expect(await lines({ who, from: '2026-01-05', to: '2026-01-05' })).toEqual([]);
    expect(await lines({ whom: 'csv target', action: 'block_user' })).toEqual(['csv target']);
    expect(await lines({ whom: 'csv target', action: 'unblock_user' })).toEqual([]);
    const refused = await download({ who, from: '2026-13-01' });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toEqual({
      error: { code: 'invalid', fields: { from: { code: 'invalid_date' } } },
    });
  });

  it('has every entry once, however many bear the same instant', async () => {
    const by = await createActor(db, { email: 'many@log.example' });
    const createdAt = new Date('2026-01-07T09:00:00Z');
    const row = { actorId: by.id, actorEmail: by.email, action: 'block_user', targetType: 'user', createdAt };
    await db
      .insert(audit)
      .values(Array.from({ length: 450 }, (_, n) => ({ ...row, targetName: `many ${n}` })));
    const password = 'a sound password';
    const manager = await createUser(db, { isStaff: true, password });
    const cookie = await signIn(manager.email, password);
    const response = await withRequest({ cookie }, () =>
      exportRoute(new Request('http://localhost:3000/api/audit?who=many@log.example')),
    );
    const cells = (parse(await response.text(), { bom: true }) as string[][]).slice(1).map((line) => line[5]);
    expect(cells).toEqual(Array.from({ length: 450 }, (_, n) => `many ${449 - n}`));
  });
});

describe('an upgrade', () => {
  it('gives the entries of an older version the names that can still be told', async () => {
    const old = await createOldDatabase(inject('postgresUrl'), '0010_note_sent_pictures');
    const raw = postgres(old.url, { max: 1, onnotice: () => {} });
    try {
      const [user] = await raw<{ id: string }[]>`
        insert into users (email, email_key, name, password_hash) values ('ada@mail.org', 'ada@mail.org', 'Ada', 'none') returning id`;
      const entry = (type: string, id: unknown, before: object | null, actor: unknown = null) => raw`
        insert into audit (actor_id, actor_email, action, target_type, target_id, before)
        values (${actor as null}, 'boss@mail.org', 'did', ${type}, ${id as null}, ${before ? raw.json(before as never) : null})`;
      await entry('user', user?.id ?? 0, { isBlocked: false });
      await entry('client', 999, { email: 'gone@mail.org' });
      await entry('user', 998, { clients: 3 }, 998);
      await entry('message', 997, null);
      await migrateDatabase(old.url);
      const names = await raw<{ target_name: string; search: string }[]>`
        select target_name, search from audit order by id`;
      expect(names.map((row) => row.target_name)).toEqual([
        'ada@mail.org',
        'gone@mail.org',
        'boss@mail.org',
        '',
      ]);
      expect(names[1]?.search).toBe('boss@mail.org gone@mail.org ');
    } finally {
      await raw.end();
      await old.drop();
    }
  });
});

describe('what an account is called once it has deleted itself', () => {
  it('is its address', async () => {
    const user = await createUser(db, { email: 'selfgone@log.example' });
    await db.delete(users).where(eq(users.id, user.id));
    const entry = { action: 'delete_user' as const, targetType: 'user' as const, targetId: user.id };
    await recordAudit(asActor(user), { ...entry, before: { clients: 2 } });
    expect((await listAudit(boss, { whom: 'selfgone@log' })).items).toMatchObject([
      { action: 'delete_user' },
    ]);
  });
});
