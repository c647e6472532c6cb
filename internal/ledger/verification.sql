-- name: LastVerification :one
-- When the last comparison with GitLab that came to its end began, how many there were,
-- and since when this ledger is the one: what was recorded before that comes from a
-- backup.
select v.begun_at, v.runs, clock_timestamp()::timestamptz as now, i.began_at as ledger_began_at
from verification v, installation i;

-- name: BeginVerification :one
-- Begins a comparison, or tells how far the one under way has come.
update verification set run = runs,
    run_begun_at = case when run = runs then run_begun_at else clock_timestamp() end,
    reached = case when run = runs then reached else 0 end,
    found = case when run = runs then found else '{}' end
returning run, reached, found;

-- name: ReachVerification :exec
-- Never further back: a late attempt at the same comparison may still be at it.
update verification set reached = @reached, found = @found where run = @run and runs = @run and reached <= @reached;

-- name: EndVerification :exec
update verification set begun_at = run_begun_at, runs = runs + 1 where run = @run and runs = @run;

-- name: DossiersAfter :many
-- A page of dossiers, by number.
select * from dossiers where number > @after order by number limit @count;

-- name: KnownDossiers :many
-- Those of the numbers that are dossiers of ours.
select number from dossiers where number = any(@numbers::bigint[]);

-- name: PutResource :exec
-- Sets the whole row, for what GitLab showed of it.
insert into resources (dossier, system, kind, key, intent_at, first_intent_at, external_id, url, path, applied, done_at,
    failed_revision, failure, gone_at)
values (@dossier, @system, @kind, @key, @intent_at, @first_intent_at, @external_id, @url, @path, @applied, @done_at,
    @failed_revision, @failure, @gone_at)
on conflict (dossier, system, kind, key) do update
set intent_at = excluded.intent_at, first_intent_at = excluded.first_intent_at, external_id = excluded.external_id,
    url = excluded.url, path = excluded.path, applied = excluded.applied, done_at = excluded.done_at,
    failed_revision = excluded.failed_revision, failure = excluded.failure, gone_at = excluded.gone_at;

-- name: DropResource :exec
delete from resources where dossier = @dossier and system = @system and kind = @kind and key = @key;
