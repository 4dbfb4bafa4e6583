-- name: lock
-- Wait until no other migrator works; released when the connection ends.
select pg_advisory_lock(%(lock)s)

-- name: use_timescaledb
-- Take TimescaleDB where the server has it loaded; close what any login role could crash or that only fills the log.
do $$
begin
    if exists (select from pg_available_extensions where name = 'timescaledb')
       -- Known only where the library is loaded, and readable by any role.
       and current_setting('timescaledb.license', true) is not null then
        create extension if not exists timescaledb;
        begin
            -- Trying to merge chunks ends the server in 2.19 (segmentation fault).
            revoke execute on procedure merge_chunks(regclass, regclass), merge_chunks(regclass[]) from public;
        exception when undefined_function or insufficient_privilege then null;
        end;
        begin
            -- The job history's own clean-up is refused by the Apache edition and logs an error at every start.
            if current_setting('timescaledb.license', true) = 'apache' then
                delete from _timescaledb_config.bgw_job where id = 3;
            end if;
        exception when undefined_table or insufficient_privilege then null;
        end;
    end if;
end
$$

-- name: create_table
create table if not exists schema_migration (
    name       text primary key,
    sha256     text not null,
    applied_at timestamptz not null default now()
)

-- name: has_table
select to_regclass('schema_migration') is not null

-- name: select_applied
select name, sha256 from schema_migration order by name

-- name: insert_applied
insert into schema_migration (name, sha256) values (%(name)s, %(sha256)s)

-- name: ask_server
select split_part(current_setting('server_version'), ' ', 1),
       coalesce((select extversion from pg_extension where extname = 'timescaledb'), ''),
       coalesce(current_setting('timescaledb.license', true), '')
