-- Numbers kept by the transactions that change the rows they count, and history that can not be edited.

create function bump_total(total_name text, delta bigint) returns void language sql as $$
  insert into totals as t (name, shard, value) values (total_name, pg_backend_pid() % 16, delta)
  on conflict (name, shard) do update set value = t.value + excluded.value
$$;
--> statement-breakpoint
create function clients_inserted() returns trigger language plpgsql as $$
declare fresh bigint;
begin
  with changed as (select email_key, count(*)::int as n from new_rows group by email_key order by email_key),
  kept as (
    insert into client_addresses as a (email_key, clients) select email_key, n from changed
    on conflict (email_key) do update set clients = a.clients + excluded.clients
    returning a.email_key, a.clients
  )
  select count(*) into fresh from kept join changed using (email_key) where kept.clients = changed.n;
  if fresh <> 0 then perform bump_total('unique_clients', fresh); end if;
  return null;
end $$;
--> statement-breakpoint
create function clients_deleted() returns trigger language plpgsql as $$
declare gone bigint;
begin
  perform 1 from client_addresses where email_key in (select email_key from old_rows) order by email_key for update;
  update client_addresses a set clients = a.clients - o.n
    from (select email_key, count(*)::int as n from old_rows group by email_key) o where a.email_key = o.email_key;
  with emptied as (
    delete from client_addresses where clients = 0 and email_key in (select email_key from old_rows) returning 1
  )
  select count(*) into gone from emptied;
  if gone <> 0 then perform bump_total('unique_clients', -gone); end if;
  return null;
end $$;
--> statement-breakpoint
create function clients_updated() returns trigger language plpgsql as $$
declare came bigint; went bigint;
begin
  if not exists (select 1 from old_rows o join new_rows n using (id) where o.email_key <> n.email_key) then return null; end if;
  perform 1 from client_addresses
    where email_key in (select email_key from old_rows union select email_key from new_rows) order by email_key for update;
  with changed as (
    select n.email_key, count(*)::int as n from new_rows n join old_rows o using (id) where o.email_key <> n.email_key
    group by n.email_key order by n.email_key
  ), kept as (
    insert into client_addresses as a (email_key, clients) select email_key, n from changed
    on conflict (email_key) do update set clients = a.clients + excluded.clients
    returning a.email_key, a.clients
  )
  select count(*) into came from kept join changed using (email_key) where kept.clients = changed.n;
  update client_addresses a set clients = a.clients - x.n
    from (
      select o.email_key, count(*)::int as n from new_rows n join old_rows o using (id)
      where o.email_key <> n.email_key group by o.email_key
    ) x where a.email_key = x.email_key;
  with emptied as (
    delete from client_addresses where clients = 0 and email_key in (select email_key from old_rows) returning 1
  )
  select count(*) into went from emptied;
  if came <> went then perform bump_total('unique_clients', came - went); end if;
  return null;
end $$;
--> statement-breakpoint
create trigger clients_inserted after insert on clients referencing new table as new_rows
  for each statement execute function clients_inserted();
--> statement-breakpoint
create trigger clients_deleted after delete on clients referencing old table as old_rows
  for each statement execute function clients_deleted();
--> statement-breakpoint
create trigger clients_updated after update on clients referencing old table as old_rows new table as new_rows
  for each statement execute function clients_updated();
--> statement-breakpoint
create function mailings_counted() returns trigger language plpgsql as $$
declare shown_before int := 0; shown_after int := 0; active_before int := 0; active_after int := 0;
begin
  if tg_op <> 'INSERT' then
    shown_before := (old.archived_at is null)::int;
    active_before := (old.archived_at is null and old.status = 'running' and old.paused_at is null and old.disabled_at is null)::int;
  end if;
  if tg_op <> 'DELETE' then
    shown_after := (new.archived_at is null)::int;
    active_after := (new.archived_at is null and new.status = 'running' and new.paused_at is null and new.disabled_at is null)::int;
  end if;
  if shown_after <> shown_before then perform bump_total('mailings', shown_after - shown_before); end if;
  if active_after <> active_before then perform bump_total('active_mailings', active_after - active_before); end if;
  return null;
end $$;
--> statement-breakpoint
create trigger mailings_counted after insert or update or delete on mailings
  for each row execute function mailings_counted();
--> statement-breakpoint
create function runs_opened() returns trigger language plpgsql as $$
begin
  insert into run_counts (run_id, mailing_id, owner_id) values (new.id, new.mailing_id, new.owner_id);
  return null;
end $$;
--> statement-breakpoint
create trigger runs_opened after insert on runs for each row execute function runs_opened();
--> statement-breakpoint
create function deliveries_inserted() returns trigger language plpgsql as $$
begin
  update run_counts c set total = c.total + x.total, queued = c.queued + x.queued, sending = c.sending + x.sending,
    sent = c.sent + x.sent, failed = c.failed + x.failed, skipped = c.skipped + x.skipped, expired = c.expired + x.expired,
    cancelled = c.cancelled + x.cancelled, unknown = c.unknown + x.unknown
  from (
    select run_id, count(*) as total,
      count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'sending') as sending,
      count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
      count(*) filter (where status = 'skipped') as skipped, count(*) filter (where status = 'expired') as expired,
      count(*) filter (where status = 'cancelled') as cancelled, count(*) filter (where status = 'unknown') as unknown
    from new_rows group by run_id
  ) x where c.run_id = x.run_id;
  return null;
end $$;
--> statement-breakpoint
create function deliveries_updated() returns trigger language plpgsql as $$
begin
  update run_counts c set queued = c.queued + x.queued, sending = c.sending + x.sending, sent = c.sent + x.sent,
    failed = c.failed + x.failed, skipped = c.skipped + x.skipped, expired = c.expired + x.expired,
    cancelled = c.cancelled + x.cancelled, unknown = c.unknown + x.unknown
  from (
    select run_id,
      coalesce(sum(n) filter (where status = 'queued'), 0) as queued, coalesce(sum(n) filter (where status = 'sending'), 0) as sending,
      coalesce(sum(n) filter (where status = 'sent'), 0) as sent, coalesce(sum(n) filter (where status = 'failed'), 0) as failed,
      coalesce(sum(n) filter (where status = 'skipped'), 0) as skipped, coalesce(sum(n) filter (where status = 'expired'), 0) as expired,
      coalesce(sum(n) filter (where status = 'cancelled'), 0) as cancelled, coalesce(sum(n) filter (where status = 'unknown'), 0) as unknown
    from (
      select run_id, status, -count(*) as n from old_rows group by run_id, status
      union all
      select run_id, status, count(*) from new_rows group by run_id, status
    ) moved group by run_id
  ) x where c.run_id = x.run_id;
  return null;
end $$;
--> statement-breakpoint
create function deliveries_deleted() returns trigger language plpgsql as $$
begin
  update run_counts c set total = c.total - x.total, queued = c.queued - x.queued, sending = c.sending - x.sending,
    sent = c.sent - x.sent, failed = c.failed - x.failed, skipped = c.skipped - x.skipped, expired = c.expired - x.expired,
    cancelled = c.cancelled - x.cancelled, unknown = c.unknown - x.unknown
  from (
    select run_id, count(*) as total,
      count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'sending') as sending,
      count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
      count(*) filter (where status = 'skipped') as skipped, count(*) filter (where status = 'expired') as expired,
      count(*) filter (where status = 'cancelled') as cancelled, count(*) filter (where status = 'unknown') as unknown
    from old_rows group by run_id
  ) x where c.run_id = x.run_id;
  return null;
end $$;
--> statement-breakpoint
create trigger deliveries_inserted after insert on deliveries referencing new table as new_rows
  for each statement execute function deliveries_inserted();
--> statement-breakpoint
create trigger deliveries_updated after update on deliveries referencing old table as old_rows new table as new_rows
  for each statement execute function deliveries_updated();
--> statement-breakpoint
create trigger deliveries_deleted after delete on deliveries referencing old table as old_rows
  for each statement execute function deliveries_deleted();
--> statement-breakpoint
create function attempts_counted() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    update run_counts c set attempts_succeeded = c.attempts_succeeded + x.succeeded, attempts_failed = c.attempts_failed + x.failed,
      attempts_unknown = c.attempts_unknown + x.unknown
    from (
      select run_id, count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
        count(*) filter (where status = 'unknown') as unknown
      from new_rows group by run_id
    ) x where c.run_id = x.run_id;
  else
    update run_counts c set attempts_succeeded = c.attempts_succeeded + x.succeeded, attempts_failed = c.attempts_failed + x.failed,
      attempts_unknown = c.attempts_unknown + x.unknown
    from (
      select run_id, coalesce(sum(n) filter (where status = 'success'), 0) as succeeded,
        coalesce(sum(n) filter (where status = 'failure'), 0) as failed, coalesce(sum(n) filter (where status = 'unknown'), 0) as unknown
      from (
        select run_id, status, -count(*) as n from old_rows group by run_id, status
        union all
        select run_id, status, count(*) from new_rows group by run_id, status
      ) moved group by run_id
    ) x where c.run_id = x.run_id;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger attempts_inserted after insert on attempts referencing new table as new_rows
  for each statement execute function attempts_counted();
--> statement-breakpoint
create trigger attempts_updated after update on attempts referencing old table as old_rows new table as new_rows
  for each statement execute function attempts_counted();
--> statement-breakpoint
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'history is never edited: % of %', tg_op, tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
--> statement-breakpoint
create trigger attempts_settle_once before update on attempts
  for each row when (old.status <> 'unknown') execute function refuse_rewriting();
--> statement-breakpoint
create trigger deliveries_sent_stays_sent before update on deliveries
  for each row when (old.status = 'sent') execute function refuse_rewriting();
--> statement-breakpoint
create trigger audit_stays before update or delete on audit
  for each row execute function refuse_rewriting();
--> statement-breakpoint
alter table run_counts set (fillfactor = 50);
--> statement-breakpoint
alter table attempts set (fillfactor = 80);
--> statement-breakpoint
alter table deliveries set (fillfactor = 80);
--> statement-breakpoint
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
