-- Outcomes per device and UTC hour are counted under the device's number: the name twice in each row of each index was
-- most of the table, and every batch writes to it. Nought is what no known device sent.

alter table ingest_count rename to ingest_count_named;

create table ingest_count (
    device_id bigint not null,
    kind      text not null,
    hour      timestamptz not null,
    unit      text not null check (unit in ('message', 'reading')),
    outcome   text not null,
    n         bigint not null,
    primary key (device_id, kind, hour, unit, outcome)
);

insert into ingest_count (device_id, kind, hour, unit, outcome, n)
select coalesce(d.device_id, 0), c.kind, c.hour, c.unit, c.outcome, sum(c.n)
from ingest_count_named c
left join device d on d.source = c.source and d.device = c.device
group by 1, 2, 3, 4, 5;

drop table ingest_count_named;
