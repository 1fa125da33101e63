/**
 * SQL that counts everything anew from deliveries and attempts and answers a row for each sum that says something else: the counts of
 * runs, their minutes, quarters of an hour, and answers, of runs that are over the domains, and what these make by days and months
 * of owners and of everybody, and by mailing.
 */
export const differingSums = `
  with minutes as (
    select run_id, date_trunc('minute', attempted_at) as at, count(*) filter (where status = 'success') as succeeded,
      count(*) filter (where status = 'failure') as failed, count(*) filter (where status = 'unknown') as unknown
    from attempts group by 1, 2
  ), quarters as (
    select run_id, to_timestamp(floor(extract(epoch from attempted_at) / 900) * 900) as at,
      count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
      count(*) filter (where status = 'unknown') as unknown
    from attempts group by 1, 2
  ), domains as (
    select a.run_id, lower(split_part(d.email, '@', 2)) as domain,
      to_timestamp(floor(extract(epoch from a.attempted_at) / 900) * 900) as at, a.owner_id, a.mailing_id,
      count(*) filter (where a.status = 'success') as succeeded, count(*) filter (where a.status = 'failure') as failed,
      count(*) filter (where a.status = 'unknown') as unknown
    from attempts a join deliveries d on d.id = a.delivery_id join runs r on r.id = a.run_id where r.status <> 'open'
    group by 1, 2, 3, 4, 5
  ), answers as (
    select run_id, domain, kind, sum(attempts) as attempts, sum(failed) as failed, sum(unknown) as unknown from (
      select a.run_id, each.domain, a.kind, 1 as attempts, 0 as failed, 0 as unknown
      from attempts a join deliveries d on d.id = a.delivery_id
      cross join lateral (values (''), (lower(split_part(d.email, '@', 2)))) each (domain) where a.status <> 'success'
      union all
      select d.run_id, each.domain, d.kind, 0, (d.status = 'failed')::int, (d.status = 'unknown')::int
      from deliveries d cross join lateral (values (''), (lower(split_part(d.email, '@', 2)))) each (domain)
      where d.status in ('failed', 'unknown')
    ) rows group by 1, 2, 3
  ), spans as (
    select w.owner_id, p.span, date_trunc(p.span, d.at at time zone 'UTC') at time zone 'UTC' as at, d.domain,
      sum(d.succeeded) as succeeded, sum(d.failed) as failed, sum(d.unknown) as unknown
    from domains d cross join lateral (values (0::bigint), (d.owner_id)) w (owner_id) cross join (values ('day'), ('month')) p (span)
    group by 1, 2, 3, 4
  ), over as (
    select a.*, r.owner_id, r.mailing_id, date_trunc('day', r.opened_at at time zone 'UTC') at time zone 'UTC' as at
    from answers a join runs r on r.id = a.run_id where r.status <> 'open'
  ), kinds as (
    select w.owner_id, o.at, o.kind, sum(o.attempts) as attempts, sum(o.failed) as failed, sum(o.unknown) as unknown
    from over o cross join lateral (values (0::bigint), (o.owner_id)) w (owner_id) where o.domain = '' group by 1, 2, 3
  ), of_mailings as (
    select mailing_id, domain, kind, sum(attempts) as attempts, sum(failed) as failed, sum(unknown) as unknown from over group by 1, 2, 3
  ), tried as (
    select run_id, count(*) filter (where status = 'success') as succeeded, count(*) filter (where status = 'failure') as failed,
      count(*) filter (where status = 'unknown') as unknown
    from attempts group by 1
  )
  select 'minute' as sum, coalesce(m.run_id, s.run_id) as run_id, to_jsonb(m) as counted, to_jsonb(s) as kept
  from minutes m full join run_minutes s on s.run_id = m.run_id and s.minute_at = m.at
  where (m.succeeded, m.failed, m.unknown) is distinct from (s.succeeded, s.failed, s.unknown)
    and (m.run_id is not null or s.succeeded + s.failed + s.unknown > 0)
  union all
  select 'quarter', coalesce(q.run_id, s.run_id), to_jsonb(q), to_jsonb(s)
  from quarters q full join run_quarters s on s.run_id = q.run_id and s.quarter_at = q.at
  left join run_counts c on c.run_id = s.run_id
  where ((q.succeeded, q.failed, q.unknown) is distinct from (s.succeeded, s.failed, s.unknown)
      and (q.run_id is not null or s.succeeded + s.failed + s.unknown > 0))
    or (s.owner_id, s.mailing_id) is distinct from (c.owner_id, c.mailing_id)
  union all
  select 'domain', coalesce(d.run_id, s.run_id), to_jsonb(d), to_jsonb(s)
  from domains d full join run_domains s on s.run_id = d.run_id and s.domain = d.domain and s.quarter_at = d.at
  where (d.owner_id, d.mailing_id, d.succeeded, d.failed, d.unknown)
    is distinct from (s.owner_id, s.mailing_id, s.succeeded, s.failed, s.unknown)
    and (d.run_id is not null or s.succeeded + s.failed + s.unknown > 0)
  union all
  select 'answer', coalesce(a.run_id, s.run_id), to_jsonb(a), to_jsonb(s)
  from answers a full join run_answers s on s.run_id = a.run_id and s.domain = a.domain and s.kind = a.kind
  where (a.attempts, a.failed, a.unknown) is distinct from (s.attempts, s.failed, s.unknown)
    and (a.run_id is not null or s.attempts + s.failed + s.unknown > 0)
  union all
  select 'span', null, to_jsonb(d), to_jsonb(s)
  from spans d full join domain_sums s on s.owner_id = d.owner_id and s.span::text = d.span and s.begins_at = d.at and s.domain = d.domain
  where (coalesce(d.succeeded, 0), coalesce(d.failed, 0), coalesce(d.unknown, 0))
    is distinct from (coalesce(s.succeeded, 0), coalesce(s.failed, 0), coalesce(s.unknown, 0))
  union all
  select 'kind', null, to_jsonb(k), to_jsonb(s)
  from kinds k full join kind_sums s on s.owner_id = k.owner_id and s.day_at = k.at and s.kind = k.kind
  where (coalesce(k.attempts, 0), coalesce(k.failed, 0), coalesce(k.unknown, 0))
    is distinct from (coalesce(s.attempts, 0), coalesce(s.failed, 0), coalesce(s.unknown, 0))
  union all
  select 'mailing', null, to_jsonb(a), to_jsonb(s)
  from of_mailings a full join mailing_answers s on s.mailing_id = a.mailing_id and s.domain = a.domain and s.kind = a.kind
  where (coalesce(a.attempts, 0), coalesce(a.failed, 0), coalesce(a.unknown, 0))
    is distinct from (coalesce(s.attempts, 0), coalesce(s.failed, 0), coalesce(s.unknown, 0))
  union all
  select 'count', c.run_id, to_jsonb(t), to_jsonb(c) from run_counts c left join tried t on t.run_id = c.run_id
  where (coalesce(t.succeeded, 0), coalesce(t.failed, 0), coalesce(t.unknown, 0))
    is distinct from (c.attempts_succeeded, c.attempts_failed, c.attempts_unknown)`;
