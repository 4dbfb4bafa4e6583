-- Sequence, devices, readings, rejections, counts, marks.

-- One number line for all that can change a result. Whoever writes takes the next number inside its transaction
-- and keeps the row lock until commit, so that the order of numbers is the order of commits.
create table known_sequence (
    only_row boolean primary key default true check (only_row),
    last     bigint not null
);
insert into known_sequence (last) values (0);

create table committed (
    seq           bigint primary key,
    what          text not null,
    received_time timestamptz not null
);

create table device (
    device_id bigint generated always as identity primary key,
    source    text not null,
    device    text not null,
    unique (source, device)
);

-- Readings as said. The digest tells a duplicate from a conflict and is no part of the key.
create table fill_level (
    device_id         bigint not null,
    event_time        timestamptz not null,
    sequence          bigint not null,
    event_time_source smallint not null,
    device_time       timestamptz,
    network_time      timestamptz,
    sent_time         timestamptz,
    received_time     timestamptz not null,
    clock             smallint not null,
    distance_mm       integer,
    fill_ppm          integer,
    battery_mv        integer,
    temperature_mdegc integer,
    tilt_deg          integer,
    quality_code      integer,
    digest            uuid not null,
    batch_seq         bigint not null,
    primary key (device_id, event_time, sequence)
);

-- Same key, other content: kept beside, so that which one came first decides nothing.
create table fill_level_conflict (
    device_id         bigint not null,
    event_time        timestamptz not null,
    sequence          bigint not null,
    event_time_source smallint not null,
    device_time       timestamptz,
    network_time      timestamptz,
    sent_time         timestamptz,
    received_time     timestamptz not null,
    clock             smallint not null,
    distance_mm       integer,
    fill_ppm          integer,
    battery_mv        integer,
    temperature_mdegc integer,
    tilt_deg          integer,
    quality_code      integer,
    digest            uuid not null,
    batch_seq         bigint not null,
    primary key (device_id, event_time, sequence, digest)
);

-- What could not be accepted, once per distinct message and place in it.
create table rejection (
    digest              uuid not null,
    element             integer not null,
    reason              text not null,
    detail              text not null,
    topic               text not null,
    payload             bytea not null,
    payload_bytes       integer not null,
    first_received_time timestamptz not null,
    batch_seq           bigint not null,
    primary key (digest, element)
);

-- Outcomes per device and UTC hour: of the event for readings, of reception for what has no readable event time.
-- Source and device are empty where a message did not say.
create table ingest_count (
    source  text not null,
    device  text not null,
    kind    text not null,
    hour    timestamptz not null,
    unit    text not null check (unit in ('message', 'reading')),
    outcome text not null,
    n       bigint not null,
    primary key (source, device, kind, hour, unit, outcome)
);

-- What batches changed, and by which the last time: an issued month that nothing touched since stands as it is.
create table touched (
    device_id bigint not null,
    kind      text not null,
    hour      timestamptz not null,
    batch_seq bigint not null,
    primary key (device_id, kind, hour)
);

do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        -- Seven days: a chunk holds a week of a city in memory, years of history stay under the lock limit.
        perform create_hypertable('fill_level', by_range('event_time', interval '7 days'),
                                  create_default_indexes => false);
    end if;
end
$$;
