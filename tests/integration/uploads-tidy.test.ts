import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { mailings, messages, posts, runs, uploads } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { storeImage, tidyUploads } from '@/lib/uploads/mutations';
import { createActor, createMailing, createMessage, createRun } from '@/tests/support/factories';
import { png } from '@/tests/support/pictures';

const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-tidy-'));
process.env.MAILROOM_DATA_DIR = dataDir;
const directory = path.join(dataDir, 'uploads');
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const clock = fixedClock(new Date());
const later = (hours: number) => clock.set(new Date(clock.now().getTime() + hours * 3_600_000));
const tidy = () => tidyUploads({ clock, deadline: new Date(clock.now().getTime() + 60_000) });
/** Looks once, and again more than a day later. */
async function tidyForDays() {
  later(2);
  await tidy();
  later(25);
  return tidy();
}

const actor = await createActor(db, { isStaff: true });
let made = 0;
async function picture(): Promise<{ name: string; html: string; url: string }> {
  made += 1;
  const stored = await storeImage(actor, { bytes: png, purpose: made % 2 ? 'letter' : 'post' });
  if (!stored.ok) throw new Error('refused');
  const { url } = stored.data;
  return { url, html: `<p><img src="${url}" alt=""></p>`, name: /[0-9a-f]{32}/.exec(url)?.[0] ?? '' };
}
const isThere = (name: string) => readdirSync(directory).some((file) => file.startsWith(name));
const isKnown = async (name: string) =>
  (await db.select().from(uploads).where(eq(uploads.name, name))).length > 0;

describe('pictures that nothing refers to', () => {
  it('are gone after a day, and those of messages, posts and covers are not', async () => {
    const [unused, inMessage, inPost, cover] = [
      await picture(),
      await picture(),
      await picture(),
      await picture(),
    ];
    await createMessage(db, actor, { body: inMessage.html });
    await db.insert(posts).values({ title: 'A', slug: 'a', body: inPost.html, imageUrl: cover.url });
    later(2);
    expect(await tidy()).toEqual({ removed: 0 });
    later(23);
    expect(await tidy()).toEqual({ removed: 0 });
    expect(isThere(unused.name)).toBe(true);
    later(1);
    expect(await tidy()).toEqual({ removed: 1 });
    expect([unused, inMessage, inPost, cover].map(({ name }) => isThere(name))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(await isKnown(unused.name)).toBe(false);
  });

  it('have their day from when they were taken out, and stay when they are put back', async () => {
    const [gone, back] = [await picture(), await picture()];
    const one = await createMessage(db, actor, { body: gone.html + back.html });
    await tidyForDays();
    await db.update(messages).set({ body: '<p>Without</p>' }).where(eq(messages.id, one.id));
    later(2);
    await tidy();
    later(12);
    await db.update(messages).set({ body: back.html }).where(eq(messages.id, one.id));
    await tidy();
    later(13);
    await tidy();
    expect([isThere(gone.name), isThere(back.name)]).toEqual([false, true]);
  });

  it('stay for good once a letter of a run shows them, whatever becomes of the message and the mailing', async () => {
    const sent = await picture();
    const message = await createMessage(db, actor, { body: sent.html });
    const mailing = await createMailing(db, actor, { messageId: message.id });
    await createRun(db, mailing, { body: sent.html });
    await db.delete(runs).where(eq(runs.mailingId, mailing.id));
    await db.delete(mailings).where(eq(mailings.id, mailing.id));
    await db.delete(messages).where(eq(messages.id, message.id));
    await tidyForDays();
    expect(isThere(sent.name)).toBe(true);
  });

  it('are looked for once an hour, however many processes ask at once', async () => {
    later(2);
    const answers = await Promise.all(Array.from({ length: 8 }, tidy));
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    later(0.9);
    expect(await tidy()).toBeNull();
  });

  it('wait for the next hour when the time for it is over', async () => {
    const unused = await picture();
    later(2);
    await tidy();
    later(25);
    expect(await tidyUploads({ clock, deadline: clock.now() })).toBeNull();
    expect(isThere(unused.name)).toBe(true);
    expect((await tidy())?.removed).toBeGreaterThanOrEqual(1);
  });

  it('are also what was begun to be written and never finished', async () => {
    const [old, young] = ['.old.part', '.young.part'].map((name) => path.join(directory, name));
    for (const file of [old ?? '', young ?? '']) writeFileSync(file, 'half');
    later(2);
    const at = (hours: number) => new Date(clock.now().getTime() - hours * 3_600_000);
    utimesSync(old ?? '', at(1.1), at(1.1));
    utimesSync(young ?? '', at(0.9), at(0.9));
    await tidy();
    expect(readdirSync(directory).filter((file) => file.endsWith('.part'))).toEqual(['.young.part']);
  });
});
