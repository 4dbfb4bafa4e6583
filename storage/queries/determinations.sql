-- name: select_held
-- What holds for the opportunities of a span of days, as known.
select distinct on (a.opportunity) a.opportunity, a.id, d.body
from assessed a join determination d on d.id = a.id
where a.contract = %(contract)s and a.day >= %(first)s and a.day < %(until)s and a.seq <= %(known_through)s
order by a.opportunity, a.seq desc

-- name: insert
insert into determination (id, opportunity, contract, standard, subject, zone, day, inputs_digest, body, seq)
select id, opportunity, %(contract)s, standard, subject, zone, day, inputs_digest, body, %(seq)s
from unnest(%(id)b::text[], %(opportunity)b::text[], %(standard)b::text[], %(subject)b::text[], %(zone)b::text[],
            %(day)b::date[], %(inputs_digest)b::text[], %(body)b::text[])
     as new (id, opportunity, standard, subject, zone, day, inputs_digest, body)
on conflict do nothing

-- name: insert_assessed
insert into assessed (contract, day, opportunity, id, seq)
select %(contract)s, day, opportunity, id, %(seq)s
from unnest(%(day)b::date[], %(opportunity)b::text[], %(id)b::text[]) as new (day, opportunity, id)

-- name: select_one
select body from determination where id = %(id)s
