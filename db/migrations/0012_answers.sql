CREATE TYPE "public"."answer_kind" AS ENUM('address_unknown', 'address_invalid', 'mailbox_full', 'mailbox_disabled', 'domain_unknown', 'spam', 'reputation', 'authentication', 'content', 'policy', 'too_big', 'rate_limited', 'greylisted', 'try_later', 'quota', 'auth_refused', 'sender_refused', 'relay_denied', 'unreachable', 'tls', 'timeout', 'garbage', 'server_trouble', 'no_answer', 'interrupted', 'sender_waited', 'example_address', 'letter_broken', 'not_accepted');--> statement-breakpoint
CREATE TABLE "run_answers" (
	"run_id" bigint NOT NULL,
	"domain" text NOT NULL,
	"kind" "answer_kind" NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "run_answers_run_id_domain_kind_pk" PRIMARY KEY("run_id","domain","kind"),
	CONSTRAINT "run_answers_not_negative" CHECK (least("run_answers"."attempts", "run_answers"."failed", "run_answers"."unknown") >= 0)
);
--> statement-breakpoint
CREATE TABLE "run_minutes" (
	"run_id" bigint NOT NULL,
	"minute_at" timestamp with time zone NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "run_minutes_run_id_minute_at_pk" PRIMARY KEY("run_id","minute_at"),
	CONSTRAINT "run_minutes_not_negative" CHECK (least("run_minutes"."succeeded", "run_minutes"."failed", "run_minutes"."unknown") >= 0)
);
--> statement-breakpoint
CREATE TABLE "run_quarters" (
	"run_id" bigint NOT NULL,
	"quarter_at" timestamp with time zone NOT NULL,
	"owner_id" bigint NOT NULL,
	"mailing_id" bigint NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "run_quarters_run_id_quarter_at_pk" PRIMARY KEY("run_id","quarter_at"),
	CONSTRAINT "run_quarters_not_negative" CHECK (least("run_quarters"."succeeded", "run_quarters"."failed", "run_quarters"."unknown") >= 0)
);
--> statement-breakpoint
DROP INDEX "attempts_mailing";--> statement-breakpoint
DROP INDEX "attempts_owner";--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "kind" "answer_kind";--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "kind" "answer_kind";--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "message_id" bigint;--> statement-breakpoint
ALTER TABLE "run_answers" ADD CONSTRAINT "run_answers_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_minutes" ADD CONSTRAINT "run_minutes_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_quarters" ADD CONSTRAINT "run_quarters_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "run_quarters_owner" ON "run_quarters" USING btree ("owner_id","quarter_at");--> statement-breakpoint
CREATE INDEX "run_quarters_mailing" ON "run_quarters" USING btree ("mailing_id","quarter_at");--> statement-breakpoint
CREATE INDEX "run_quarters_at" ON "run_quarters" USING btree ("quarter_at");--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
-- What an answer means, by the little that SQL can tell of it: for rows of older versions, and for those that nobody gave a kind.
-- lib/attempts/answers knows more.
create function coarse_answer_kind(status attempt_status, code int, response text, stage text) returns answer_kind
language sql immutable parallel safe as $$
  select case
    when status = 'success' then null
    when status = 'unknown' then case when response = '' and stage = '' then 'interrupted' else 'no_answer' end
    when stage = 'policy' then case when response like '%.example%' then 'example_address' else 'address_invalid' end
    when stage = 'compose' then 'letter_broken'
    when response ~* 'gr[ea]y-?list' then 'greylisted'
    when response ~* '\m(spf|dkim|dmarc)\M' then 'authentication'
    when response ~* 'relay' then 'relay_denied'
    when response ~* 'spamhaus|block ?list|black ?list|reputation|blocked using' then 'reputation'
    when response ~* 'user unknown|unknown user|no such user|user not found|does not exist' then 'address_unknown'
    when response ~* 'quota_exceeded|sending limit' then 'quota'
    when response ~* 'over ?quota|quota exceeded|mailbox (is )?full' then 'mailbox_full'
    when response ~* '\mspam|unsolicited' then 'spam'
    when response ~* 'rate.?limit|too many' then 'rate_limited'
    when response ~ '\m[245]\.1\.(1|6)\M' then case when response ~ '\m4\.1\.' then 'try_later' else 'address_unknown' end
    when response ~ '\m[245]\.1\.(2|10)\M' then 'domain_unknown'
    when response ~ '\m[245]\.1\.3\M' then 'address_invalid'
    when response ~ '\m[245]\.1\.[78]\M' then 'sender_refused'
    when response ~ '\m[245]\.2\.2\M' then 'mailbox_full'
    when response ~ '\m5\.2\.1\M' then 'mailbox_disabled'
    when response ~ '\m[245]\.3\.4\M' then 'too_big'
    when response ~ '\m[245]\.7\.(8|9)\M' then 'auth_refused'
    when response ~ '\m5\.7\.' then 'policy'
    when response ~ '\m4\.7\.' then 'greylisted'
    when stage = 'connect' then 'unreachable'
    when stage = 'tls' then 'tls'
    when stage = 'auth' or code in (530, 534, 535, 538, 401) then 'auth_refused'
    when code = 429 then 'rate_limited'
    when code = 403 then 'sender_refused'
    when code between 400 and 499 and stage <> 'http' then 'try_later'
    when code = 550 and stage = 'rcpt' then 'address_unknown'
    when code = 552 then 'mailbox_full'
    when code = 553 or stage = 'http' and code = 422 then 'address_invalid'
    when code = 556 then 'domain_unknown'
    else 'not_accepted'
  end::answer_kind
$$;
--> statement-breakpoint
create function attempts_kind() returns trigger language plpgsql as $$
begin
  new.kind := coarse_answer_kind(new.status, new.code, new.response, new.stage);
  return new;
end $$;
--> statement-breakpoint
create trigger attempts_kind before insert on attempts
  for each row when ((new.kind is null) <> (new.status = 'success')) execute function attempts_kind();
--> statement-breakpoint
create function deliveries_kind() returns trigger language plpgsql as $$
begin
  new.kind := case
    when new.status not in ('failed', 'unknown') then null
    when new.reason = 'engine_died' then 'interrupted'
    when new.reason = 'sender_waited_too_long' then 'sender_waited'
    when new.status = 'unknown' then 'no_answer'
    else coalesce(
      (select a.kind from attempts a where a.delivery_id = new.id and a.kind is not null order by a.id desc limit 1), 'not_accepted')
  end;
  return new;
end $$;
--> statement-breakpoint
create trigger deliveries_kind before insert or update on deliveries
  for each row when ((new.kind is not null) <> (new.status in ('failed', 'unknown'))) execute function deliveries_kind();
--> statement-breakpoint
-- History is never edited, but this is a column it did not have.
alter table attempts disable trigger attempts_stay;--> statement-breakpoint
update attempts set kind = coarse_answer_kind(status, code, response, stage) where status <> 'success';--> statement-breakpoint
alter table attempts enable trigger attempts_stay;--> statement-breakpoint
select set_config('mailroom.counts_itself', 'yes', true);--> statement-breakpoint
-- By the trigger above.
update deliveries set kind = null where status in ('failed', 'unknown');--> statement-breakpoint
select set_config('mailroom.counts_itself', '', true);--> statement-breakpoint
-- As the mailing says now: nobody wrote down more.
update runs r set message_id = m.message_id from mailings m where m.id = r.mailing_id and r.status <> 'missed';--> statement-breakpoint
create function minute_of(at timestamptz) returns timestamptz language sql immutable parallel safe as
  $$ select date_bin('1 minute', at, '2000-01-01T00:00Z'::timestamptz) $$;--> statement-breakpoint
create function quarter_of(at timestamptz) returns timestamptz language sql immutable parallel safe as
  $$ select date_bin('15 minutes', at, '2000-01-01T00:00Z'::timestamptz) $$;--> statement-breakpoint
create function domain_of(email text) returns text language sql immutable parallel safe as
  $$ select coalesce(nullif(lower(split_part(email, '@', 2)), ''), '?') $$;--> statement-breakpoint
insert into run_minutes (run_id, minute_at, succeeded, failed, unknown)
select run_id, minute_of(attempted_at), count(*) filter (where status = 'success'), count(*) filter (where status = 'failure'),
  count(*) filter (where status = 'unknown')
from attempts group by 1, 2;--> statement-breakpoint
insert into run_quarters (run_id, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
select c.run_id, quarter_of(m.minute_at), c.owner_id, c.mailing_id, sum(m.succeeded), sum(m.failed), sum(m.unknown)
from run_minutes m join run_counts c on c.run_id = m.run_id group by 1, 2, 3, 4;--> statement-breakpoint
insert into run_answers (run_id, domain, kind, attempts, failed, unknown)
select run_id, coalesce(domain, ''), kind, sum(attempts), sum(failed), sum(unknown) from (
  select a.run_id, domain_of(d.email) as domain, a.kind, 1 as attempts, 0 as failed, 0 as unknown
  from attempts a join deliveries d on d.id = a.delivery_id where a.kind is not null
  union all
  select run_id, domain_of(email), kind, 0, (status = 'failed')::int, (status = 'unknown')::int
  from deliveries where kind is not null
) rows group by grouping sets ((run_id, domain, kind), (run_id, kind));--> statement-breakpoint
alter table run_minutes set (fillfactor = 70);--> statement-breakpoint
alter table run_quarters set (fillfactor = 70);--> statement-breakpoint
alter table run_answers set (fillfactor = 70);--> statement-breakpoint

-- The sums follow the rows as run_counts does, by triggers that come after those of the counts (they go by name) and find each run's
-- counts locked already: nobody else is at its sums.
create function deliveries_summed() returns trigger language plpgsql as $$
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  if tg_op <> 'INSERT' then
    update run_answers r set failed = r.failed - x.failed, unknown = r.unknown - x.unknown
    from (
      select run_id, coalesce(domain, '') as domain, kind, sum(failed) as failed, sum(unknown) as unknown from (
        select run_id, domain_of(email) as domain, kind, (status = 'failed')::int as failed, (status = 'unknown')::int as unknown
        from old_rows where kind is not null
      ) rows group by grouping sets ((run_id, domain, kind), (run_id, kind))
    ) x where r.run_id = x.run_id and r.domain = x.domain and r.kind = x.kind;
  end if;
  if tg_op <> 'DELETE' then
    insert into run_answers as r (run_id, domain, kind, failed, unknown)
    select run_id, coalesce(domain, ''), kind, sum(failed), sum(unknown) from (
      select run_id, domain_of(email) as domain, kind, (status = 'failed')::int as failed, (status = 'unknown')::int as unknown
      from new_rows where kind is not null
    ) rows group by grouping sets ((run_id, domain, kind), (run_id, kind)) order by 1, 2, 3
    on conflict (run_id, domain, kind) do update set failed = r.failed + excluded.failed, unknown = r.unknown + excluded.unknown;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger deliveries_inserted_summed after insert on deliveries referencing new table as new_rows
  for each statement execute function deliveries_summed();
--> statement-breakpoint
create trigger deliveries_updated_summed after update on deliveries referencing old table as old_rows new table as new_rows
  for each statement execute function deliveries_summed();
--> statement-breakpoint
create trigger deliveries_deleted_summed after delete on deliveries referencing old table as old_rows
  for each statement execute function deliveries_summed();
--> statement-breakpoint
create function attempts_summed() returns trigger language plpgsql as $$
begin
  if current_setting('mailroom.counts_itself', true) = 'yes' then return null; end if;
  if tg_op = 'INSERT' then
    insert into run_minutes as m (run_id, minute_at, succeeded, failed, unknown)
    select run_id, minute_of(attempted_at), count(*) filter (where status = 'success'), count(*) filter (where status = 'failure'),
      count(*) filter (where status = 'unknown')
    from new_rows group by 1, 2 order by 1, 2
    on conflict (run_id, minute_at) do update set succeeded = m.succeeded + excluded.succeeded, failed = m.failed + excluded.failed,
      unknown = m.unknown + excluded.unknown;
    insert into run_quarters as q (run_id, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    select run_id, quarter_of(attempted_at), owner_id, mailing_id, count(*) filter (where status = 'success'),
      count(*) filter (where status = 'failure'), count(*) filter (where status = 'unknown')
    from new_rows group by 1, 2, 3, 4 order by 1, 2
    on conflict (run_id, quarter_at) do update set succeeded = q.succeeded + excluded.succeeded, failed = q.failed + excluded.failed,
      unknown = q.unknown + excluded.unknown;
    insert into run_answers as r (run_id, domain, kind, attempts)
    select a.run_id, coalesce(a.domain, ''), a.kind, count(*) from (
      select n.run_id, domain_of(d.email) as domain, n.kind from new_rows n join deliveries d on d.id = n.delivery_id
      where n.kind is not null
    ) a group by grouping sets ((a.run_id, a.domain, a.kind), (a.run_id, a.kind)) order by 1, 2, 3
    on conflict (run_id, domain, kind) do update set attempts = r.attempts + excluded.attempts;
  else
    update run_minutes m set succeeded = m.succeeded - x.succeeded, failed = m.failed - x.failed, unknown = m.unknown - x.unknown
    from (
      select run_id, minute_of(attempted_at) as at, count(*) filter (where status = 'success') as succeeded,
        count(*) filter (where status = 'failure') as failed, count(*) filter (where status = 'unknown') as unknown
      from old_rows group by 1, 2
    ) x where m.run_id = x.run_id and m.minute_at = x.at;
    update run_quarters q set succeeded = q.succeeded - x.succeeded, failed = q.failed - x.failed, unknown = q.unknown - x.unknown
    from (
      select run_id, quarter_of(attempted_at) as at, count(*) filter (where status = 'success') as succeeded,
        count(*) filter (where status = 'failure') as failed, count(*) filter (where status = 'unknown') as unknown
      from old_rows group by 1, 2
    ) x where q.run_id = x.run_id and q.quarter_at = x.at;
    update run_answers r set attempts = r.attempts - x.attempts
    from (
      select a.run_id, coalesce(a.domain, '') as domain, a.kind, count(*) as attempts from (
        select o.run_id, domain_of(d.email) as domain, o.kind from old_rows o join deliveries d on d.id = o.delivery_id
        where o.kind is not null
      ) a group by grouping sets ((a.run_id, a.domain, a.kind), (a.run_id, a.kind))
    ) x where r.run_id = x.run_id and r.domain = x.domain and r.kind = x.kind;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger attempts_inserted_summed after insert on attempts referencing new table as new_rows
  for each statement execute function attempts_summed();
--> statement-breakpoint
create trigger attempts_deleted_summed after delete on attempts referencing old table as old_rows
  for each statement execute function attempts_summed();
--> statement-breakpoint
drop function record_outcomes(bigint, text, int, int, timestamptz, bigint[], text[], int[], text[], int[], text[], text[], text[], int[],
  text[], bigint[]);--> statement-breakpoint
-- Writes what became of a parcel, only where the lease is still held: no row when it is lost, and then nothing is written. Outcomes
-- are told in kinds, which most letters share: of each its delivery, the server's words, and which kind it is. A kind without an
-- attempt status was never handed over, and leaves no attempt; a delivery status of `sending` leaves the delivery in its batch,
-- which will be repeated as it is. In the same step the deliveries that are wanted next are intended, as `intend_attempts` does, as the
-- parcel that follows, and those that may go are answered. Called again with the same, however late, it changes nothing and answers the
-- same. Where nothing is outstanding any more the batch is over, and ended. Engines of the version before name no kinds of answers.
create function record_outcomes(of_batch bigint, of_holder text, of_parcel int, lease_seconds int, at timestamptz,
  delivery_ids bigint[], responses text[], kinds int[], attempt_statuses text[], codes int[], stages text[],
  delivery_statuses text[], reasons text[], tried int[], next_tries text[], wanted bigint[], answer_kinds text[] default null)
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
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport,
      kind)
    select o.id, mine.run_id, of_whom.mailing_id, of_whom.owner_id, of_batch, mine.intended_at,
      attempt_statuses[o.kind]::attempt_status, codes[o.kind], o.response, stages[o.kind], mine.transport,
      answer_kinds[o.kind]::answer_kind
    from unnest(delivery_ids, responses, kinds) as o (id, response, kind) where attempt_statuses[o.kind] is not null
    returning status, delivery_id, kind
  )
  select count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
    count(*) filter (where status = 'unknown') as unknown,
    array_agg(delivery_id) filter (where kind is not null) as of_deliveries, array_agg(kind) filter (where kind is not null) as kinds
  into noted from written;
  with settled as (
    update deliveries d set status = delivery_statuses[o.kind]::delivery_status, reason = reasons[o.kind],
      tries = d.tries + tried[o.kind],
      next_try_at = case when delivery_statuses[o.kind] = 'queued' then coalesce(next_tries[o.kind]::timestamptz, at) end,
      ended_at = case when delivery_statuses[o.kind] <> 'queued' then at end,
      kind = case when delivery_statuses[o.kind] in ('failed', 'unknown') then answer_kinds[o.kind]::answer_kind end
    from unnest(delivery_ids, kinds) as o (id, kind)
    where d.id = o.id and d.status = 'queued' and d.next_try_at is null and delivery_statuses[o.kind] <> 'sending'
    returning d.status, d.id, d.kind
  )
  select count(*) as all_of_them, count(*) filter (where status <> 'queued') as ended,
    count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'unknown') as unknown, array_agg(id) filter (where kind is not null) as missed
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
  if noted.succeeded + noted.failed + noted.unknown > 0 then
    insert into run_minutes as m (run_id, minute_at, succeeded, failed, unknown)
    values (mine.run_id, date_bin('1 minute', mine.intended_at, '2000-01-01T00:00Z'), noted.succeeded, noted.failed, noted.unknown)
    on conflict (run_id, minute_at) do update set succeeded = m.succeeded + excluded.succeeded, failed = m.failed + excluded.failed,
      unknown = m.unknown + excluded.unknown;
    insert into run_quarters as q (run_id, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    values (mine.run_id, date_bin('15 minutes', mine.intended_at, '2000-01-01T00:00Z'), of_whom.owner_id, of_whom.mailing_id,
      noted.succeeded, noted.failed, noted.unknown)
    on conflict (run_id, quarter_at) do update set succeeded = q.succeeded + excluded.succeeded, failed = q.failed + excluded.failed,
      unknown = q.unknown + excluded.unknown;
  end if;
  if noted.kinds is not null or moved.missed is not null then
    insert into run_answers as r (run_id, domain, kind, attempts, failed, unknown)
    select mine.run_id, coalesce(domain, ''), kind, sum(attempts), sum(failed), sum(unknown) from (
      select domain_of(d.email) as domain, a.kind, 1 as attempts, 0 as failed, 0 as unknown
      from unnest(noted.of_deliveries, noted.kinds) as a (id, kind) join deliveries d on d.id = a.id
      union all
      select domain_of(d.email), d.kind, 0, (d.status = 'failed')::int, (d.status = 'unknown')::int
      from deliveries d where d.id = any (moved.missed)
    ) rows group by grouping sets ((domain, kind), (kind)) order by 2, 3
    on conflict (run_id, domain, kind) do update set attempts = r.attempts + excluded.attempts, failed = r.failed + excluded.failed,
      unknown = r.unknown + excluded.unknown;
  end if;
end $$;
--> statement-breakpoint
CREATE INDEX "attempts_missed" ON "attempts" USING btree ("id") WHERE "attempts"."kind" is not null;--> statement-breakpoint
CREATE INDEX "attempts_missed_mailing" ON "attempts" USING btree ("mailing_id","attempted_at","id") WHERE "attempts"."kind" is not null;--> statement-breakpoint
CREATE INDEX "attempts_missed_owner" ON "attempts" USING btree ("owner_id","attempted_at","id") WHERE "attempts"."kind" is not null;--> statement-breakpoint
CREATE INDEX "attempts_kind" ON "attempts" USING btree ("owner_id","kind","attempted_at","id") WHERE "attempts"."kind" is not null;--> statement-breakpoint
CREATE INDEX "deliveries_kind" ON "deliveries" USING btree ("run_id","kind","client_id") WHERE "deliveries"."kind" is not null;--> statement-breakpoint
CREATE INDEX "runs_message" ON "runs" USING btree ("message_id","id");--> statement-breakpoint
CREATE INDEX "attempts_mailing" ON "attempts" USING btree ("mailing_id","attempted_at","id");--> statement-breakpoint
CREATE INDEX "attempts_owner" ON "attempts" USING btree ("owner_id","attempted_at","id");--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_kind_unless_taken" CHECK (("attempts"."kind" is null) = ("attempts"."status" = 'success'));--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_kind_of_miss" CHECK (("deliveries"."kind" is not null) = ("deliveries"."status" in ('failed', 'unknown')));