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

-- name: copy_count
-- What was accepted or conflicts is a mark too.
copy ingest_count (device_id, kind, hour, unit, outcome, n, batch_seq) from stdin (format binary)

-- name: add_rejection
insert into rejection (digest, element, reason, detail, topic, payload, payload_bytes, first_received_time, batch_seq)
values (%(digest)s, %(element)s, %(reason)s, %(detail)s, %(topic)s, %(payload)s, %(payload_bytes)s, %(received_time)s,
        %(batch_seq)s)
on conflict do nothing

-- name: count_by_outcome
select unit, outcome, sum(n)::bigint from ingest_count group by unit, outcome order by unit, outcome

-- name: count_messages
select coalesce(sum(n), 0)::bigint from ingest_count where unit = 'message'

-- name: count_of_devices
-- Outcomes of readings of some devices whose event lies in a span of whole UTC hours.
select c.outcome, sum(c.n)::bigint
from ingest_count c
join device d using (device_id)
join unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
  on said.source = d.source and said.device = d.device
where c.unit = 'reading' and c.hour >= %(first)s and c.hour < %(until)s
group by c.outcome order by c.outcome

-- name: count_rejections
select reason, count(*)::bigint from rejection group by reason order by reason

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
    select from ingest_count t
    join device d on d.device_id = t.device_id
    join unnest(%(sources)s::text[], %(devices)s::text[]) as said (source, device)
      on said.source = d.source and said.device = d.device
    where t.batch_seq > %(seq)s and t.unit = 'reading' and t.outcome in ('accepted', 'conflict') and t.hour >= date_trunc('hour', %(first)s::timestamptz, 'UTC') and t.hour < %(until)s
) or exists (select from committed where seq > %(seq)s and what = 'contract')
