ALTER TABLE "batches" ADD COLUMN "intended" bigint[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "intended_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "parcel" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_intended" CHECK ("batches"."ended_at" is null or "batches"."intended" = '{}');
--> statement-breakpoint
-- What is on its way stands in its batch, and each attempt is written once, with its answer: no second version of a row, and five
-- indexes that learn of it once. A letter that was handed over by the version before has its attempt already, `unknown`, and the
-- sweep finds it there.
alter table attempts reset (fillfactor);--> statement-breakpoint
drop trigger attempts_settle_once on attempts;--> statement-breakpoint
drop trigger attempts_updated on attempts;--> statement-breakpoint
create trigger attempts_stay before update on attempts for each row execute function refuse_rewriting();--> statement-breakpoint
create or replace function attempts_counted() returns trigger language plpgsql as $$
declare moved record;
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
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
  return null;
end $$;
--> statement-breakpoint
drop function intend_attempts(bigint, text, bigint[], int, text, timestamptz);--> statement-breakpoint
drop function record_outcomes(bigint, text, int, timestamptz, bigint[], bigint[], text[], int[], text[], text[], text[], text[],
  int[], text[], bigint[]);--> statement-breakpoint

-- Puts on disk that the wanted deliveries are about to be handed over, and renews the lease: the parcel of this number, which follows
-- the last. Answers which of them may go: none (null) when the lease is lost, a gate has closed, or what went before is not recorded
-- yet. Called again with the same, however late, it changes nothing and answers the same.
create function intend_attempts(of_batch bigint, of_holder text, of_parcel int, wanted bigint[], lease_seconds int, bytes_digest text,
  at timestamptz)
returns bigint[] language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off as $$
declare mine record; going bigint[];
begin
  select b.run_id, b.parcel, b.intended into mine from batches b
  where b.id = of_batch and b.holder = of_holder and b.ended_at is null and b.leased_until > now() for no key update;
  if not found then return null; end if;
  if mine.intended <> '{}' then return case when mine.parcel = of_parcel then mine.intended end; end if;
  if mine.parcel <> of_parcel - 1 or not exists (select 1 from sendable_runs s where s.id = mine.run_id and s.until > at) then
    return null;
  end if;
  going := array(
    select d.id from deliveries d where d.id = any (wanted) and d.run_id + 0 = mine.run_id and d.status = 'queued' order by d.id
  );
  if going = '{}' then return null; end if;
  update batches b set leased_until = now() + make_interval(secs => lease_seconds), digest = coalesce(b.digest, bytes_digest),
    first_tried_at = coalesce(b.first_tried_at, at), intended = going, intended_at = at, parcel = of_parcel
  where b.id = of_batch;
  return going;
end $$;
--> statement-breakpoint
-- Writes what became of a parcel, only where the lease is still held: no row when it is lost, and then nothing is written. Outcomes
-- are told in kinds, which most letters share: of each its delivery, the server's words, and which kind it is. A kind without an
-- attempt status was never handed over, and leaves no attempt; a delivery status of `sending` leaves the delivery in its batch,
-- which will be repeated as it is. In the same step the deliveries that are wanted next are intended, as `intend_attempts` does, as the
-- parcel that follows, and those that may go are answered. Called again with the same, however late, it changes nothing and answers the
-- same. Where nothing is outstanding any more the batch is over, and ended.
create function record_outcomes(of_batch bigint, of_holder text, of_parcel int, lease_seconds int, at timestamptz,
  delivery_ids bigint[], responses text[], kinds int[], attempt_statuses text[], codes int[], stages text[],
  delivery_statuses text[], reasons text[], tried int[], next_tries text[], wanted bigint[])
returns table (may_go bigint[], is_over boolean) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set mailroom.counts_itself = 'yes' as $$
declare mine record; of_whom record; noted record; moved record; going bigint[] := '{}';
begin
  select b.run_id, b.outstanding, b.parcel, b.intended, b.intended_at, b.transport, b.ended_at into mine from batches b
  where b.id = of_batch and b.holder = of_holder and (b.leased_until > now() or b.ended_at is not null) for no key update;
  if not found then return; end if;
  if mine.ended_at is not null or mine.parcel <> of_parcel or mine.intended = '{}' then
    return query select case when mine.parcel = of_parcel + 1 then mine.intended else '{}' end, mine.ended_at is not null;
    return;
  end if;
  if mine.intended <> delivery_ids then
    raise exception 'parcel % of batch % is recorded as another than it was', of_parcel, of_batch;
  end if;

  select r.mailing_id, r.owner_id into of_whom from runs r where r.id = mine.run_id;
  with written as (
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
    select o.id, mine.run_id, of_whom.mailing_id, of_whom.owner_id, of_batch, mine.intended_at,
      attempt_statuses[o.kind]::attempt_status, codes[o.kind], o.response, stages[o.kind], mine.transport
    from unnest(delivery_ids, responses, kinds) as o (id, response, kind) where attempt_statuses[o.kind] is not null
    returning status
  )
  select count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
    count(*) filter (where status = 'unknown') as unknown
  into noted from written;
  with settled as (
    update deliveries d set status = delivery_statuses[o.kind]::delivery_status, reason = reasons[o.kind],
      tries = d.tries + tried[o.kind],
      next_try_at = case when delivery_statuses[o.kind] = 'queued' then coalesce(next_tries[o.kind]::timestamptz, at) end,
      ended_at = case when delivery_statuses[o.kind] <> 'queued' then at end
    from unnest(delivery_ids, kinds) as o (id, kind)
    where d.id = o.id and d.status = 'queued' and d.next_try_at is null and delivery_statuses[o.kind] <> 'sending'
    returning d.status
  )
  select count(*) as all_of_them, count(*) filter (where status <> 'queued') as ended,
    count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'unknown') as unknown
  into moved from settled;

  if cardinality(wanted) > 0 and exists (select 1 from sendable_runs s where s.id = mine.run_id and s.until > at) then
    going := array(
      select d.id from deliveries d where d.id = any (wanted) and d.run_id + 0 = mine.run_id and d.status = 'queued' order by d.id
    );
  end if;
  is_over := mine.outstanding = moved.all_of_them;
  return query
    update batches b set leased_until = now() + make_interval(secs => lease_seconds), outstanding = b.outstanding - moved.all_of_them,
      intended = going, intended_at = at, parcel = case when going = '{}' then b.parcel else b.parcel + 1 end,
      ended_at = case when is_over then now() end
    where b.id = of_batch returning b.intended, is_over;
  update run_counts c set queued = c.queued - moved.ended, sent = c.sent + moved.sent, failed = c.failed + moved.failed,
    unknown = c.unknown + moved.unknown, attempts_succeeded = c.attempts_succeeded + noted.succeeded,
    attempts_failed = c.attempts_failed + noted.failed, attempts_unknown = c.attempts_unknown + noted.unknown
  where c.run_id = mine.run_id;
end $$;
--> statement-breakpoint
-- Ends a batch whose lease is held: what was claimed but never intended goes back to the queue. One with letters on their way, or of
-- which it is not known whether they arrived, stays, and the sweep takes it when its lease runs out.
create or replace function end_batch(of_batch bigint, of_holder text, at timestamptz) returns void language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare mine record; ids bigint[];
begin
  select b.outstanding, b.intended into mine from batches b
  where b.id = of_batch and b.holder = of_holder and b.ended_at is null and b.leased_until > now() for no key update;
  if not found or mine.intended <> '{}' then return; end if;
  if mine.outstanding > 0 then
    ids := array(select c.delivery_id from claimed_deliveries c where c.batch_id = of_batch);
    if exists (select 1 from attempts a where a.delivery_id = any (ids) and a.batch_id = of_batch and a.status = 'unknown') then
      return;
    end if;
    update deliveries d set next_try_at = at where d.id = any (ids) and d.status = 'queued';
  end if;
  update batches set ended_at = now(), outstanding = 0 where id = of_batch;
end $$;
