import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { posts, postViews } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';
import { managed } from '@/lib/policy/scopes';
import type { DayViews } from './schema';

const dayMs = 86_400_000;
const dayOf = (at: Date) => at.toISOString().slice(0, 10);

/** Views of an article, a row for each of the last `days` days (UTC, today included), oldest first; empty for who is no manager. */
export async function listViewsByDay(
  actor: Actor,
  { postId, days, now }: { postId: number; days: number; now: Date },
  on: Db = db,
): Promise<DayViews[]> {
  const first = new Date(now.getTime() - (days - 1) * dayMs);
  const rows = await on
    .select({
      day: sql<string>`to_char(d.day, 'YYYY-MM-DD')`,
      views: sql<number>`coalesce(${postViews.views}, 0)`,
    })
    .from(posts)
    .innerJoin(
      sql`generate_series(${dayOf(first)}::date, ${dayOf(now)}::date, interval '1 day') as d(day)`,
      sql`true`,
    )
    .leftJoin(postViews, and(eq(postViews.postId, posts.id), sql`${postViews.day} = d.day::date`))
    .where(and(eq(posts.id, postId), managed(actor)))
    .orderBy(sql`d.day`);
  return rows;
}

/** Views of all articles that are not deleted in the last 7 and 30 days (UTC, today included); zeros for who is no manager. */
export async function sumRecentViews(
  actor: Actor,
  { now }: { now: Date },
  on: Db = db,
): Promise<{ week: number; month: number }> {
  const since = (days: number) => dayOf(new Date(now.getTime() - days * dayMs));
  const [row] = await on
    .select({
      week: sql<number>`coalesce(sum(${postViews.views}) filter (where ${gt(postViews.day, since(7))}), 0)::int`,
      month: sql<number>`coalesce(sum(${postViews.views}), 0)::int`,
    })
    .from(postViews)
    .innerJoin(posts, eq(posts.id, postViews.postId))
    .where(and(gt(postViews.day, since(30)), isNull(posts.deletedAt), managed(actor)));
  return row ?? { week: 0, month: 0 };
}
