CREATE TYPE "public"."sum_span" AS ENUM('day', 'month');--> statement-breakpoint
CREATE TABLE "domain_sums" (
	"owner_id" bigint NOT NULL,
	"span" "sum_span" NOT NULL,
	"begins_at" timestamp with time zone NOT NULL,
	"domain" text NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "domain_sums_owner_id_span_begins_at_domain_pk" PRIMARY KEY("owner_id","span","begins_at","domain"),
	CONSTRAINT "domain_sums_not_negative" CHECK (least("domain_sums"."succeeded", "domain_sums"."failed", "domain_sums"."unknown") >= 0)
);
--> statement-breakpoint
CREATE TABLE "kind_sums" (
	"owner_id" bigint NOT NULL,
	"day_at" timestamp with time zone NOT NULL,
	"kind" "answer_kind" NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "kind_sums_owner_id_day_at_kind_pk" PRIMARY KEY("owner_id","day_at","kind"),
	CONSTRAINT "kind_sums_not_negative" CHECK (least("kind_sums"."attempts", "kind_sums"."failed", "kind_sums"."unknown") >= 0)
);
--> statement-breakpoint
CREATE TABLE "mailing_answers" (
	"mailing_id" bigint NOT NULL,
	"domain" text NOT NULL,
	"kind" "answer_kind" NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "mailing_answers_mailing_id_domain_kind_pk" PRIMARY KEY("mailing_id","domain","kind"),
	CONSTRAINT "mailing_answers_not_negative" CHECK (least("mailing_answers"."attempts", "mailing_answers"."failed", "mailing_answers"."unknown") >= 0)
);
--> statement-breakpoint
ALTER TABLE "mailing_answers" ADD CONSTRAINT "mailing_answers_mailing_id_mailings_id_fk" FOREIGN KEY ("mailing_id") REFERENCES "public"."mailings"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
alter table domain_sums set (fillfactor = 80);--> statement-breakpoint
alter table kind_sums set (fillfactor = 80);--> statement-breakpoint
alter table mailing_answers set (fillfactor = 80);--> statement-breakpoint
create function day_of(at timestamptz) returns timestamptz language sql immutable parallel safe as
  $$ select date_trunc('day', at at time zone 'UTC') at time zone 'UTC' $$;--> statement-breakpoint
create function month_of(at timestamptz) returns timestamptz language sql immutable parallel safe as
  $$ select date_trunc('month', at at time zone 'UTC') at time zone 'UTC' $$;--> statement-breakpoint

-- Each level from the one below it: runs, days of owners, and from these the months and everybody's.
insert into domain_sums (owner_id, span, begins_at, domain, succeeded, failed, unknown)
select owner_id, 'day', day_of(quarter_at), domain, sum(succeeded), sum(failed), sum(unknown)
from run_domains group by 1, 3, 4 having sum(succeeded + failed + unknown) > 0 order by 1, 3, 4;--> statement-breakpoint
insert into domain_sums (owner_id, span, begins_at, domain, succeeded, failed, unknown)
select owner_id, 'month', month_of(begins_at), domain, sum(succeeded), sum(failed), sum(unknown)
from domain_sums group by 1, 3, 4 order by 1, 3, 4;--> statement-breakpoint
insert into domain_sums (owner_id, span, begins_at, domain, succeeded, failed, unknown)
select 0, span, begins_at, domain, sum(succeeded), sum(failed), sum(unknown) from domain_sums group by 2, 3, 4
order by 2, 3, 4;--> statement-breakpoint
insert into kind_sums (owner_id, day_at, kind, attempts, failed, unknown)
select r.owner_id, day_of(r.opened_at), a.kind, sum(a.attempts), sum(a.failed), sum(a.unknown)
from runs r join run_answers a on a.run_id = r.id and a.domain = '' where r.status <> 'open' group by 1, 2, 3
having sum(a.attempts + a.failed + a.unknown) > 0 order by 1, 2, 3;--> statement-breakpoint
insert into kind_sums (owner_id, day_at, kind, attempts, failed, unknown)
select 0, day_at, kind, sum(attempts), sum(failed), sum(unknown) from kind_sums group by 2, 3;--> statement-breakpoint
insert into mailing_answers (mailing_id, domain, kind, attempts, failed, unknown)
select r.mailing_id, a.domain, a.kind, sum(a.attempts), sum(a.failed), sum(a.unknown)
from runs r join run_answers a on a.run_id = r.id where r.status <> 'open' group by 1, 2, 3
having sum(a.attempts + a.failed + a.unknown) > 0 order by 1, 2, 3;--> statement-breakpoint

-- Who adds to these or takes away holds a lock until the transaction ends: the rows of everybody's are in every run's way, and no order
-- among them would hold for a transaction that closes two runs.
create function sums_turn() returns void language sql as
  $$ select pg_advisory_xact_lock(hashtextextended('mailroom.sums', 0)) $$;--> statement-breakpoint

-- Rows of run_domains that came: all at once, in one order.
create function run_domains_came() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from new_rows) then return null; end if;
  perform sums_turn();
  insert into domain_sums as s (owner_id, span, begins_at, domain, succeeded, failed, unknown)
  select w.owner_id, p.span, case p.span when 'day' then day_of(n.quarter_at) else month_of(n.quarter_at) end, n.domain,
    sum(n.succeeded), sum(n.failed), sum(n.unknown)
  from new_rows n cross join lateral (values (0::bigint), (n.owner_id)) w (owner_id)
  cross join (values ('day'::sum_span), ('month'::sum_span)) p (span)
  group by 1, 2, 3, 4 having sum(n.succeeded + n.failed + n.unknown) > 0 order by 1, 2, 3, 4
  on conflict (owner_id, span, begins_at, domain) do update set succeeded = s.succeeded + excluded.succeeded,
    failed = s.failed + excluded.failed, unknown = s.unknown + excluded.unknown;
  return null;
end $$;
--> statement-breakpoint
-- Those that went. Of an owner who goes with them all is taken at once, by the trigger on users.
create function run_domains_went() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if not exists (select 1 from old_rows o join users u on u.id = o.owner_id) then return null; end if;
  perform sums_turn();
  update domain_sums s set succeeded = s.succeeded - t.succeeded, failed = s.failed - t.failed, unknown = s.unknown - t.unknown
  from (
    select w.owner_id, p.span, case p.span when 'day' then day_of(o.quarter_at) else month_of(o.quarter_at) end as begins_at, o.domain,
      sum(o.succeeded) as succeeded, sum(o.failed) as failed, sum(o.unknown) as unknown
    from old_rows o join users u on u.id = o.owner_id cross join lateral (values (0::bigint), (o.owner_id)) w (owner_id)
    cross join (values ('day'::sum_span), ('month'::sum_span)) p (span)
    group by 1, 2, 3, 4
  ) t where s.owner_id = t.owner_id and s.span = t.span and s.begins_at = t.begins_at and s.domain = t.domain;
  return null;
end $$;
--> statement-breakpoint
create function run_domains_changed() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if not exists (select 1 from new_rows) then return null; end if;
  perform sums_turn();
  insert into domain_sums (owner_id, span, begins_at, domain)
  select distinct w.owner_id, p.span, case p.span when 'day' then day_of(n.quarter_at) else month_of(n.quarter_at) end, n.domain
  from new_rows n cross join lateral (values (0::bigint), (n.owner_id)) w (owner_id)
  cross join (values ('day'::sum_span), ('month'::sum_span)) p (span)
  on conflict do nothing;
  update domain_sums s set succeeded = s.succeeded + t.succeeded, failed = s.failed + t.failed, unknown = s.unknown + t.unknown
  from (
    select w.owner_id, p.span, case p.span when 'day' then day_of(c.quarter_at) else month_of(c.quarter_at) end as begins_at, c.domain,
      sum(c.succeeded) as succeeded, sum(c.failed) as failed, sum(c.unknown) as unknown
    from (
      select owner_id, quarter_at, domain, succeeded, failed, unknown from new_rows
      union all select owner_id, quarter_at, domain, -succeeded, -failed, -unknown from old_rows
    ) c cross join lateral (values (0::bigint), (c.owner_id)) w (owner_id)
    cross join (values ('day'::sum_span), ('month'::sum_span)) p (span)
    group by 1, 2, 3, 4
  ) t where s.owner_id = t.owner_id and s.span = t.span and s.begins_at = t.begins_at and s.domain = t.domain;
  return null;
end $$;
--> statement-breakpoint
create trigger run_domains_came after insert on run_domains referencing new table as new_rows
  for each statement execute function run_domains_came();--> statement-breakpoint
create trigger run_domains_went after delete on run_domains referencing old table as old_rows
  for each statement execute function run_domains_went();--> statement-breakpoint
create trigger run_domains_changed after update on run_domains referencing old table as old_rows new table as new_rows
  for each statement execute function run_domains_changed();--> statement-breakpoint

-- Adds to the sums of answers, by day and by mailing, what differs in runs that are over: a row a run, domain and kind.
create function add_answers(run_ids bigint[], domains text[], kinds answer_kind[], more_attempts int[], more_failed int[], more_unknown int[])
returns void language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  perform sums_turn();
  with more as materialized (
    select r.owner_id, day_of(r.opened_at) as day_at, m.domain, m.kind, r.mailing_id, m.attempts, m.failed, m.unknown
    from unnest(run_ids, domains, kinds, more_attempts, more_failed, more_unknown) as m (run_id, domain, kind, attempts, failed, unknown)
    join runs r on r.id = m.run_id join users u on u.id = r.owner_id
  ), by_day as (
    select w.owner_id, x.day_at, x.kind, sum(x.attempts) as attempts, sum(x.failed) as failed, sum(x.unknown) as unknown
    from more x cross join lateral (values (0::bigint), (x.owner_id)) w (owner_id) where x.domain = '' group by 1, 2, 3
  ), new_days as (
    insert into kind_sums (owner_id, day_at, kind, attempts, failed, unknown) select * from by_day b
    where least(attempts, failed, unknown) >= 0
      and not exists (select 1 from kind_sums k where k.owner_id = b.owner_id and k.day_at = b.day_at and k.kind = b.kind)
  ), old_days as (
    update kind_sums k set attempts = k.attempts + b.attempts, failed = k.failed + b.failed, unknown = k.unknown + b.unknown
    from by_day b where k.owner_id = b.owner_id and k.day_at = b.day_at and k.kind = b.kind
  ), by_mailing as (
    select x.mailing_id, x.domain, x.kind, sum(x.attempts) as attempts, sum(x.failed) as failed, sum(x.unknown) as unknown
    from more x join mailings m on m.id = x.mailing_id group by 1, 2, 3
  ), new_answers as (
    insert into mailing_answers (mailing_id, domain, kind, attempts, failed, unknown) select * from by_mailing b
    where least(attempts, failed, unknown) >= 0
      and not exists (select 1 from mailing_answers a where a.mailing_id = b.mailing_id and a.domain = b.domain and a.kind = b.kind)
  )
  update mailing_answers a set attempts = a.attempts + b.attempts, failed = a.failed + b.failed, unknown = a.unknown + b.unknown
  from by_mailing b where a.mailing_id = b.mailing_id and a.domain = b.domain and a.kind = b.kind;
end $$;
--> statement-breakpoint
-- When a run closes its answers are added, and taken away when it is opened again to be finished, or goes.
create function runs_summed_by_answer() returns trigger language plpgsql as $$
declare sign int := case when tg_op = 'DELETE' or new.status = 'open' then -1 else 1 end;
begin
  perform add_answers(array_agg(run_id), array_agg(domain), array_agg(kind), array_agg(sign * attempts), array_agg(sign * failed),
    array_agg(sign * unknown))
  from run_answers where run_id = old.id having count(*) > 0;
  if tg_op = 'DELETE' then return old; end if;
  return null;
end $$;
--> statement-breakpoint
create trigger runs_summed_by_answer after update of status on runs
  for each row when ((old.status = 'open') <> (new.status = 'open')) execute function runs_summed_by_answer();--> statement-breakpoint
create trigger runs_gone_from_answers before delete on runs
  for each row when (old.status <> 'open') execute function runs_summed_by_answer();--> statement-breakpoint
-- What changes in runs that are over already. What the functions of the engine write is of runs under way.
create function run_answers_summed() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform add_answers(array_agg(n.run_id), array_agg(n.domain), array_agg(n.kind), array_agg(n.attempts), array_agg(n.failed),
      array_agg(n.unknown))
    from new_rows n join runs r on r.id = n.run_id where r.status <> 'open' having count(*) > 0;
  else
    perform add_answers(array_agg(n.run_id), array_agg(n.domain), array_agg(n.kind), array_agg(n.attempts - o.attempts),
      array_agg(n.failed - o.failed), array_agg(n.unknown - o.unknown))
    from new_rows n join old_rows o on o.run_id = n.run_id and o.domain = n.domain and o.kind = n.kind
    join runs r on r.id = n.run_id where r.status <> 'open' having count(*) > 0;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger run_answers_inserted_summed after insert on run_answers referencing new table as new_rows
  for each statement when (current_setting('mailroom.counts_itself', true) is distinct from 'yes')
  execute function run_answers_summed();--> statement-breakpoint
create trigger run_answers_updated_summed after update on run_answers referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('mailroom.counts_itself', true) is distinct from 'yes')
  execute function run_answers_summed();--> statement-breakpoint

-- An owner who goes takes all of theirs out of everybody's, after everything of theirs is gone: the lock is held for this alone.
create function users_gone_from_sums() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if not exists (select 1 from domain_sums where owner_id = old.id) and not exists (select 1 from kind_sums where owner_id = old.id) then
    return null;
  end if;
  perform sums_turn();
  update domain_sums s set succeeded = s.succeeded - t.succeeded, failed = s.failed - t.failed, unknown = s.unknown - t.unknown
  from domain_sums t
  where t.owner_id = old.id and s.owner_id = 0 and s.span = t.span and s.begins_at = t.begins_at and s.domain = t.domain;
  update kind_sums s set attempts = s.attempts - t.attempts, failed = s.failed - t.failed, unknown = s.unknown - t.unknown
  from kind_sums t where t.owner_id = old.id and s.owner_id = 0 and s.day_at = t.day_at and s.kind = t.kind;
  delete from domain_sums where owner_id = old.id;
  delete from kind_sums where owner_id = old.id;
  return null;
end $$;
--> statement-breakpoint
create trigger users_gone_from_sums after delete on users for each row execute function users_gone_from_sums();--> statement-breakpoint
create function sums_emptied() returns trigger language plpgsql as $$
begin
  delete from domain_sums;
  delete from kind_sums;
  delete from mailing_answers;
  return null;
end $$;
--> statement-breakpoint
create trigger sums_emptied after truncate on run_domains for each statement execute function sums_emptied();
