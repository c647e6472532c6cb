-- name: BeginCursor :exec
-- Begins the form's cursor where it is told to, if nobody did.
insert into cursors (demarche, newest, swept_at, import_from, compared_at)
values (@demarche, @newest, @newest, @newest, clock_timestamp())
on conflict do nothing;

-- name: ImportFrom :one
-- What ended before is none of ours; null in what was begun before this was kept.
select import_from from cursors where demarche = @demarche;

-- name: UnreadableOf :many
select number, updated_at from unreadable_dossiers where demarche = @demarche;

-- name: MarkUnreadable :one
insert into unreadable_dossiers (number, demarche, updated_at, error, next_try_at)
values (@number, @demarche, sqlc.narg(updated_at), @error, clock_timestamp() + @delay::interval)
on conflict (number) do update
set updated_at = coalesce(excluded.updated_at, unreadable_dossiers.updated_at), error = excluded.error,
    tries = unreadable_dossiers.tries + 1, next_try_at = excluded.next_try_at
returning next_try_at;

-- name: Unreadable :one
select * from unreadable_dossiers where number = @number for update;

-- name: UnmarkUnreadable :many
delete from unreadable_dossiers where number = any(@numbers::bigint[]) returning number, since;

-- name: Comparison :one
-- Where the comparison that is under way stands, the place before which polls look no
-- more, and how old a dossier can be that was never seen and is to be taken up.
select comparison, newest, coalesce(import_from, (select began_at from installation))::timestamptz as take_up_from
from cursors where demarche = @demarche;

-- name: SaveComparison :exec
update cursors set comparison = @comparison where demarche = @demarche;

-- name: ForgetListed :exec
delete from listed_dossiers where demarche = @demarche;

-- name: List :exec
insert into listed_dossiers (demarche, number) select @demarche, unnest(@numbers::bigint[]) on conflict do nothing;

-- name: Known :many
-- What is held of dossiers, to be compared with their headings.
select number, state, updated_at, fetch_started_at, (trashed_at is not null or deleted_at is not null or missing_since is not null)::boolean as gone
from dossiers where number = any(@numbers::bigint[]);

-- name: Miss :many
-- The dossiers that the comparison did not list, in no list of removals either. They
-- went out of sight after they were read last, or listed by the comparison before. They
-- are locked in the order of their numbers, as everywhere.
with missed as (
    select m.number from dossiers m
    where m.demarche = @demarche and m.deleted_at is null and m.trashed_at is null and m.fetch_started_at < @begun
        and not exists (select from listed_dossiers l where l.demarche = m.demarche and l.number = m.number)
    order by m.number for update
)
update dossiers d set missing_since = coalesce(d.missing_since, greatest(d.fetch_started_at, (select compared_at from cursors c where c.demarche = @demarche)))
from missed where d.number = missed.number
returning d.number;

-- name: EndComparison :exec
update cursors set comparison = null, compared_at = @begun where demarche = @demarche;
