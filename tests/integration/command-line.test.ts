import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { db } from '@/db/client';
import { audit } from '@/db/schema/audit';
import { clients } from '@/db/schema/clients';
import { users } from '@/db/schema/users';
import { outboxOf } from '@/tests/support/accounts';
import {
  createActor,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
} from '@/tests/support/factories';

// Each command has a limit of its own, and a test runs many: on a busy machine each takes seconds to load.
vi.setConfig({ testTimeout: 600_000 });

const root = path.join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(path.join(tmpdir(), 'mailroom-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Outcome = { code: number; out: string; said: string };

/** Runs a command as a script would: another process, this file's database. */
function mailroom(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', path.join(root, 'lib', 'cli', 'main.ts'), ...args],
      { cwd: root, env: { ...process.env, NODE_ENV: 'test', MAILROOM_DATA_DIR: folder }, timeout: 60_000 },
      (error, out, said) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, said }),
    );
  });
}

function file(name: string, content: string | Buffer): string {
  const target = path.join(folder, name);
  writeFileSync(target, content);
  return target;
}

async function json(...args: string[]) {
  const { code, out, said } = await mailroom(...args, '--json');
  try {
    return { code, data: JSON.parse(out) };
  } catch {
    throw new Error(`not one JSON object (exit ${code}): ${out}\n${said}`);
  }
}

let owner = '';
beforeAll(async () => {
  owner = (await createUser(db)).email;
});

describe('wrong usage', () => {
  test('ends with 2 and says what is missing, before anything is done', async () => {
    const wrong = [
      ['nonsense'],
      ['mailing', 'show', 'seven'],
      ['user', 'create', '--email', 'a@b.example'],
      ['mailing', 'finish', '1'],
      ['mailing', 'finish', '1', '--unknown', '--kind', 'spam'],
      ['mailing', 'finish', '1', '--unknown', '--kind', 'interrupted', 'spam'],
      ['mailing', 'finish', '1', '--expired', '--kind', 'interrupted'],
      ['mailing', 'finish', '1', '--failed', '--kind', 'no_such_answer'],
      ['mailing', 'list', '--after', 'nonsense'],
      ['mailing', 'list', '--after', Buffer.from('["1"]').toString('base64url')],
    ];
    const outcomes = await Promise.all(wrong.map((args) => mailroom(...args)));
    for (const [index, { code, out, said }] of outcomes.entries()) {
      expect({ args: wrong[index], code, out }).toEqual({ args: wrong[index], code: 2, out: '' });
      expect(said).not.toBe('');
    }
  });
});

describe('a failed command', () => {
  test('ends with 1 and one plain sentence', async () => {
    const stranger = await mailroom(
      'client',
      'import',
      file('a.csv', 'email\na@b.example\n'),
      '--owner',
      'nobody@users.example',
    );
    expect(stranger).toMatchObject({ code: 1, out: '', said: 'There is no user nobody@users.example.\n' });
    const nothing = await mailroom('mailing', 'show', '999999');
    expect(nothing).toMatchObject({ code: 1, out: '', said: 'There is no mailing 999999.\n' });
    const wrongSetting = await new Promise<Outcome>((resolve) => {
      execFile(
        process.execPath,
        ['--import', 'tsx', path.join(root, 'lib', 'cli', 'main.ts'), 'send-due'],
        { cwd: root, env: { ...process.env, NODE_ENV: 'test', EMAIL_TRANSPORT: 'pigeon' } },
        (error, out, said) => resolve({ code: error ? Number(error.code) : 0, out, said }),
      );
    });
    expect(wrongSetting.code).toBe(1);
    expect(wrongSetting.said).toContain('EMAIL_TRANSPORT');
  });
});

describe('the import of clients', () => {
  test('tells what was created, updated and left as it was', async () => {
    const actor = await createActor(db);
    await createClient(db, actor, { email: 'known@people.example', fullName: 'Old Name' });
    await createClient(db, actor, { email: 'same@people.example', fullName: 'Same Name' });
    const list = file(
      'good.csv',
      '\uFEFFemail;full_name;comment\r\nnew@people.example;Анна Петрова;"two\r\nlines"\r\nknown@people.example;New Name;\r\n\r\nsame@people.example;Same Name;\r\n',
    );
    const dry = await json('client', 'import', list, '--owner', actor.email, '--dry-run');
    expect(dry).toEqual({ code: 0, data: { created: 1, updated: 1, unchanged: 1, invalid: [] } });
    expect(await db.$count(clients)).toBe(2);
    const done = await json('client', 'import', list, '--owner', actor.email);
    expect(done).toEqual({ code: 0, data: { created: 1, updated: 1, unchanged: 1, invalid: [] } });
    const again = await json('client', 'import', list, '--owner', actor.email);
    expect(again.data).toEqual({ created: 0, updated: 0, unchanged: 3, invalid: [] });
  });

  test('names each of three bad rows among a thousand, and writes nothing', async () => {
    const actor = await createActor(db);
    const rows = Array.from({ length: 1000 }, (_, index) => `row${index}@people.example,Row ${index}`);
    rows[9] = 'no address,Nobody';
    rows[499] = 'row499@people.example,Too,many,cells';
    rows[998] = `row998@people.example,${'x'.repeat(201)}`;
    const list = file('bad.csv', `email,full_name\n${rows.join('\n')}\n`);
    const before = await db.$count(clients);
    const { code, data } = await json('client', 'import', list, '--owner', actor.email);
    expect(code).toBe(1);
    expect(data).toEqual({
      created: 0,
      updated: 0,
      unchanged: 0,
      invalid: [
        { line: 11, reason: 'invalid_email' },
        { line: 501, reason: 'too_many_columns' },
        { line: 1000, reason: 'too_long' },
      ],
    });
    expect(await db.$count(clients)).toBe(before);
  });

  test('says in plain words that a file is no list of clients', async () => {
    const odd = [
      ['mail,name\na@b.example,A\n', 'has to name the columns'],
      ['full_name\nA\n', 'names no column email'],
      ['', 'is empty'],
      [Buffer.from([0x65, 0x6d, 0x61, 0x69, 0x6c, 0x0a, 0xcf, 0xf0, 0xe8, 0xe2]), 'is not in UTF-8'],
      ['email,full_name\n"a@b.example,A\n', 'no CSV file'],
    ] as const;
    const outcomes = await Promise.all(
      odd.map(([content], index) =>
        mailroom('client', 'import', file(`odd${index}.csv`, content), '--owner', owner),
      ),
    );
    for (const [index, { code, out, said }] of outcomes.entries()) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(said).toContain(odd[index]?.[1]);
    }
    expect(
      (await mailroom('client', 'import', path.join(folder, 'missing.csv'), '--owner', owner)).said,
    ).toContain('There is no file');
  });
});

test('a whole mailing goes by commands alone: from the account to the exported answers', async () => {
  const email = 'scripted@users.example';
  const made = await json(
    'user',
    'create',
    '--email',
    email,
    '--password',
    'a long enough phrase',
    '--name',
    'Scripted',
  );
  expect(made).toEqual({ code: 0, data: { id: expect.any(Number) } });
  const twice = await mailroom('user', 'create', '--email', email, '--password', 'a long enough phrase');
  expect(twice.code).toBe(1);
  await json(
    'client',
    'import',
    file('two.csv', 'email,full_name\none@people.example,One\ntwo@people.example,Two\n'),
    '--owner',
    email,
  );
  const message = await json(
    'message',
    'create',
    '--owner',
    email,
    '--subject',
    'News for {{ client.full_name }}',
    '--body-file',
    file('body.html', '<p>Hello {{ client.full_name }}</p>'),
  );
  const broken = await mailroom(
    'message',
    'create',
    '--owner',
    email,
    '--subject',
    'News {{',
    '--body-file',
    path.join(folder, 'body.html'),
  );
  expect(broken.code).toBe(1);
  const create = (...more: string[]) =>
    json(
      'mailing',
      'create',
      '--owner',
      email,
      '--message',
      String(message.data.id),
      '--name',
      'Scripted news',
      '--zone',
      'Europe/Moscow',
      ...more,
    );
  const later = await create('--starts-at', '2036-12-01T09:00', '--periodicity', 'weekly', '--all-clients');
  const id = String(later.data.id);
  const shown = await json('mailing', 'show', id);
  expect(shown.data).toEqual({
    id: later.data.id,
    name: 'Scripted news',
    status: 'created',
    pausedAt: null,
    disabledAt: null,
    nextSlotAt: '2036-12-01T06:00:00.000Z',
    runs: [],
  });
  const preview = await json('mailing', 'preview', id, '--next', '2');
  expect(preview.data.items.map((slot: { local: string }) => slot.local)).toEqual([
    '2036-12-01T09:00',
    '2036-12-08T09:00',
  ]);
  // Creating sends nothing; the next pass does.
  expect((await json('send-due')).data).toMatchObject({ runsOpened: 0, sent: 0 });
  const due = await create('--starts-at', '2026-01-05T09:00', '--periodicity', 'once', '--all-clients');
  expect((await json('mailing', 'show', String(due.data.id))).data.runs).toEqual([]);
  expect((await json('send-due', '--budget-seconds', '20')).data).toEqual({
    runsOpened: 1,
    claimed: 2,
    sent: 2,
    failed: 0,
    unknown: 0,
    retried: 0,
    remaining: 0,
  });
  const sent = await json('mailing', 'send', id);
  expect(sent).toMatchObject({ code: 0, data: { status: 'done', counts: { total: 2, sent: 2 } } });
  const overview = await json('mailing', 'show', id);
  expect(overview.data.runs).toEqual([
    {
      id: expect.any(Number),
      kind: 'manual',
      slotAt: null,
      status: 'done',
      counts: {
        total: 2,
        queued: 0,
        sending: 0,
        sent: 2,
        failed: 0,
        skipped: 0,
        expired: 0,
        cancelled: 0,
        unknown: 0,
      },
    },
  ]);
  const exported = await mailroom('attempts', 'export', '--mailing', id);
  const lines = exported.out.trim().split(/\r?\n/);
  expect(lines[0]).toBe('attempted_at,email,status,server_response,run_id,delivery_id');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toContain('one@people.example,success,');
  expect(await json('mailing', 'pause', id)).toMatchObject({ code: 0, data: { id: later.data.id } });
  expect((await json('mailing', 'resume', id)).code).toBe(0);
  expect((await json('mailing', 'stop', id)).code).toBe(0);
  const told = (await mailroom('mailing', 'show', id)).out.split('\n').slice(-6, -1);
  expect(told.map((line) => line.trim().split(/ {2,}/).slice(1).join(' '))).toEqual([
    expect.stringMatching(/^stopped - 0 \S/),
    expect.stringMatching(/^resumed - - \S/),
    expect.stringMatching(/^paused - - \S/),
    expect.stringMatching(/^started \d+ 2 \S/),
    expect.stringMatching(/^created - - \S/),
  ]);
  expect((await json('mailing', 'list', '--owner', email)).data).toMatchObject({
    items: [
      { id: due.data.id, status: 'completed' },
      { id: later.data.id, status: 'completed' },
    ],
    next: null,
  });
  expect((await mailroom('mailing', 'finish', id, '--failed')).code).toBe(1);
  expect((await mailroom('user', 'block', email, '--reason', 'a test')).code).toBe(0);
  expect((await mailroom('mailing', 'send', id)).code).toBe(1);
  expect((await mailroom('user', 'unblock', email)).code).toBe(0);
  expect((await mailroom('user', 'promote', email, '--staff')).code).toBe(0);
});

test('a run is finished for those with the answers named, whose numbers are told before', async () => {
  const actor = await createActor(db, { confirmedAt: new Date() });
  const mailing = await createMailing(db, actor, { status: 'completed', nextSlotAt: null });
  const run = await createRun(db, mailing, { status: 'partly_done', closedAt: new Date() });
  for (const [kind, count] of [
    ['mailbox_full', 2],
    ['address_unknown', 3],
  ] as const)
    for (const client of await createClients(db, actor, count))
      await createDelivery(db, run, client, { status: 'failed', reason: 'refused', kind });
  const id = String(mailing.id);
  const asked = await mailroom('mailing', 'finish', id);
  expect({ code: asked.code, said: asked.said }).toEqual({
    code: 2,
    said: expect.stringContaining(`Run ${run.id} has 5 failed (3 address_unknown, 2 mailbox_full).`),
  });
  expect((await mailroom('mailing', 'finish', id, '--failed', '--kind', 'spam')).code).toBe(1);
  const finish = () => json('mailing', 'finish', id, '--failed', '--kind', 'mailbox_full', 'try_later');
  expect(await finish()).toMatchObject({ code: 0, data: { counts: { total: 5, sent: 2, failed: 3 } } });
  expect((await mailroom('mailing', 'finish', id, '--failed', '--kind', 'mailbox_full')).code).toBe(1);
});

test('of those nobody knows of a run is finished for all, unless one of the two ways it happens is named', async () => {
  const actor = await createActor(db, { confirmedAt: new Date() });
  const mailing = await createMailing(db, actor, { status: 'completed', nextSlotAt: null });
  const open = async () => {
    const run = await createRun(db, mailing, { status: 'partly_done', closedAt: new Date() });
    for (const [status, kind, count] of [
      ['failed', 'mailbox_full', 1],
      ['failed', 'spam', 1],
      ['unknown', 'no_answer', 2],
      ['unknown', 'interrupted', 4],
    ] as const)
      for (const client of await createClients(db, actor, count))
        await createDelivery(db, run, client, { status, kind });
  };
  const id = String(mailing.id);
  const finish = (...named: string[]) => json('mailing', 'finish', id, ...named);
  await open();
  expect((await mailroom('mailing', 'finish', id)).said).toContain('6 unknown (4 interrupted, 2 no_answer).');
  expect(await finish('--unknown', '--kind', 'interrupted')).toMatchObject({
    data: { counts: { sent: 4, failed: 2, unknown: 2 } },
  });
  await open();
  expect(await finish('--failed', '--unknown', '--kind', 'spam', 'no_answer')).toMatchObject({
    data: { counts: { sent: 3, failed: 1, unknown: 4 } },
  });
  // As scripts have always said it: the kind is of those who failed, and all of the unknown come.
  await open();
  expect(await finish('--failed', '--unknown', '--kind', 'mailbox_full')).toMatchObject({
    data: { counts: { sent: 7, failed: 1, unknown: 0 } },
  });
});

describe('accounts by command', () => {
  test('take no password that is guessed first, by the rule of registration, and say which rule it was', async () => {
    const create = (password: string) =>
      mailroom(
        'user',
        'create',
        '--email',
        'weak@users.example',
        '--password',
        password,
        '--name',
        'Evangelina',
      );
    const weak = await Promise.all(['password', 'evangelina1', 'superstar1'].map(create));
    for (const outcome of weak)
      expect(outcome).toMatchObject({
        code: 1,
        out: '',
        said: expect.stringContaining('password: This password is one of the first that would be guessed.'),
      });
    expect((await create('short')).said).toContain('password: At least 8 characters.');
    expect(await db.select().from(users).where(eq(users.email, 'weak@users.example'))).toEqual([]);
  });

  test('are blocked, unblocked and promoted with a line in the audit log each, and their owner gets the letters', async () => {
    const user = await createUser(db, { email: 'commanded@users.example' });
    expect(await json('user', 'block', user.email, '--reason', 'a test')).toEqual({
      code: 0,
      data: { id: user.id },
    });
    expect(await json('user', 'unblock', user.email)).toEqual({ code: 0, data: { id: user.id } });
    expect(await json('user', 'promote', user.email, '--staff')).toEqual({ code: 0, data: { id: user.id } });
    const log = await db.select().from(audit).where(eq(audit.targetId, user.id)).orderBy(audit.id);
    expect(log).toMatchObject(
      ['block_user', 'unblock_user', 'promote_user'].map((action) => ({
        action,
        actorId: null,
        actorEmail: 'command line',
        targetType: 'user',
        targetName: user.email,
      })),
    );
    expect((await outboxOf(user.email)).map(({ subject }) => subject)).toEqual([
      'Your account has been blocked',
      'Your account is no longer blocked',
    ]);
  });
});

test('migrating again changes nothing', async () => {
  expect(await json('db', 'migrate')).toEqual({ code: 0, data: { migrated: true } });
});
