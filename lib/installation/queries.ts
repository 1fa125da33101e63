import { eq, sum } from 'drizzle-orm';
import { db } from '@/db/client';
import { facts, totals } from '@/db/schema';

export type Totals = { mailings: number; activeMailings: number; uniqueClients: number };

/** The home page's numbers, over all users: a few dozen rows whatever the size of the installation. */
export async function readTotals(on: typeof db = db): Promise<Totals> {
  const rows = await on
    .select({ name: totals.name, value: sum(totals.value).mapWith(Number) })
    .from(totals)
    .groupBy(totals.name);
  const value = (name: string) => rows.find((row) => row.name === name)?.value ?? 0;
  return {
    mailings: value('mailings'),
    activeMailings: value('active_mailings'),
    uniqueClients: value('unique_clients'),
  };
}

/** A fact of this installation; null when it is not so. `demo_data`: when demo data was loaded. */
export async function findFact(name: 'demo_data', on: typeof db = db): Promise<string | null> {
  const [row] = await on.select({ value: facts.value }).from(facts).where(eq(facts.name, name)).limit(1);
  return row?.value ?? null;
}
