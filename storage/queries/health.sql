-- name: select_stale
-- Devices whose newest position is old against the newest that their source has: on its way for long when it first
-- came, or said again since. By the network's clock alone, for our own says nothing of a history that is played.
with newest as (
    select d.device_id, d.source, d.device, fix.event_time, fix.network_time
    from device d
    cross join lateral (
        select event_time, network_time from position_fix
        where device_id = d.device_id order by event_time desc, sequence desc limit 1
    ) fix
), heard as (
    select source, max(network_time) as network_time from newest group by source
)
select n.source, n.device, n.event_time, h.network_time
from newest n
join heard h on h.source = n.source
where h.network_time - n.event_time > %(age)s
  and (n.network_time - n.event_time > %(age)s
       or exists (select from ingest_count c
                  where c.device_id = n.device_id and c.kind = 'position_fix'
                    and c.hour = date_trunc('hour', n.event_time, 'UTC') and c.unit = 'reading'
                    and c.outcome in ('duplicate', 'conflict')))
order by n.source, n.device

-- name: select_positioned
-- Devices that have sent positions, kept or not.
select distinct source, device from ingest_count join device using (device_id)
where kind = 'position_fix' and unit = 'reading' and outcome in ('accepted', 'reduced')
order by source, device
