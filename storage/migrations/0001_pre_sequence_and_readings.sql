-- Sequence, devices, rejections, counts, marks, collection masks. The tables of readings follow from their
-- declarations (storage/queries/kinds.sql).

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

-- Collection masks: where and when a vehicle's fixes may be kept. Under each contract a device's newest revision holds;
-- one without areas keeps nothing. The number comes from a sequence of its own, which no rollback turns back: what a
-- worker remembers under it can never be something else.
create table mask_revision (
    revision bigint generated always as identity primary key,
    contract text not null,
    source   text not null,
    device   text not null,
    seq      bigint not null,
    unique (contract, source, device, seq)
);

-- Since is in, until is out, edges are in.
create table collection_mask (
    revision         bigint not null references mask_revision,
    since            timestamptz not null,
    until            timestamptz not null,
    min_latitude_e7  integer not null,
    max_latitude_e7  integer not null,
    min_longitude_e7 integer not null,
    max_longitude_e7 integer not null
);
create index collection_mask_revision on collection_mask (revision);

-- Fixes of which only a count was kept, so that one delivered again is not counted again: a digest under this
-- database's secret, from which no position can be read, and the hour of reception. Rows older than any broker or
-- device delivers again (a week of the broker's session, the depth of the devices' memory) can be deleted.
create table reduced_fix (
    digest        uuid primary key,
    received_hour timestamptz not null
);
create index reduced_fix_received_hour on reduced_fix (received_hour);

-- Drawn once; 244 random bits. Without it a digest of a position could be found by trying all positions.
create table digest_secret (
    only_row boolean primary key default true check (only_row),
    secret   bytea not null
);
insert into digest_secret (secret)
values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
