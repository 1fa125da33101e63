-- A trigger keeps the plan of its statements for the whole session. One made while a single row changed joins by nested loops,
-- and 12,000 rows after it took 29 s to insert (1 s now). So: no joins of what changed, and where the table of addresses has
-- to be looked up, a plan made anew each time (EXECUTE).

create or replace function clients_inserted() returns trigger language plpgsql as $$
declare fresh bigint;
begin
  -- What ON CONFLICT has just inserted was never updated: its xmax is 0.
  with kept as (
    insert into client_addresses as a (email_key, clients)
    select email_key, count(*)::int from new_rows group by email_key order by email_key
    on conflict (email_key) do update set clients = a.clients + excluded.clients
    returning (a.xmax = 0) as is_new
  )
  select count(*) filter (where is_new) into fresh from kept;
  if fresh <> 0 then perform bump_total('unique_clients', fresh); end if;
  return null;
end $$;
--> statement-breakpoint
create or replace function clients_deleted() returns trigger language plpgsql as $$
declare gone bigint;
begin
  execute 'select 1 from client_addresses where email_key in (select email_key from old_rows) order by email_key for update';
  execute 'update client_addresses a set clients = a.clients - o.n
    from (select email_key, count(*)::int as n from old_rows group by email_key) o where a.email_key = o.email_key';
  execute 'with emptied as (
      delete from client_addresses where clients = 0 and email_key in (select email_key from old_rows) returning 1
    )
    select count(*) from emptied' into gone;
  if gone <> 0 then perform bump_total('unique_clients', -gone); end if;
  return null;
end $$;
--> statement-breakpoint
create or replace function clients_updated() returns trigger language plpgsql as $$
declare
  came bigint; went bigint; moved bigint;
  -- How many clients more or fewer an address has after the statement.
  delta constant text := '(select email_key, sum(n)::int as n from (
      select email_key, -1 as n from old_rows union all select email_key, 1 from new_rows
    ) rows group by email_key having sum(n) <> 0)';
begin
  execute 'select count(*) from ' || delta || ' d' into moved;
  if moved = 0 then return null; end if;
  execute 'select 1 from client_addresses where email_key in (select email_key from ' || delta
    || ' d) order by email_key for update';
  execute 'with kept as (
      insert into client_addresses as a (email_key, clients)
      select email_key, n from ' || delta || ' d where n > 0 order by email_key
      on conflict (email_key) do update set clients = a.clients + excluded.clients
      returning (a.xmax = 0) as is_new
    )
    select count(*) filter (where is_new) from kept' into came;
  execute 'update client_addresses a set clients = a.clients + d.n from ' || delta
    || ' d where a.email_key = d.email_key and d.n < 0';
  execute 'with emptied as (
      delete from client_addresses where clients = 0 and email_key in (select email_key from old_rows) returning 1
    )
    select count(*) from emptied' into went;
  if came <> went then perform bump_total('unique_clients', came - went); end if;
  return null;
end $$;
