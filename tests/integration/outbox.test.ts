import { describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import type { Letter } from '@/lib/email/letter';
import { findLetter, listLetters, outboxTransport } from '@/lib/email/outbox';
import { sendSystemLetter } from '@/lib/email/system';
import { createActor } from '../support/factories';

const letterOf = (ownerId: number | null, to: string): Letter => ({
  deliveryId: ownerId === null ? null : 1,
  ownerId,
  from: { name: 'Ann', address: 'ann@mail.org' },
  to: { name: 'Боб', address: to },
  replyTo: null,
  subject: `To ${to}`,
  html: '<p>Hello</p>',
  text: 'Hello',
  headers: [],
  messageId: '1@mail.org',
  date: new Date(0),
});
const nobody = { actor: null, isLoopback: false };

describe('the outbox', () => {
  test('keeps letters, demo addresses too, with their source', async () => {
    const actor = await createActor(db);
    const transport = outboxTransport('outbox');
    const results = await transport.send([
      letterOf(actor.id, 'a@shop.example'),
      letterOf(actor.id, 'b@mail.org'),
    ]);
    expect(results).toMatchObject([{ outcome: 'accepted' }, { outcome: 'accepted' }]);
    const { items } = await listLetters({ actor, isLoopback: false }, {});
    expect(items.map((letter) => letter.toEmail)).toEqual(['b@mail.org', 'a@shop.example']);
    const letter = await findLetter({ actor, isLoopback: false }, items[0]?.id ?? 0);
    expect(letter?.raw).toContain('Subject: To b@mail.org\r\n');
  });

  test('one’s own letters are nobody else’s', async () => {
    const [ann, bob] = [await createActor(db), await createActor(db)];
    await outboxTransport('outbox').send([letterOf(ann.id, 'c@mail.org')]);
    const [kept] = (await listLetters({ actor: ann, isLoopback: false }, {})).items;
    expect(kept).toBeDefined();
    for (const viewer of [nobody, { actor: bob, isLoopback: true }, { actor: null, isLoopback: true }]) {
      expect(await findLetter(viewer, kept?.id ?? 0)).toBeNull();
      expect((await listLetters(viewer, {})).items.some((letter) => letter.id === kept?.id)).toBe(false);
    }
  });

  test('letters of the system are read on the machine itself only', async () => {
    const actor = await createActor(db);
    await sendSystemLetter({ to: 'new@mail.org', subject: 'Confirm', html: '<p>x</p>', text: 'x' });
    const onMachine = await listLetters({ actor: null, isLoopback: true }, { search: 'NEW@mail' });
    expect(onMachine.items).toMatchObject([{ subject: 'Confirm', ownerId: null }]);
    expect((await listLetters({ actor, isLoopback: false }, { search: 'new@mail' })).items).toEqual([]);
    expect((await listLetters(nobody, {})).items).toEqual([]);
  });

  test('pages follow one another without a gap', async () => {
    const actor = await createActor(db);
    const transport = outboxTransport('outbox');
    await transport.send(Array.from({ length: 120 }, (_, index) => letterOf(actor.id, `p${index}@mail.org`)));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await listLetters({ actor, isLoopback: false }, { after });
      seen.push(...page.items.map((letter) => letter.toEmail));
      after = page.next ?? undefined;
    } while (after);
    expect(new Set(seen).size).toBe(120);
    expect(seen).toHaveLength(120);
  });

  test('a page that no list has led to begins at the beginning, whatever its address says', async () => {
    const actor = await createActor(db);
    await outboxTransport('outbox').send([letterOf(actor.id, 'd@mail.org')]);
    for (const keys of [[1e300], [1.5], ['1'], [null], [-1e300], {}]) {
      const after = Buffer.from(JSON.stringify(keys)).toString('base64url');
      const { items } = await listLetters({ actor, isLoopback: false }, { after });
      expect(items, JSON.stringify(keys)).toHaveLength(1);
    }
  });
});
