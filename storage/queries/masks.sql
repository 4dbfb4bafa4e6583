-- name: select_newest
-- Whether masks changed since they were last read, at the price of one index entry.
select coalesce(max(revision), 0) from mask_revision

-- name: select_secret
select secret from digest_secret

-- name: select_held
-- Every area of the revisions that hold; one row without area for a revision that keeps nothing.
select r.source, r.device, m.since, m.until, m.min_latitude_e7, m.max_latitude_e7, m.min_longitude_e7,
       m.max_longitude_e7
from (
    select distinct on (contract, source, device) revision, source, device
    from mask_revision
    where %(contract)s::text is null or contract = %(contract)s
    order by contract, source, device, seq desc
) r
left join collection_mask m on m.revision = r.revision
order by r.source, r.device, m.since, m.until, m.min_latitude_e7, m.max_latitude_e7, m.min_longitude_e7,
         m.max_longitude_e7

-- name: insert_revision
insert into mask_revision (contract, source, device, seq)
values (%(contract)s, %(source)s, %(device)s, %(seq)s)
returning revision

-- name: insert_areas
insert into collection_mask (revision, since, until, min_latitude_e7, max_latitude_e7, min_longitude_e7,
                             max_longitude_e7)
select %(revision)s, since, until, min_latitude_e7, max_latitude_e7, min_longitude_e7, max_longitude_e7
from unnest(%(since)s::timestamptz[], %(until)s::timestamptz[], %(min_latitude_e7)s::integer[],
            %(max_latitude_e7)s::integer[], %(min_longitude_e7)s::integer[], %(max_longitude_e7)s::integer[])
     as said (since, until, min_latitude_e7, max_latitude_e7, min_longitude_e7, max_longitude_e7)

-- name: insert_reduced
-- Gives back those that are new.
insert into reduced_fix (digest, received_hour)
select digest, received_hour from unnest(%(digests)s::uuid[], %(hours)s::timestamptz[]) as said (digest, received_hour)
order by digest
on conflict do nothing
returning digest
