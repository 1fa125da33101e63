-- A batch could end while letters of it were in doubt: an engine that could not record ended it all the same. They are not sent again.
UPDATE deliveries d SET status = 'unknown', reason = 'engine_died', ended_at = now(), next_try_at = NULL
FROM batches b WHERE d.status = 'sending' AND b.id = d.batch_id AND b.ended_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM attempts a WHERE a.delivery_id = d.id AND a.batch_id = b.id AND a.status = 'unknown');--> statement-breakpoint
-- What was on its way when the old tables were left becomes what a claim holds now: its batch tells that it is being sent.
UPDATE deliveries SET status = 'queued', next_try_at = NULL WHERE status = 'sending';--> statement-breakpoint
ALTER TABLE "deliveries" DROP CONSTRAINT "deliveries_sending_has_batch";--> statement-breakpoint
ALTER TABLE "deliveries" DROP CONSTRAINT "deliveries_ended";--> statement-breakpoint
ALTER TABLE "run_counts" DROP CONSTRAINT "run_counts_add_up";--> statement-breakpoint
ALTER TABLE "run_counts" DROP CONSTRAINT "run_counts_not_negative";--> statement-breakpoint
ALTER TABLE "attempts" DROP CONSTRAINT "attempts_delivery_id_deliveries_id_fk";
--> statement-breakpoint
DROP INDEX "batches_leased";--> statement-breakpoint
DROP INDEX "batches_run";--> statement-breakpoint
DROP INDEX "deliveries_queued";--> statement-breakpoint
DROP INDEX "deliveries_sending";--> statement-breakpoint
DROP INDEX "deliveries_not_sent";--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "first_id" bigint;--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "last_id" bigint;--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "outstanding" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "miss" "delivery_status" GENERATED ALWAYS AS (case when status in ('failed', 'skipped', 'expired', 'cancelled', 'unknown') then status end) STORED;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "next_delivery_id" bigint;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "last_delivery_id" bigint;--> statement-breakpoint
ALTER TABLE "transports" ADD COLUMN "slow_rate" double precision;--> statement-breakpoint
ALTER TABLE "transports" ADD COLUMN "slowed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "transports" ADD COLUMN "last_request_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "batches_live" ON "batches" USING btree ("run_id") WHERE "batches"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "deliveries_again" ON "deliveries" USING btree ("run_id","next_try_at","id") WHERE "deliveries"."next_try_at" is not null;--> statement-breakpoint
CREATE INDEX "deliveries_missed" ON "deliveries" USING btree ("run_id","miss","client_id") WHERE "deliveries"."miss" is not null;--> statement-breakpoint
CREATE INDEX "deliveries_batch" ON "deliveries" USING btree ("batch_id") WHERE "deliveries"."batch_id" is not null;--> statement-breakpoint
UPDATE batches b SET outstanding = c.n FROM (
  SELECT d.batch_id, count(*) AS n FROM deliveries d JOIN batches x ON x.id = d.batch_id
  WHERE d.status = 'queued' AND x.ended_at IS NULL AND d.next_try_at IS NULL GROUP BY d.batch_id
) c WHERE b.id = c.batch_id;--> statement-breakpoint
UPDATE deliveries d SET next_try_at = coalesce(next_try_at, now()) WHERE d.status = 'queued'
  AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = d.batch_id AND b.ended_at IS NULL AND d.next_try_at IS NULL);--> statement-breakpoint
UPDATE deliveries SET next_try_at = NULL WHERE status <> 'queued' AND next_try_at IS NOT NULL AND status <> 'sent';--> statement-breakpoint
ALTER TABLE "run_counts" DROP COLUMN "sending";--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_range" CHECK (("batches"."first_id" is null) = ("batches"."last_id" is null));--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_outstanding" CHECK ("batches"."outstanding" >= 0);--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_next_try" CHECK ("deliveries"."status" = 'queued' or "deliveries"."next_try_at" is null);--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_ended" CHECK (("deliveries"."status" = 'queued') = ("deliveries"."ended_at" is null));--> statement-breakpoint
ALTER TABLE "run_counts" ADD CONSTRAINT "run_counts_add_up" CHECK ("run_counts"."total" = "run_counts"."queued" + "run_counts"."sent" + "run_counts"."failed" + "run_counts"."skipped" + "run_counts"."expired" + "run_counts"."cancelled" + "run_counts"."unknown");--> statement-breakpoint
ALTER TABLE "run_counts" ADD CONSTRAINT "run_counts_not_negative" CHECK (least("run_counts"."queued", "run_counts"."sent", "run_counts"."failed", "run_counts"."skipped", "run_counts"."expired", "run_counts"."cancelled", "run_counts"."unknown", "run_counts"."attempts_succeeded", "run_counts"."attempts_failed", "run_counts"."attempts_unknown") >= 0);--> statement-breakpoint
CREATE VIEW "public"."claimed_deliveries" AS (
  select b.id as batch_id, d.id as delivery_id, d.run_id
  from batches b join deliveries d on d.id between b.first_id and b.last_id and d.run_id = b.run_id
  where b.ended_at is null and d.status = 'queued' and d.batch_id is null and d.next_try_at is null
  union all
  select b.id, d.id, d.run_id from batches b join deliveries d on d.batch_id = b.id
  where b.ended_at is null and b.first_id is null and d.status = 'queued' and d.next_try_at is null);--> statement-breakpoint
CREATE VIEW "public"."run_tallies" AS (
  select c.run_id, c.mailing_id, c.owner_id, c.total, c.queued - b.outstanding as queued, b.outstanding as sending,
    c.sent, c.failed, c.skipped, c.expired, c.cancelled, c.unknown, c.attempts_succeeded, c.attempts_failed, c.attempts_unknown
  from run_counts c cross join lateral (
    select coalesce(sum(outstanding), 0)::int as outstanding from batches where run_id = c.run_id and ended_at is null
  ) b);--> statement-breakpoint
CREATE VIEW "public"."sendable_runs" AS (
  select r.id, r.mailing_id, r.owner_id, coalesce(r.deadline_at, m.ends_at, 'infinity') as until
  from runs r join mailings m on m.id = r.mailing_id join users u on u.id = r.owner_id
  where r.status = 'open' and r.paused_at is null and r.stopped_at is null and m.disabled_at is null and u.blocked_at is null);
--> statement-breakpoint
-- A row is written twice, first as planned or intended and then as it ended. Where its page has room for both, no index learns of
-- the second.
alter table attempts set (fillfactor = 45);--> statement-breakpoint
alter table deliveries set (fillfactor = 45);--> statement-breakpoint
create or replace function deliveries_inserted() returns trigger language plpgsql as $$
declare moved record;
begin
  for moved in
    select run_id, count(*) as total,
      count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'sent') as sent,
      count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'skipped') as skipped,
      count(*) filter (where status = 'expired') as expired, count(*) filter (where status = 'cancelled') as cancelled,
      count(*) filter (where status = 'unknown') as unknown,
      min(id) filter (where status = 'queued' and next_try_at is null and batch_id is null) as first_id,
      max(id) filter (where status = 'queued' and next_try_at is null and batch_id is null) as last_id
    from new_rows group by run_id order by run_id
  loop
    if moved.first_id is not null then
      update runs set next_delivery_id = least(next_delivery_id, moved.first_id),
        last_delivery_id = greatest(last_delivery_id, moved.last_id) where id = moved.run_id;
    end if;
    update run_counts set total = total + moved.total, queued = queued + moved.queued, sent = sent + moved.sent,
      failed = failed + moved.failed, skipped = skipped + moved.skipped, expired = expired + moved.expired,
      cancelled = cancelled + moved.cancelled, unknown = unknown + moved.unknown
    where run_id = moved.run_id;
    if not found then
      raise exception 'deliveries of a run that does not exist' using errcode = 'foreign_key_violation';
    end if;
  end loop;
  return null;
end $$;
--> statement-breakpoint
create or replace function deliveries_updated() returns trigger language plpgsql as $$
declare moved record;
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  for moved in
    select run_id, coalesce(sum(n) filter (where status = 'queued'), 0) as queued,
      coalesce(sum(n) filter (where status = 'sent'), 0) as sent, coalesce(sum(n) filter (where status = 'failed'), 0) as failed,
      coalesce(sum(n) filter (where status = 'skipped'), 0) as skipped, coalesce(sum(n) filter (where status = 'expired'), 0) as expired,
      coalesce(sum(n) filter (where status = 'cancelled'), 0) as cancelled, coalesce(sum(n) filter (where status = 'unknown'), 0) as unknown
    from (
      select run_id, status, -1 as n from old_rows
      union all
      select run_id, status, 1 from new_rows
    ) rows group by run_id order by run_id
  loop
    update run_counts set queued = queued + moved.queued, sent = sent + moved.sent, failed = failed + moved.failed,
      skipped = skipped + moved.skipped, expired = expired + moved.expired, cancelled = cancelled + moved.cancelled,
      unknown = unknown + moved.unknown
    where run_id = moved.run_id;
  end loop;
  return null;
end $$;
--> statement-breakpoint
create or replace function deliveries_deleted() returns trigger language plpgsql as $$
declare moved record;
begin
  for moved in
    select run_id, count(*) as total,
      count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'sent') as sent,
      count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'skipped') as skipped,
      count(*) filter (where status = 'expired') as expired, count(*) filter (where status = 'cancelled') as cancelled,
      count(*) filter (where status = 'unknown') as unknown
    from old_rows group by run_id order by run_id
  loop
    update run_counts set total = total - moved.total, queued = queued - moved.queued, sent = sent - moved.sent,
      failed = failed - moved.failed, skipped = skipped - moved.skipped, expired = expired - moved.expired,
      cancelled = cancelled - moved.cancelled, unknown = unknown - moved.unknown
    where run_id = moved.run_id;
  end loop;
  return null;
end $$;
--> statement-breakpoint
create or replace function attempts_counted() returns trigger language plpgsql as $$
declare moved record;
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  if tg_op = 'INSERT' then
    for moved in
      select run_id, count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
        count(*) filter (where status = 'unknown') as unknown
      from new_rows group by run_id order by run_id
    loop
      update run_counts set attempts_succeeded = attempts_succeeded + moved.succeeded,
        attempts_failed = attempts_failed + moved.failed, attempts_unknown = attempts_unknown + moved.unknown
      where run_id = moved.run_id;
      if not found then
        raise exception 'attempts of a run that does not exist' using errcode = 'foreign_key_violation';
      end if;
    end loop;
  else
    for moved in
      select run_id, coalesce(sum(n) filter (where status = 'success'), 0) as succeeded,
        coalesce(sum(n) filter (where status = 'failure'), 0) as failed, coalesce(sum(n) filter (where status = 'unknown'), 0) as unknown
      from (
        select run_id, status, -1 as n from old_rows
        union all
        select run_id, status, 1 from new_rows
      ) rows group by run_id order by run_id
    loop
      update run_counts set attempts_succeeded = attempts_succeeded + moved.succeeded,
        attempts_failed = attempts_failed + moved.failed, attempts_unknown = attempts_unknown + moved.unknown
      where run_id = moved.run_id;
    end loop;
  end if;
  return null;
end $$;
--> statement-breakpoint
create or replace function attempts_taken_back() returns trigger language plpgsql as $$
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  update run_counts c set attempts_succeeded = c.attempts_succeeded - x.succeeded, attempts_failed = c.attempts_failed - x.failed,
    attempts_unknown = c.attempts_unknown - x.unknown
  from (
    select run_id, count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
      count(*) filter (where status = 'unknown') as unknown
    from old_rows group by run_id
  ) x where c.run_id = x.run_id;
  return null;
end $$;
--> statement-breakpoint
create or replace function runs_deleted() returns trigger language plpgsql as $$
begin
  delete from attempts where run_id in (select id from old_rows);
  delete from deliveries where run_id in (select id from old_rows);
  return null;
end $$;
--> statement-breakpoint
-- The statements of every claim and hand-over. They are functions because they must never be planned otherwise than by index: a
-- plan made while a table was small, and kept by the connection, read the whole table for every fifty letters once it had grown.

-- Takes up to `most` deliveries of the run served least recently, under a lease: what has to come again first, else the next that
-- nobody has claimed, whose range is noted and whose rows are not touched. Who has unsubscribed meanwhile is skipped. A row for
-- each delivery; one without a delivery when all of them were skipped; none when there is nothing to claim.
create function claim_batch(of_holder text, of_transport text, most int, lease_seconds int, with_key text, at timestamptz)
returns table (of_batch bigint, of_run bigint, delivery_id bigint, email text, full_name text, tries smallint) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare run record; ids bigint[]; comes_again boolean; skipped int; made bigint;
begin
  select r.id, r.owner_id, r.next_delivery_id, r.last_delivery_id into run
  from runs r join sendable_runs s on s.id = r.id
  where r.status = 'open' and s.until > at and (
    r.next_delivery_id is not null
    or exists (select 1 from deliveries d where d.run_id = r.id and d.next_try_at <= at)
  )
  order by r.served_at limit 1 for no key update of r;
  if not found then return; end if;

  ids := array(
    select d.id from deliveries d where d.run_id = run.id and d.next_try_at <= at
    order by d.next_try_at, d.id limit most for update skip locked
  );
  comes_again := cardinality(ids) > 0;
  if not comes_again then
    ids := array(
      select d.id from deliveries d
      -- "+ 0" keeps the index over (run, client) out of it, which knows no order of ids.
      where d.id >= run.next_delivery_id and d.id <= run.last_delivery_id and d.run_id + 0 = run.id
        and d.status = 'queued' and d.next_try_at is null and d.batch_id is null
      order by d.id limit most
    );
  end if;
  update runs set served_at = at, transport = of_transport,
    next_delivery_id = case when comes_again then next_delivery_id when cardinality(ids) = most then ids[most] + 1 end
  where id = run.id;
  if cardinality(ids) = 0 then return; end if;

  update deliveries d set status = 'skipped', reason = s.reason::text, ended_at = at, next_try_at = null
  from suppressions s where d.id = any (ids) and s.owner_id = run.owner_id and s.email_key = lower(d.email);
  get diagnostics skipped = row_count;
  insert into batches (run_id, transport, holder, leased_until, idempotency_key, first_id, last_id, outstanding)
  values (run.id, of_transport, of_holder, now() + make_interval(secs => lease_seconds), with_key,
    case when not comes_again then ids[1] end, case when not comes_again then ids[cardinality(ids)] end, cardinality(ids) - skipped)
  returning id into made;
  if comes_again then
    update deliveries d set batch_id = made, next_try_at = null where d.id = any (ids) and d.status = 'queued';
  end if;
  return query
    select made, run.id, d.id, d.email, d.full_name, d.tries from deliveries d
    where d.id = any (ids) and d.status = 'queued' order by d.id;
  if not found then return query select made, run.id, null::bigint, null::text, null::text, null::smallint; end if;
end $$;
--> statement-breakpoint
-- What follows counts what it does itself, once and last, so that engines wait for each other as shortly as possible. By the setting
-- `mailroom.counts_itself` the triggers that count know it.

-- Puts an attempt on disk for each wanted delivery, `unknown`, before anything is handed over, and renews the lease. Nothing
-- when the lease is lost or a gate has closed.
create function intend_attempts(of_batch bigint, of_holder text, wanted bigint[], lease_seconds int, bytes_digest text, at timestamptz)
returns table (attempt_id bigint, of_delivery bigint) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set mailroom.counts_itself = 'yes' as $$
declare mine record; intended int;
begin
  select b.id, b.transport, s.id as run_id, s.mailing_id, s.owner_id into mine
  from batches b join sendable_runs s on s.id = b.run_id
  where b.id = of_batch and b.holder = of_holder and b.ended_at is null and b.leased_until > now() and s.until > at
  for no key update of b;
  if not found then return; end if;
  update batches set leased_until = now() + make_interval(secs => lease_seconds), digest = coalesce(digest, bytes_digest),
    first_tried_at = coalesce(first_tried_at, at) where id = mine.id;
  return query
    insert into attempts as a (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, transport)
    select d.id, mine.run_id, mine.mailing_id, mine.owner_id, mine.id, at, 'unknown', mine.transport
    from deliveries d where d.id = any (wanted) and d.run_id + 0 = mine.run_id and d.status = 'queued'
    order by d.id
    returning a.id, a.delivery_id;
  get diagnostics intended = row_count;
  update run_counts set attempts_unknown = attempts_unknown + intended where run_id = mine.run_id;
end $$;
--> statement-breakpoint
-- Writes what became of attempts and of their deliveries, only where the lease is still held: no row when it is lost, and then
-- nothing is written. An attempt status of null takes the intent back: it was never handed over. A delivery status of
-- `sending` leaves the delivery in its batch, which will be repeated as it is. Called again with the same, it changes nothing.
-- In the same step it intends the deliveries that are wanted next, as `intend_attempts` does; a row for each of these, and one
-- without where there are none. Where nothing is outstanding any more the batch is over, and ended. "= any" leads by the key; the join only brings the values, and is by hash.
create function record_outcomes(of_batch bigint, of_holder text, lease_seconds int, at timestamptz, attempt_ids bigint[],
  delivery_ids bigint[], attempt_statuses text[], codes int[], responses text[], stages text[], delivery_statuses text[],
  reasons text[], tried int[], next_tries text[], wanted bigint[])
returns table (attempt_id bigint, of_delivery bigint, is_over boolean) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off
set enable_nestloop = off set mailroom.counts_itself = 'yes' as $$
declare of_run bigint; open_before int; answered record; moved record; taken_back int := 0; intended int := 0;
begin
  select b.run_id, b.outstanding into of_run, open_before from batches b
  where b.id = of_batch and b.holder = of_holder and b.ended_at is null and b.leased_until > now() for no key update;
  if not found then
    -- The same once more, after an answer that was lost on its way.
    return query select null::bigint, null::bigint, true from batches b
      where b.id = of_batch and b.holder = of_holder and b.ended_at is not null and b.outstanding = 0;
    return;
  end if;

  with settled as (
    update attempts a set status = o.status::attempt_status, code = o.code, response = o.response, stage = o.stage
    from unnest(attempt_ids, attempt_statuses, codes, responses, stages) as o (id, status, code, response, stage)
    where a.id = any (attempt_ids) and a.id = o.id and a.status = 'unknown' and o.status is not null returning a.status
  )
  select count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed
  into answered from settled;
  if array_position(attempt_statuses, null) is not null then
    delete from attempts a using unnest(attempt_ids, attempt_statuses) as o (id, status)
    where a.id = any (attempt_ids) and a.id = o.id and a.status = 'unknown' and o.status is null;
    get diagnostics taken_back = row_count;
  end if;
  with settled as (
    update deliveries d set status = o.status::delivery_status, reason = o.reason, tries = d.tries + o.tried,
      next_try_at = case when o.status = 'queued' then coalesce(o.next_try::timestamptz, at) end,
      ended_at = case when o.status <> 'queued' then at end
    from unnest(delivery_ids, delivery_statuses, reasons, tried, next_tries) as o (id, status, reason, tried, next_try)
    where d.id = any (delivery_ids) and d.id = o.id and d.status = 'queued' and d.next_try_at is null and o.status <> 'sending'
    returning d.status
  )
  select count(*) as all_of_them, count(*) filter (where status <> 'queued') as ended,
    count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'unknown') as unknown
  into moved from settled;

  if moved.all_of_them = 0 and cardinality(delivery_ids) > 0 then
    -- The same once more, after an answer that was lost: what was intended then is what may go now.
    return query
      select a.id, a.delivery_id, false from attempts a
      where a.delivery_id = any (wanted) and a.batch_id = of_batch and a.status = 'unknown' order by a.delivery_id;
    if found then return; end if;
  elsif cardinality(wanted) > 0 and exists (select 1 from sendable_runs s where s.id = of_run and s.until > at) then
    return query
      insert into attempts as a (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, transport)
      select d.id, r.id, r.mailing_id, r.owner_id, b.id, at, 'unknown', b.transport
      from deliveries d, runs r, batches b
      where d.id = any (wanted) and d.run_id + 0 = of_run and d.status = 'queued' and r.id = of_run and b.id = of_batch
      order by d.id
      returning a.id, a.delivery_id, false;
    get diagnostics intended = row_count;
  end if;
  is_over := open_before = moved.all_of_them;
  if intended = 0 then return query select null::bigint, null::bigint, is_over; end if;

  update batches b set leased_until = now() + make_interval(secs => lease_seconds), outstanding = outstanding - moved.all_of_them,
    ended_at = case when is_over then now() end
  where b.id = of_batch;
  update run_counts c set queued = c.queued - moved.ended, sent = c.sent + moved.sent, failed = c.failed + moved.failed,
    unknown = c.unknown + moved.unknown, attempts_succeeded = c.attempts_succeeded + answered.succeeded,
    attempts_failed = c.attempts_failed + answered.failed,
    attempts_unknown = c.attempts_unknown - answered.succeeded - answered.failed - taken_back + intended
  where c.run_id = of_run;
end $$;
--> statement-breakpoint
-- Ends a batch whose lease is held: what was claimed but never intended goes back to the queue. One with letters on their way of
-- which nothing is recorded stays, and the sweep takes it when its lease runs out.
create function end_batch(of_batch bigint, of_holder text, at timestamptz) returns void language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare left_over int; ids bigint[];
begin
  select outstanding into left_over from batches
  where id = of_batch and holder = of_holder and ended_at is null and leased_until > now() for no key update;
  if not found then return; end if;
  if left_over > 0 then
    ids := array(select c.delivery_id from claimed_deliveries c where c.batch_id = of_batch);
    if exists (select 1 from attempts a where a.delivery_id = any (ids) and a.batch_id = of_batch and a.status = 'unknown') then
      return;
    end if;
    update deliveries d set next_try_at = at where d.id = any (ids) and d.status = 'queued';
  end if;
  update batches set ended_at = now(), outstanding = 0 where id = of_batch;
end $$;
