CREATE TABLE "run_domains" (
	"run_id" bigint NOT NULL,
	"domain" text NOT NULL,
	"quarter_at" timestamp with time zone NOT NULL,
	"owner_id" bigint NOT NULL,
	"mailing_id" bigint NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "run_domains_run_id_domain_quarter_at_pk" PRIMARY KEY("run_id","domain","quarter_at"),
	CONSTRAINT "run_domains_not_negative" CHECK (least("run_domains"."succeeded", "run_domains"."failed", "run_domains"."unknown") >= 0)
);
--> statement-breakpoint
ALTER TABLE "run_domains" ADD CONSTRAINT "run_domains_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- Once more by domain, of runs that are over.
insert into run_domains (run_id, domain, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
select a.run_id, domain_of(d.email), quarter_of(a.attempted_at), a.owner_id, a.mailing_id,
  count(*) filter (where a.status = 'success'), count(*) filter (where a.status = 'failure'), count(*) filter (where a.status = 'unknown')
from attempts a join deliveries d on d.id = a.delivery_id join runs r on r.id = a.run_id
where r.status <> 'open' group by 1, 2, 3, 4, 5;--> statement-breakpoint
-- The run is locked by whoever closes or opens it, and nothing of it is under way in that moment.
create function runs_summed_by_domain() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  delete from run_domains where run_id = new.id;
  if new.status <> 'open' then
    insert into run_domains (run_id, domain, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    select new.id, domain_of(d.email), quarter_of(a.attempted_at), new.owner_id, new.mailing_id,
      count(*) filter (where a.status = 'success'), count(*) filter (where a.status = 'failure'),
      count(*) filter (where a.status = 'unknown')
    from attempts a join deliveries d on d.id = a.delivery_id where a.run_id = new.id group by 2, 3;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger runs_summed_by_domain after update of status on runs
  for each row when ((old.status = 'open') <> (new.status = 'open')) execute function runs_summed_by_domain();
--> statement-breakpoint
-- What comes to a run that is over already, and what is taken from one: no engine does so.
create function attempts_summed_by_domain() returns trigger language plpgsql as $$
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  if tg_op = 'INSERT' then
    insert into run_domains as s (run_id, domain, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    select n.run_id, domain_of(d.email), quarter_of(n.attempted_at), n.owner_id, n.mailing_id,
      count(*) filter (where n.status = 'success'), count(*) filter (where n.status = 'failure'),
      count(*) filter (where n.status = 'unknown')
    from new_rows n join deliveries d on d.id = n.delivery_id join runs r on r.id = n.run_id
    where r.status <> 'open' group by 1, 2, 3, 4, 5 order by 1, 2, 3
    on conflict (run_id, domain, quarter_at) do update set succeeded = s.succeeded + excluded.succeeded,
      failed = s.failed + excluded.failed, unknown = s.unknown + excluded.unknown;
  else
    update run_domains s set succeeded = s.succeeded - x.succeeded, failed = s.failed - x.failed, unknown = s.unknown - x.unknown
    from (
      select o.run_id, domain_of(d.email) as domain, quarter_of(o.attempted_at) as at,
        count(*) filter (where o.status = 'success') as succeeded, count(*) filter (where o.status = 'failure') as failed,
        count(*) filter (where o.status = 'unknown') as unknown
      from old_rows o join deliveries d on d.id = o.delivery_id join runs r on r.id = o.run_id where r.status <> 'open' group by 1, 2, 3
    ) x where s.run_id = x.run_id and s.domain = x.domain and s.quarter_at = x.at;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger attempts_inserted_summed_by_domain after insert on attempts referencing new table as new_rows
  for each statement execute function attempts_summed_by_domain();
--> statement-breakpoint
create trigger attempts_deleted_summed_by_domain after delete on attempts referencing old table as old_rows
  for each statement execute function attempts_summed_by_domain();
--> statement-breakpoint
CREATE INDEX "run_domains_owner" ON "run_domains" USING btree ("owner_id","quarter_at");--> statement-breakpoint
CREATE INDEX "run_domains_mailing" ON "run_domains" USING btree ("mailing_id","quarter_at");--> statement-breakpoint
CREATE INDEX "run_domains_at" ON "run_domains" USING btree ("quarter_at");--> statement-breakpoint
CREATE INDEX "runs_owner_opened" ON "runs" USING btree ("owner_id","opened_at");--> statement-breakpoint
CREATE INDEX "runs_opened" ON "runs" USING btree ("opened_at");--> statement-breakpoint
CREATE INDEX "suppressions_owner_created" ON "suppressions" USING btree ("owner_id","created_at");--> statement-breakpoint
CREATE INDEX "suppressions_created" ON "suppressions" USING btree ("created_at");