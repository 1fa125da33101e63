-- An intent whose letter was never handed over is taken back; what has an answer stays.
create function attempts_taken_back() returns trigger language plpgsql as $$
begin
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
create trigger attempts_deleted after delete on attempts referencing old table as old_rows
  for each statement execute function attempts_taken_back();
