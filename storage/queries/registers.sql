-- name: select_places
-- How many records each subject has.
select subject, max(place) from record
where contract = %(contract)s and register = %(register)s and subject = any(%(subjects)s) group by subject

-- name: insert
insert into record (contract, register, subject, place, body, seq)
select %(contract)s, %(register)s, subject, place, body, %(seq)s
from unnest(%(subject)s::text[], %(place)s::integer[], %(body)s::text[]) as new (subject, place, body)

-- name: select
select subject, body, seq from record
where contract = %(contract)s and register = %(register)s and seq <= %(known_through)s order by subject, place

-- name: select_request
select digest, seq from request where contract = %(contract)s and key = %(key)s

-- name: insert_request
insert into request (contract, key, digest, seq) values (%(contract)s, %(key)s, %(digest)s, %(seq)s)
