-- Due process and the registers beside the statement; requests that are made once; a role that cannot change what is kept.

-- What was done, in the order of its subject (a line, a claim, an invoice): place counts from 1. What it means, and
-- whether it had an effect, is computed from all of them.
create table record (
    contract text not null,
    register text not null,
    subject  text not null,
    place    integer not null check (place >= 1),
    body     text not null,
    seq      bigint not null,
    primary key (contract, register, subject, place)
);
create index record_seq on record (contract, seq);

-- A request under a key of the caller's, and the digest of what it said: said again it changes nothing.
create table request (
    contract text not null,
    key      text not null,
    digest   text not null,
    seq      bigint not null,
    primary key (contract, key)
);

do $$
declare
    kept text;
begin
    foreach kept in array array['record', 'request']
    loop
        execute format('create trigger %I before update on %I for each row execute function refuse_change()',
                       kept || '_no_update', kept);
        execute format('create trigger %I before delete on %I for each row execute function refuse_change()',
                       kept || '_no_delete', kept);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                       kept || '_no_truncate', kept);
    end loop;
end
$$;

-- Rights of the group role that the programs' accounts belong to: of what is kept it can insert and read, no more. Of
-- the rest (readings end with their retention, counters go on) it can change and delete; no table can it truncate.
-- Tables of kinds that a later release declares get theirs when they are made. Triggers refuse the owner too; rights
-- refuse whoever is not the owner, also where somebody has switched the triggers off.
create function grant_writer() returns void language plpgsql as $$
declare
    kept constant text[] := array['contract_version', 'register_revision', 'determination', 'assessed', 'act',
                                  'statement', 'ledger', 'committed', 'rejection', 'mask_revision', 'collection_mask',
                                  'digest_secret', 'record', 'request'];
    found text;
begin
    for found in select tablename from pg_tables where schemaname = current_schema()
    loop
        execute format('revoke all on %I from poniente_writer', found);
        if found = any (kept) or found = 'schema_migration' then
            execute format('grant select on %I to poniente_writer', found);
        else
            execute format('grant select, insert, update, delete on %I to poniente_writer', found);
        end if;
        if found = any (kept) then
            execute format('grant insert on %I to poniente_writer', found);
        end if;
    end loop;
    for found in select viewname from pg_views where schemaname = current_schema()
    loop
        execute format('grant select on %I to poniente_writer', found);
    end loop;
    execute format('alter default privileges in schema %I grant select, insert, update, delete on tables '
                   'to poniente_writer', current_schema());
end
$$;

-- A role belongs to the whole server, so another database may have made it, or be making it now. Who may not make roles
-- asks the server's administrator for it, and then for `select grant_writer()`.
do $$
begin
    if not exists (select from pg_roles where rolname = 'poniente_writer') then
        begin
            create role poniente_writer nologin;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise notice 'role poniente_writer cannot be made by %', current_user;
                return;
        end;
    end if;
    perform grant_writer();
end
$$;
