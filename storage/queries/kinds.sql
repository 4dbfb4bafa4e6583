-- Of one kind of reading. Names in braces are filled from its declaration: {table}, {conflict} and {stage} are its
-- tables, the others lists made of the pieces at the end.

-- name: create_table
-- Readings as said. The digest tells a duplicate from a conflict and is no part of the key.
create table {table} (
    device_id         bigint not null,
    event_time        timestamptz not null,
    sequence          bigint not null,
    event_time_source smallint not null,
    device_time       timestamptz,
    network_time      timestamptz,
    sent_time         timestamptz,
    received_time     timestamptz not null,
    clock             smallint not null,
    {columns},
    digest            uuid not null,
    batch_seq         bigint not null,
    primary key (device_id, event_time, sequence)
)

-- name: create_conflict_table
-- Same key, other content: kept beside, so that which one came first decides nothing.
create table {conflict} (like {table}, primary key (device_id, event_time, sequence, digest))

-- name: create_hypertable
-- Seven days: a chunk holds a week of a city in memory, years of history stay under the lock limit.
select create_hypertable(%(table)s::regclass, by_range('event_time', interval '7 days'),
                         create_default_indexes => false)

-- name: create_trigger
create trigger {trigger} before update on {table} for each row execute function refuse_change()

-- name: add_column
alter table {table} add column {column}

-- name: select_columns
select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
from pg_class c
join pg_attribute a on a.attrelid = c.oid
where c.relname = any(%(tables)s::text[]) and c.relkind = 'r' and pg_table_is_visible(c.oid)
  and a.attnum > 0 and not a.attisdropped

-- name: create_stage
-- One row per reading of the batch; lives as long as the connection.
create temporary table if not exists {stage} (
    arrival           integer not null,
    device_id         bigint not null,
    event_time        timestamptz not null,
    sequence          bigint not null,
    event_time_source smallint not null,
    device_time       timestamptz,
    network_time      timestamptz,
    sent_time         timestamptz,
    received_time     timestamptz not null,
    clock             smallint not null,
    digest            uuid not null,
    {columns}
) on commit delete rows

-- name: copy_stage
copy {stage} (arrival, device_id, event_time, sequence, event_time_source, device_time, network_time, sent_time,
              received_time, clock, digest, {names})
from stdin (format binary)

-- name: copy_table
-- Straight into the table: for a batch of which nothing is there yet.
copy {table} (device_id, event_time, sequence, event_time_source, device_time, network_time, sent_time, received_time,
              clock, digest, {names}, batch_seq)
from stdin (format binary)

-- name: insert
-- The first of a key in the batch goes in, unless the key is there already. Says how many per device and UTC hour,
-- numbered from 1970.
with stored as (
insert into {table} (device_id, event_time, sequence, event_time_source, device_time, network_time, sent_time,
                     received_time, clock, {names}, digest, batch_seq)
select distinct on (s.event_time, s.device_id, s.sequence)
       s.device_id, s.event_time, s.sequence, s.event_time_source,
       s.device_time, s.network_time, s.sent_time, s.received_time, s.clock, {staged}, s.digest, %(batch_seq)s
from {stage} s
order by s.event_time, s.device_id, s.sequence, s.arrival
on conflict do nothing
returning device_id, event_time
)
select device_id, floor(extract(epoch from event_time) / 3600)::bigint, count(*) from stored group by 1, 2

-- name: insert_conflict
-- What differs from the content stored under its key, once per distinct content.
with stored as (
insert into {conflict} (device_id, event_time, sequence, event_time_source, device_time, network_time, sent_time,
                        received_time, clock, {names}, digest, batch_seq)
select distinct on (s.event_time, s.device_id, s.sequence, s.digest)
       s.device_id, s.event_time, s.sequence, s.event_time_source,
       s.device_time, s.network_time, s.sent_time, s.received_time, s.clock, {staged}, s.digest, %(batch_seq)s
from {stage} s
cross join lateral (
    -- One look into an index each, and never a scan, however many the planner expects.
    select r.digest from {table} r
    where r.device_id = s.device_id and r.event_time = s.event_time and r.sequence = s.sequence
      and r.event_time >= %(first)s and r.event_time <= %(last)s
    limit 1
) r
where r.digest <> s.digest
order by s.event_time, s.device_id, s.sequence, s.digest, s.arrival
on conflict do nothing
returning device_id, event_time
)
select device_id, floor(extract(epoch from event_time) / 3600)::bigint, count(*) from stored group by 1, 2

-- name: select_present
-- Which of some readings are stored, by their place in the question.
select said.place
from unnest(%(places)s::bigint[], %(device_ids)s::bigint[], %(event_times)s::timestamptz[], %(sequences)s::bigint[],
            %(digests)s::uuid[]) as said (place, device_id, event_time, sequence, digest)
where exists (select from {table} r
              where r.device_id = said.device_id and r.event_time = said.event_time and r.sequence = said.sequence
                and r.digest = said.digest and r.event_time >= %(first)s and r.event_time <= %(last)s)
   or exists (select from {conflict} r
              where r.device_id = said.device_id and r.event_time = said.event_time and r.sequence = said.sequence
                and r.digest = said.digest)

-- name: count_repeats
-- Of readings of this batch that a network timed and numbered: those that say again, at another time within minutes,
-- what is there under their number. The network delivered one frame twice; both are kept as it said.
select q.device_id, floor(extract(epoch from q.event_time) / 3600)::bigint, q.differs, count(*)
from (
    select f.device_id, f.event_time, not bool_or(r.digest = f.digest) as differs
    from unnest(%(device_ids)s::bigint[], %(event_times)s::timestamptz[], %(sequences)s::bigint[])
         as said (device_id, event_time, sequence)
    join {table} f on f.device_id = said.device_id and f.event_time = said.event_time and f.sequence = said.sequence
    join {table} r on r.device_id = f.device_id and r.sequence = f.sequence
    where f.batch_seq = %(batch_seq)s and f.event_time >= %(first)s and f.event_time <= %(last)s
      and r.event_time >= f.event_time - %(within)s::interval and r.event_time <= f.event_time + %(within)s::interval
      and r.event_time <> f.event_time and (r.batch_seq < f.batch_seq or r.event_time < f.event_time)
      and r.event_time >= %(first)s::timestamptz - %(within)s::interval
      and r.event_time <= %(last)s::timestamptz + %(within)s::interval
    group by f.device_id, f.event_time, f.sequence
) q
group by 1, 2, 3

-- name: select_known
-- All that is known of some devices in a span, conflicting contents side by side; sentinels where not said.
select device_id, event_time, sequence, clock, event_time_source, digest, {said}
from {table}
where device_id = any(%(device_ids)s) and event_time >= %(first)s and event_time < %(until)s
  and batch_seq <= %(known_through)s
union all
select device_id, event_time, sequence, clock, event_time_source, digest, {said}
from {conflict}
where device_id = any(%(device_ids)s) and event_time >= %(first)s and event_time < %(until)s
  and batch_seq <= %(known_through)s
order by 1, 2, 3, 6

-- name: copy_known
copy ({known}) to stdout (format binary)

-- name: count_numbers
-- Of readings that their devices number: how many numbers are missing between neighbours in time, how often a count
-- began anew, how many came late. A frame's number holds its session above 2^32. A step forward beyond the limit is a
-- new count too: nobody lost so many between two readings.
with numbered as (
    select device_id, sequence, received_time,
           sequence - lag(sequence) over (partition by device_id order by event_time, sequence) as step,
           (sequence >> 32) = lag(sequence >> 32) over (partition by device_id order by event_time, sequence) as goes_on
    from {table}
    where device_id = any(%(device_ids)s) and event_time >= %(first)s and event_time < %(until)s
      and event_time_source <> 3 and batch_seq <= %(known_through)s
)
select coalesce(sum(step - 1) filter (where goes_on and step > 1 and step <= %(step_max)s), 0)::bigint,
       count(*) filter (where sequence > 0 and goes_on and (step < 0 or step > %(step_max)s)),
       count(*) filter (where received_time >= %(late_from)s)
from numbered

-- name: select_for_people
-- A device's readings in a span, as said, for the eye.
select event_time, sequence, clock, digest, received_time, {names}
from {table}
where device_id = %(device_id)s and event_time >= %(first)s and event_time < %(until)s
union all
select event_time, sequence, clock, digest, received_time, {names}
from {conflict}
where device_id = %(device_id)s and event_time >= %(first)s and event_time < %(until)s
order by 1, 2, 4

-- name: number_column
{name} integer

-- name: word_column
{name} text

-- name: number_said
coalesce({name}, -2147483648)

-- name: word_said
coalesce({name}, '')
