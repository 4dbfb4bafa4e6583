-- Contracts, installations, determinations, statements, acts, ledger.

-- An immutable version of the terms: the files as loaded, and the time zone's transitions they were loaded with.
create table contract_version (
    contract  text not null,
    version   integer not null,
    files     text not null,
    digest    text not null,
    seq       bigint not null,
    primary key (contract, version)
);

-- Assets and installations: the contract's whole lists as loaded; the newest revision holds.
create table register_revision (
    contract  text not null,
    revision  integer not null,
    files     text not null,
    digest    text not null,
    seq       bigint not null,
    primary key (contract, revision)
);

-- A computed result. Its id ends in a digest of its inputs: the same inputs are never stored twice.
create table determination (
    id            text primary key,
    opportunity   text not null,
    contract      text not null,
    standard      text not null,
    subject       text not null,
    zone          text not null,
    day           date not null,
    inputs_digest text not null,
    body          text not null,
    seq           bigint not null
);

-- Which determination held for an opportunity from which number on; the newest up to a number is what was known then.
create table assessed (
    contract    text not null,
    day         date not null,
    opportunity text not null,
    id          text not null references determination,
    seq         bigint not null,
    primary key (contract, day, opportunity, seq)
);

create table act (
    contract text not null,
    line     text not null,
    body     text not null,
    seq      bigint not null,
    primary key (contract, line)
);

create table statement (
    contract text not null,
    period   text not null,
    revision integer not null,
    body     text not null,
    digest   text not null,
    closing  text not null,
    issue    text not null,
    seq      bigint not null,
    primary key (contract, period, revision)
);

-- One hash chain per contract: hash = sha256(previous hash, entry number, kind, body), in hex.
create table ledger (
    contract      text not null,
    entry         integer not null check (entry >= 1),
    kind          text not null,
    body          text not null,
    previous_hash text not null,
    hash          text not null,
    seq           bigint not null,
    primary key (contract, entry)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed: add a new one', tg_table_name using errcode = 'P0001';
end
$$;

do $$
declare
    kept text;
begin
    foreach kept in array array['contract_version', 'register_revision', 'determination', 'assessed', 'act', 'statement', 'ledger',
                                'committed', 'rejection', 'mask_revision', 'collection_mask', 'digest_secret']
    loop
        execute format('create trigger %I before update on %I for each row execute function refuse_change()',
                       kept || '_no_update', kept);
        if kept <> 'rejection' then
            -- Readings, and what was rejected, may be lawfully destroyed when their retention ends; what money rests on may not.
            execute format('create trigger %I before delete on %I for each row execute function refuse_change()',
                           kept || '_no_delete', kept);
            execute format('create trigger %I before truncate on %I for each statement '
                           'execute function refuse_change()', kept || '_no_truncate', kept);
        end if;
    end loop;
end
$$;
