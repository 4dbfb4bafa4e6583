-- name: select_version
select files, digest from contract_version where contract = %(contract)s and version = %(version)s

-- name: insert_version
insert into contract_version (contract, version, files, digest, seq)
values (%(contract)s, %(version)s, %(files)s, %(digest)s, %(seq)s)

-- name: select_versions
select version, files from contract_version
where contract = %(contract)s and seq <= %(known_through)s order by version

-- name: select_last_register
select revision, files, digest from register_revision
where contract = %(contract)s and seq <= %(known_through)s order by revision desc limit 1

-- name: insert_register
insert into register_revision (contract, revision, files, digest, seq)
values (%(contract)s, %(revision)s, %(files)s, %(digest)s, %(seq)s)

-- name: select_contracts
select contract, max(version) from contract_version group by contract order by contract

-- name: lock
-- One assessment or issue a contract at a time; held by the session, taken again by whoever has it.
select pg_advisory_lock(hashtextextended('contract ' || %(contract)s, 0))

-- name: unlock
select pg_advisory_unlock(hashtextextended('contract ' || %(contract)s, 0))
