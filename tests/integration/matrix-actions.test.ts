import '@/tests/support/request-scope';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { type Belongings, createBelongings, missingBelongings } from '@/tests/support/belongings';
import { digestOfTables, rawConnection } from '@/tests/support/database';
import { createUser } from '@/tests/support/factories';
import { jpeg } from '@/tests/support/pictures';
import { withRequest } from '@/tests/support/request-scope';
import { createVisitors } from '@/tests/support/visitors';

const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-matrix-'));
process.env.MAILROOM_DATA_DIR = dataDir;
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/*
 * Every server action that there is, knocked at by everybody about everything. The list is read from the files: an action without a
 * row fails. An action is a public address of its own; here nothing stands before it, neither the middleware nor a page.
 */

const who = ['anonymous', 'blocked', 'user', 'manager', 'admin'] as const;
type Who = (typeof who)[number];
const whose = ['own', 'another', 'missing'] as const;
type Whose = (typeof whose)[number];

/** `done`: it happened. `nothing`: whatever it said, nothing was changed and nothing told. `login`: sent to sign in. */
type Outcome = 'done' | 'nothing' | 'login';

type Rule = (by: Exclude<Who, 'anonymous' | 'blocked'>, of: Whose) => Outcome;
const rules = {
  /** Owners and admins change. */
  change: (by, of) => (of === 'own' || (of === 'another' && by === 'admin') ? 'done' : 'nothing'),
  /** The same, but it changes nothing of theirs: a letter goes to who asked for it. */
  send: (by, of) => (of === 'own' || (of === 'another' && by === 'admin') ? 'done' : 'nothing'),
  /** Only for what is one's own, whatever one's role. */
  own: (_by, of) => (of === 'own' ? 'done' : 'nothing'),
  /** Managers and admins, of anybody's. */
  desk: (by, of) => (by !== 'user' && of !== 'missing' ? 'done' : 'nothing'),
  /** Managers and admins, about nothing that is there already. */
  staff: (by) => (by !== 'user' ? 'done' : 'nothing'),
  /** The same, but one's own are nobody else's concern. */
  articles: (by, of) => (by !== 'user' && of !== 'missing' ? 'done' : 'nothing'),
  /** Managers and admins, of anybody but themselves. */
  block: (by, of) => (by !== 'user' && of === 'another' ? 'done' : 'nothing'),
  /** Admins. */
  roles: (by, of) => (by === 'admin' && of !== 'missing' ? 'done' : 'nothing'),
  /** Whoever is signed in, about nothing that is there already. */
  signedIn: () => 'done',
  /** Whoever is signed in, and it changes nothing. */
  look: () => 'nothing',
} satisfies Record<string, Rule>;

/** What managers do to people and things is written down whosever it is; all else where it is another's. */
const always: ReadonlySet<keyof typeof rules> = new Set(['desk', 'block', 'roles']);

type Call = (action: (...args: never[]) => Promise<unknown>, of: Belongings) => Promise<unknown>;
type Row =
  | { rule: keyof typeof rules; call: Call; tells?: { rule: keyof typeof rules; secret: string } }
  /** For those who are not signed in; each has tests of its own. */
  | { rule: 'public' };

/** Sends a form made of the things it is about. */
const form =
  (fields: (of: Belongings) => Record<string, string | number | string[] | File>): Call =>
  (action, of) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields(of)))
      for (const item of [value].flat()) data.append(name, item instanceof File ? item : String(item));
    return (action as unknown as (state: object, form: FormData) => Promise<unknown>)({ ok: null }, data);
  };
/** Calls it as a script of a page does. */
const call =
  (args: (of: Belongings) => unknown[]): Call =>
  (action, of) =>
    (action as unknown as (...all: unknown[]) => Promise<unknown>)(...args(of));

const mailing = { name: 'Changed', audience: 'all', zone: 'UTC', periodicity: 'once' };
const schedule = { startsAt: '2030-01-05T09:00', zone: 'UTC', endsAt: null, periodicity: 'daily' };
let typed = 0;
const address = () => {
  typed += 1;
  return `typed${typed}@matrix.example`;
};

const rows: Record<string, Row> = {
  createClientAction: { rule: 'signedIn', call: form(() => ({ email: address(), fullName: 'New' })) },
  updateClientAction: {
    rule: 'change',
    call: form(({ client }) => ({ id: client, email: address(), fullName: 'Changed' })),
  },
  deleteClientAction: { rule: 'change', call: form(({ client }) => ({ id: client })) },
  deleteClientsAction: { rule: 'own', call: form(({ client }) => ({ 'ids[]': [String(client)] })) },
  addPastedClientsAction: { rule: 'signedIn', call: form(() => ({ text: `New <${address()}>` })) },

  createMailingAction: {
    rule: 'own',
    call: form(({ message }) => ({ ...mailing, messageId: message, startsAt: '2030-01-05T09:00' })),
  },
  updateMailingAction: {
    rule: 'change',
    call: form(({ mailing: mailingId, message }) => ({
      ...mailing,
      mailingId,
      messageId: message,
      startsAt: '2030-01-05T09:00',
    })),
  },
  deleteMailingAction: { rule: 'change', call: form(({ mailing: mailingId }) => ({ mailingId })) },
  duplicateMailingAction: { rule: 'own', call: form(({ mailing: mailingId }) => ({ mailingId })) },
  pickClientsAction: {
    rule: 'look',
    call: call(({ mailing: mailingId }) => [{ mailingId, q: 'clients.example' }]),
    tells: { rule: 'change', secret: 'Grace Hopper' },
  },
  previewScheduleAction: {
    rule: 'look',
    call: call(({ mailing: mailingId }) => [{ ...schedule, mailingId }]),
  },

  createMessageAction: { rule: 'signedIn', call: form(() => ({ subject: 'New', body: '<p>Text</p>' })) },
  updateMessageAction: {
    rule: 'change',
    call: form(({ message }) => ({ id: message, subject: 'Changed', body: '<p>Text</p>' })),
  },
  deleteMessageAction: { rule: 'change', call: form(({ message }) => ({ id: message })) },
  sendTestLetterAction: { rule: 'send', call: form(({ message }) => ({ id: message })) },
  previewMessageAction: {
    rule: 'look',
    call: call(({ client }) => ['For {{ client.full_name }}', '<p>Text</p>', client]),
    tells: { rule: 'own', secret: 'Grace Hopper' },
  },

  startRunAction: { rule: 'change', call: form(({ paused }) => ({ mailingId: paused })) },
  pauseMailingAction: { rule: 'change', call: form(({ mailing: mailingId }) => ({ mailingId })) },
  resumeMailingAction: { rule: 'change', call: form(({ paused }) => ({ mailingId: paused })) },
  stopMailingAction: { rule: 'change', call: form(({ mailing: mailingId }) => ({ mailingId })) },
  finishRunAction: {
    rule: 'change',
    call: form(({ over, overRun }) => ({ mailingId: over, runId: overRun, 'outcomes[]': ['failed'] })),
  },
  disableMailingAction: {
    rule: 'desk',
    call: form(({ mailing: mailingId }) => ({ mailingId, reason: 'spam' })),
  },
  enableMailingAction: { rule: 'desk', call: form(({ disabled }) => ({ mailingId: disabled })) },

  createPostAction: { rule: 'staff', call: form(() => ({ title: 'New', body: '<p>Text</p>' })) },
  savePostAction: {
    rule: 'articles',
    call: form(({ draft }) => ({ id: draft, version: 1, title: 'Changed', body: '<p>Text</p>' })),
  },
  publishPostAction: {
    rule: 'articles',
    call: form(({ draft }) => ({ id: draft, version: 1, when: 'now' })),
  },
  unpublishPostAction: { rule: 'articles', call: form(({ article }) => ({ id: article })) },
  deletePostAction: { rule: 'articles', call: form(({ article }) => ({ id: article })) },
  restorePostAction: { rule: 'articles', call: form(({ deletedArticle }) => ({ id: deletedArticle })) },

  uploadImageAction: {
    rule: 'signedIn',
    call: form(() => ({ image: new File([jpeg], 'a.jpg', { type: 'image/jpeg' }) })),
  },
  // Nothing was sent under that name.
  takeSentImageAction: { rule: 'look', call: form(() => ({ name: '0'.repeat(32) })) },

  blockUserAction: { rule: 'block', call: form(({ person }) => ({ userId: person, reason: 'spam' })) },
  unblockUserAction: { rule: 'block', call: form(({ barred }) => ({ userId: barred })) },
  // An admin who is made one again stays one, so that the rest of the matrix has its admin.
  changeRoleAction: { rule: 'roles', call: form(({ person }) => ({ userId: person, role: 'admin' })) },
  updateProfileAction: {
    rule: 'signedIn',
    call: form(() => ({ name: address(), timeZone: 'UTC', language: 'en' })),
  },
  // With an old password that is wrong: nobody is to lose theirs here.
  changePasswordAction: {
    rule: 'look',
    call: form(() => ({ oldPassword: 'not the one', password: 'a wholly new one' })),
  },

  // The same with what it takes to move an account or to end it; what these do is told of in tests of their own.
  changeEmailAction: {
    rule: 'look',
    call: form(() => ({ email: address(), currentPassword: 'not the one' })),
  },
  deleteAccountAction: { rule: 'look', call: form(() => ({ currentPassword: 'not the one' })) },
  endSessionAction: { rule: 'look', call: form(() => ({ sessionId: 999_999_999 })) },
  endOtherSessionsAction: { rule: 'look', call: form(() => ({})) },
  repeatEmailChangeAction: { rule: 'look', call: form(() => ({})) },
  cancelEmailChangeAction: { rule: 'look', call: form(() => ({})) },
  confirmEmailChangeAction: { rule: 'public' },

  unsubscribeAction: { rule: 'public' },
  registerAction: { rule: 'public' },
  confirmAction: { rule: 'public' },
  resendAction: { rule: 'public' },
  signInAction: { rule: 'public' },
  signOutAction: { rule: 'public' },
  requestResetAction: { rule: 'public' },
  resetPasswordAction: { rule: 'public' },
};

/** Every exported function of every file that begins with `'use server'`, wherever it lies. */
async function findActions() {
  const root = path.join(import.meta.dirname, '../..');
  const found = new Map<string, (...args: never[]) => Promise<unknown>>();
  for (const area of ['app', 'components', 'lib'])
    for (const file of readdirSync(path.join(root, area), { recursive: true, encoding: 'utf8' })) {
      if (!/\.tsx?$/.test(file)) continue;
      const source = readFileSync(path.join(root, area, file), 'utf8');
      if (!/^\s*['"]use server['"]/m.test(source)) continue;
      const module: Record<string, unknown> = await import(path.join(root, area, file));
      for (const [name, value] of Object.entries(module))
        if (typeof value === 'function') found.set(name, value as (...args: never[]) => Promise<unknown>);
    }
  return found;
}

const actions = await findActions();
const { people, cookies } = await createVisitors('matrix.example');

const sql = rawConnection();
afterAll(() => sql.end());
const tables = [
  'users',
  'clients',
  'messages',
  'mailings',
  'mailing_clients',
  'runs',
  'deliveries',
  'attempts',
  'suppressions',
  'audit',
  'letters',
  'posts',
  'post_slugs',
  'uploads',
];

/** All that somebody could have changed, as one word. */
const snapshot = () => digestOfTables(sql, tables);

async function knock(by: Who, action: string, row: Exclude<Row, { rule: 'public' }>, of: Belongings) {
  const run = actions.get(action);
  if (!run) throw new Error(`there is no ${action}`);
  const before = await snapshot();
  const [lastEntry] = await sql<{ id: string }[]>`select max(id) as id from audit`;
  const answer = await withRequest({ cookie: cookies[by] }, () => row.call(run, of), {
    after: () => {},
  }).catch((error: unknown) => error);
  const digest =
    answer instanceof Error && 'digest' in answer && typeof answer.digest === 'string' ? answer.digest : null;
  if (answer instanceof Error && !digest?.startsWith('NEXT_REDIRECT')) throw answer;
  const isChanged = (await snapshot()) !== before;
  const toLogin = digest !== null && /;\/login/.test(digest);
  const written = await sql<{ actor_id: string; before: unknown; after: unknown }[]>`
    select actor_id, before, after from audit where id > ${lastEntry?.id ?? 0}`;
  return {
    written,
    outcome: toLogin ? ('login' as const) : isChanged ? ('done' as const) : ('nothing' as const),
    isChanged,
    text: digest ?? JSON.stringify(answer),
  };
}

describe('the matrix of server actions', () => {
  it('has a row for every action that there is, and no row for one that is gone', () => {
    expect([...actions.keys()].sort()).toEqual(Object.keys(rows).sort());
  });

  for (const [action, row] of Object.entries(rows)) {
    if (row.rule === 'public') continue;
    it(`${action} does for each role, with one’s own, another’s and what is missing, what the rules say and no more, and a change of another’s is written down`, async () => {
      for (const by of who)
        for (const of of whose) {
          const cell = `${by} × ${of}`;
          const self = by === 'anonymous' ? await createUser(db) : people[by];
          const owner = of === 'own' ? self : await createUser(db);
          const things = of === 'missing' ? missingBelongings : await createBelongings(owner, of === 'own');
          const { outcome, isChanged, written, text } = await knock(by, action, row, things);
          const isStranger = by === 'anonymous' || by === 'blocked';
          expect(outcome, `${cell}: ${text}`).toBe(
            isStranger
              ? 'login'
              : // A role that one has already is no change.
                action === 'changeRoleAction' && of === 'own'
                ? 'nothing'
                : rules[row.rule](by, of),
          );
          if (isStranger) expect(isChanged, cell).toBe(false);
          const isAudited =
            outcome === 'done' &&
            (always.has(row.rule) ||
              ((row.rule === 'change' || row.rule === 'articles') && of === 'another'));
          expect(written.length > 0, `${cell} in the audit log`).toBe(isAudited);
          for (const entry of written) {
            expect(Number(entry.actor_id), cell).toBe(self.id);
            expect(entry.before ?? entry.after, `${cell}: what changed`).not.toBeNull();
          }
          if (row.tells && !isStranger)
            expect(text.includes(row.tells.secret), `${cell}: ${text}`).toBe(
              rules[row.tells.rule](by, of) === 'done',
            );
        }
    });
  }
});
