-- name: insert_devices
insert into device (source, device)
select source, device from unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
on conflict do nothing

-- name: select_devices
select d.source, d.device, d.device_id
from device d
join unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
  on said.source = d.source and said.device = d.device

-- name: select_all_devices
select source, device from device order by source, device

-- name: create_stage_fill_level
-- One row per reading of the batch, sentinels in place of NULL; lives as long as the connection.
create temporary table if not exists stage_fill_level (
    place             integer not null,
    device_id         bigint not null,
    event_time        timestamptz not null,
    sequence          bigint not null,
    event_time_source smallint not null,
    device_time       timestamptz not null,
    network_time      timestamptz not null,
    sent_time         timestamptz not null,
    received_time     timestamptz not null,
    clock             smallint not null,
    distance_mm       integer not null,
    fill_ppm          integer not null,
    battery_mv        integer not null,
    temperature_mdegc integer not null,
    tilt_deg          integer not null,
    quality_code      integer not null,
    digest            uuid not null
) on commit delete rows

-- name: copy_stage_fill_level
copy stage_fill_level from stdin (format binary)

-- name: insert_fill_level
-- The first of a key in the batch goes in, unless the key is there already. Says how many per device and UTC hour.
with stored as (
insert into fill_level (device_id, event_time, sequence, event_time_source, device_time, network_time, sent_time,
                        received_time, clock, distance_mm, fill_ppm, battery_mv, temperature_mdegc, tilt_deg,
                        quality_code, digest, batch_seq)
select distinct on (event_time, device_id, sequence)
       device_id, event_time, sequence, event_time_source,
       nullif(device_time, '-infinity'), nullif(network_time, '-infinity'), nullif(sent_time, '-infinity'),
       received_time, clock,
       nullif(distance_mm, -2147483648), nullif(fill_ppm, -2147483648), nullif(battery_mv, -2147483648),
       nullif(temperature_mdegc, -2147483648), nullif(tilt_deg, -2147483648), nullif(quality_code, -2147483648),
       digest, %(batch_seq)s
from stage_fill_level
order by event_time, device_id, sequence, place
on conflict do nothing
returning device_id, event_time
)
select device_id, date_trunc('hour', event_time, 'UTC'), count(*) from stored group by 1, 2

-- name: insert_fill_level_conflict
-- What differs from the content stored under its key, once per distinct content.
with stored as (
insert into fill_level_conflict (device_id, event_time, sequence, event_time_source, device_time, network_time,
                                 sent_time, received_time, clock, distance_mm, fill_ppm, battery_mv,
                                 temperature_mdegc, tilt_deg, quality_code, digest, batch_seq)
select distinct on (s.event_time, s.device_id, s.sequence, s.digest)
       s.device_id, s.event_time, s.sequence, s.event_time_source,
       nullif(s.device_time, '-infinity'), nullif(s.network_time, '-infinity'), nullif(s.sent_time, '-infinity'),
       s.received_time, s.clock,
       nullif(s.distance_mm, -2147483648), nullif(s.fill_ppm, -2147483648), nullif(s.battery_mv, -2147483648),
       nullif(s.temperature_mdegc, -2147483648), nullif(s.tilt_deg, -2147483648),
       nullif(s.quality_code, -2147483648), s.digest, %(batch_seq)s
from stage_fill_level s
join fill_level r on r.device_id = s.device_id and r.event_time = s.event_time and r.sequence = s.sequence
where r.digest <> s.digest and r.event_time >= %(first)s and r.event_time <= %(last)s
order by s.event_time, s.device_id, s.sequence, s.digest, s.place
on conflict do nothing
returning device_id, event_time
)
select device_id, date_trunc('hour', event_time, 'UTC'), count(*) from stored group by 1, 2

-- name: add_count
insert into ingest_count (source, device, kind, hour, unit, outcome, n)
select source, device, kind, hour, unit, outcome, n
from unnest(%(sources)s::text[], %(devices)s::text[], %(kinds)s::text[], %(hours)s::timestamptz[],
            %(units)s::text[], %(outcomes)s::text[], %(counts)s::bigint[])
     as said (source, device, kind, hour, unit, outcome, n)
order by source, device, kind, hour, unit, outcome
on conflict (source, device, kind, hour, unit, outcome) do update set n = ingest_count.n + excluded.n

-- name: add_touched
insert into touched (device_id, kind, hour, batch_seq)
select device_id, %(kind)s, hour, %(batch_seq)s
from unnest(%(device_ids)s::bigint[], %(hours)s::timestamptz[]) as said (device_id, hour)
order by device_id, hour
on conflict (device_id, kind, hour) do update set batch_seq = excluded.batch_seq

-- name: add_rejection
insert into rejection (digest, element, reason, detail, topic, payload, payload_bytes, first_received_time, batch_seq)
values (%(digest)s, %(element)s, %(reason)s, %(detail)s, %(topic)s, %(payload)s, %(payload_bytes)s, %(received_time)s,
        %(batch_seq)s)
on conflict do nothing

-- name: copy_fill_level
-- All that is known of some devices in a span, conflicting contents side by side.
copy (
    select device_id, event_time, sequence, clock, coalesce(distance_mm, -2147483648),
           coalesce(fill_ppm, -2147483648), coalesce(quality_code, -2147483648), digest
    from fill_level
    where device_id = any(%(device_ids)s) and event_time >= %(first)s and event_time < %(until)s
      and batch_seq <= %(known_through)s
    union all
    select device_id, event_time, sequence, clock, coalesce(distance_mm, -2147483648),
           coalesce(fill_ppm, -2147483648), coalesce(quality_code, -2147483648), digest
    from fill_level_conflict
    where device_id = any(%(device_ids)s) and event_time >= %(first)s and event_time < %(until)s
      and batch_seq <= %(known_through)s
    order by 1, 2, 3, 8
) to stdout (format binary)

-- name: count_by_outcome
select unit, outcome, sum(n)::bigint from ingest_count group by unit, outcome order by unit, outcome

-- name: count_of_devices
-- Outcomes of readings of some devices whose event lies in a span of whole UTC hours.
select c.outcome, sum(c.n)::bigint
from ingest_count c
join unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
  on said.source = c.source and said.device = c.device
where c.unit = 'reading' and c.hour >= %(first)s and c.hour < %(until)s
group by c.outcome order by c.outcome

-- name: count_rejections
select reason, count(*)::bigint from rejection group by reason order by reason

-- name: select_touched
select device_id, kind, hour, batch_seq from touched order by device_id, kind, hour

-- name: select_readings_for_people
-- A device's readings in a span, as said, for the eye.
select event_time, sequence, clock, distance_mm, fill_ppm, battery_mv, quality_code, digest::text, received_time
from fill_level
where device_id = %(device_id)s and event_time >= %(first)s and event_time < %(until)s
union all
select event_time, sequence, clock, distance_mm, fill_ppm, battery_mv, quality_code, digest::text, received_time
from fill_level_conflict
where device_id = %(device_id)s and event_time >= %(first)s and event_time < %(until)s
order by 1, 2, 8

-- name: count_rejected_since
-- Messages and readings rejected since an instant, whoever sent them.
select unit, sum(n)::bigint from ingest_count
where outcome = 'rejected' and hour >= date_trunc('hour', %(since)s::timestamptz, 'UTC')
group by unit order by unit

-- name: select_last_ingested
select received_time from committed where what = 'readings' order by seq desc limit 1

-- name: is_touched_since
-- Whether a batch after a number changed something of some devices in a span, or a contract was added to.
select exists (
    select from touched t
    join device d on d.device_id = t.device_id
    join unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
      on said.source = d.source and said.device = d.device
    where t.batch_seq > %(seq)s and t.hour >= date_trunc('hour', %(first)s::timestamptz, 'UTC') and t.hour < %(until)s
) or exists (select from committed where seq > %(seq)s and what = 'contract')
