-- name: select
select revision, body, closing, issue from statement
where contract = %(contract)s and period = %(period)s order by revision desc limit 1

-- name: select_last
select body, closing, issue from statement where contract = %(contract)s order by period desc, revision desc limit 1

-- name: insert
insert into statement (contract, period, revision, body, digest, closing, issue, seq)
values (%(contract)s, %(period)s, %(revision)s, %(body)s, %(digest)s, %(closing)s, %(issue)s, %(seq)s)

-- name: insert_act
insert into act (contract, line, body, seq) values (%(contract)s, %(line)s, %(body)s, %(seq)s)

-- name: select_act
select body from act where contract = %(contract)s and line = %(line)s

-- name: select_acts
select body from act where contract = %(contract)s and seq <= %(known_through)s order by line

-- name: select_before
select period, issue from statement where contract = %(contract)s and period < %(period)s order by period, revision
