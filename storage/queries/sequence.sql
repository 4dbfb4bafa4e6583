-- name: take
-- The row lock lasts until commit, so numbers are in commit order and without holes.
with taken as (update known_sequence set last = last + 1 returning last)
insert into committed (seq, what, received_time) select last, %(what)s, %(now)s from taken returning seq

-- name: select_last
select last from known_sequence

-- name: hold_commit
-- Held from just before a commit until everybody has been told of the chunks that it made.
select pg_advisory_xact_lock(hashtextextended('poniente commit', 0))

-- name: await_commits
-- Waits for commits under way, and lets go at once.
select pg_advisory_lock_shared(hashtextextended('poniente commit', 0)),
       pg_advisory_unlock_shared(hashtextextended('poniente commit', 0))

-- name: select_last_by
-- Numbers are in commit order, and so are their times but for clocks set back: the last number says all before it.
select coalesce(max(seq), 0) from committed where received_time <= %(instant)s
