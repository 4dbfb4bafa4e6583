-- name: lock
-- One writer a contract at a time; released at the end of the transaction.
select pg_advisory_xact_lock(hashtextextended('ledger ' || %(contract)s, 0))

-- name: select_head
select entry, hash from ledger where contract = %(contract)s order by entry desc limit 1

-- name: insert
insert into ledger (contract, entry, kind, body, previous_hash, hash, seq)
values (%(contract)s, %(entry)s, %(kind)s, %(body)s, %(previous_hash)s, %(hash)s, %(seq)s)

-- name: select_chain
select entry, kind, body, previous_hash, hash from ledger where contract = %(contract)s order by entry

-- name: first_broken
-- The same check in SQL: the first entry whose hash does not follow from its content and the entry before it.
select entry from (
    select entry, hash, previous_hash,
           lag(hash, 1, '') over (order by entry) as hash_before,
           row_number() over (order by entry) as place,
           encode(sha256(convert_to(previous_hash || chr(10) || entry || chr(10) || kind || chr(10) || body, 'UTF8')),
                  'hex') as computed
    from ledger where contract = %(contract)s
) chain
where hash <> computed or previous_hash <> hash_before or entry <> place
order by entry limit 1

-- name: select_entries
select kind, body, seq from ledger where contract = %(contract)s order by entry

-- name: select_statements_of
select body from statement where contract = %(contract)s and seq = %(seq)s

-- name: select_acts_of
select body from act where contract = %(contract)s and seq = %(seq)s

-- name: select_determinations_of
-- What an assessment found new, as it is stored now.
select d.id, d.body
from assessed a join determination d on d.id = a.id
where a.contract = %(contract)s and a.seq = %(seq)s

-- name: select_records_of
select register, subject, place, body from record
where contract = %(contract)s and seq = %(seq)s order by subject, place

-- name: select_hash
select hash from ledger where contract = %(contract)s and entry = %(entry)s

-- name: select_issues
-- What each issued statement says that the chain was then.
select period, issue from statement where contract = %(contract)s order by period, revision

-- name: first_unentered
-- The first kept row that no entry speaks of: its entry was cut off the chain.
select what, seq from (
    select 'statement' as what, seq from statement where contract = %(contract)s
    union all select 'act', seq from act where contract = %(contract)s
    union all select 'record', seq from record where contract = %(contract)s
    union all select 'determination', seq from assessed where contract = %(contract)s
) kept
where not exists (select from ledger l where l.contract = %(contract)s and l.seq = kept.seq)
order by seq limit 1
