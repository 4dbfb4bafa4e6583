-- name: take
-- The row lock lasts until commit, so numbers are in commit order and without holes.
update known_sequence set last = last + 1 returning last

-- name: insert_committed
insert into committed (seq, what, received_time) values (%(seq)s, %(what)s, %(now)s)

-- name: select_last
select last from known_sequence
