-- Outcomes per device and UTC hour are counted under the device's number: the name twice in each row of each index was
-- most of the table, and every batch writes to it. Nought is what no known device sent. The marks of what a batch
-- changed stand beside the counts, for they are of the same hours: one row is written where there were two.

alter table ingest_count rename to ingest_count_named;
alter table touched rename to touched_apart;

create table ingest_count (
    device_id bigint not null,
    kind      text not null,
    hour      timestamptz not null,
    unit      text not null check (unit in ('message', 'reading')),
    outcome   text not null,
    n         bigint not null,
    batch_seq bigint not null,
    primary key (device_id, kind, hour, unit, outcome)
) with (fillfactor = 70); -- the same rows are updated again and again: room for the new version beside the old one

insert into ingest_count (device_id, kind, hour, unit, outcome, n, batch_seq)
select coalesce(d.device_id, 0), c.kind, c.hour, c.unit, c.outcome, sum(c.n), coalesce(max(t.batch_seq), 0)
from ingest_count_named c
left join device d on d.source = c.source and d.device = c.device
left join touched_apart t on t.device_id = d.device_id and t.kind = c.kind and t.hour = c.hour
group by 1, 2, 3, 4, 5;

drop table ingest_count_named;
drop table touched_apart;

-- What batches changed, and by which the last time. Duplicates change nothing.
create view touched as
select device_id, kind, hour, max(batch_seq) as batch_seq
from ingest_count
where unit = 'reading' and outcome in ('accepted', 'conflict')
group by device_id, kind, hour;
