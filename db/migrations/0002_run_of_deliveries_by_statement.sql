ALTER TABLE "deliveries" DROP CONSTRAINT "deliveries_run_id_runs_id_fk";
--> statement-breakpoint
create or replace function deliveries_inserted() returns trigger language plpgsql as $$
declare runs_named int; runs_found int;
begin
  with x as (
    select run_id, count(*) as total,
      count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'sending') as sending,
      count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
      count(*) filter (where status = 'skipped') as skipped, count(*) filter (where status = 'expired') as expired,
      count(*) filter (where status = 'cancelled') as cancelled, count(*) filter (where status = 'unknown') as unknown
    from new_rows group by run_id
  ), counted as (
    update run_counts c set total = c.total + x.total, queued = c.queued + x.queued, sending = c.sending + x.sending,
      sent = c.sent + x.sent, failed = c.failed + x.failed, skipped = c.skipped + x.skipped, expired = c.expired + x.expired,
      cancelled = c.cancelled + x.cancelled, unknown = c.unknown + x.unknown
    from x where c.run_id = x.run_id returning 1
  )
  select (select count(*) from x), (select count(*) from counted) into runs_named, runs_found;
  if runs_named <> runs_found then
    raise exception 'deliveries of a run that does not exist' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
--> statement-breakpoint
create function runs_deleted() returns trigger language plpgsql as $$
begin
  delete from deliveries where run_id in (select id from old_rows);
  return null;
end $$;
--> statement-breakpoint
create trigger runs_deleted after delete on runs referencing old table as old_rows
  for each statement execute function runs_deleted();
