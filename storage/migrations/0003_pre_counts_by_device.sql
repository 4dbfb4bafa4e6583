-- What each batch did, per device and UTC hour: outcomes counted, under the device's number. Nought is what no known
-- device sent. Each batch adds rows of its own and changes none: adding to a row of before cost more than the readings,
-- and what was counted by a number of the sequence can be said of any number. These rows are the marks, too, of what a
-- batch changed: they are of the same hours.

alter table ingest_count rename to ingest_count_named;
alter table touched rename to touched_apart;

create table ingest_count (
    device_id bigint not null,
    kind      text not null,
    hour      timestamptz not null,
    unit      text not null check (unit in ('message', 'reading')),
    outcome   text not null,
    n         bigint not null,
    batch_seq bigint not null
);
-- Rows come in the order of batches, and nearly in that of hours: a range of pages says all, at no price worth naming.
create index ingest_count_ranges on ingest_count using brin (hour, batch_seq) with (pages_per_range = 32);
create index ingest_count_messages on ingest_count (outcome, n) where unit = 'message';

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
