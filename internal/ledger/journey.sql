-- name: Commands :many
select * from commands where dossier = any(@dossiers::bigint[]) order by dossier, at, source, id, line;

-- name: InsertCommand :execrows
-- A command is carried out once.
insert into commands (dossier, source, id, line, verb, argument, at, author, step, outcome, detail)
values (@dossier, @source, @id, @line, @verb, @argument, @at, @author, @step, @outcome, @detail)
on conflict do nothing;

-- name: Links :many
-- The dossiers that share, or may share, their onboarding with each of these.
select links.number::bigint as number, links.relation::text as relation, links.other::bigint as other, o.state,
    coalesce(i.url, '')::text as issue_url
from (
    select d.number, 'follows' as relation, d.follows as other
    from dossiers d where d.number = any(@numbers::bigint[]) and d.follows is not null
    union all
    select d.follows, 'followed', d.number
    from dossiers d where d.follows = any(@numbers::bigint[])
    union all
    select d.number, 'candidate', c.number
    from dossiers d join dossiers c on c.candidate = d.candidate and c.candidate <> ''
        and c.demarche <> d.demarche and (c.filed_at, c.number) < (d.filed_at, d.number) and c.deleted_at is null
    where d.number = any(@numbers::bigint[]) and d.follows is null
) links
join dossiers o on o.number = links.other
left join resources i on i.dossier = links.other and i.system = 'gitlab' and i.kind = 'issue' and i.key = '' and i.gone_at is null
order by 1, 2, 3;

-- name: Earlier :many
-- Those of the numbers that are dossiers of these forms, and not deleted.
select number from dossiers
where number = any(@numbers::bigint[]) and demarche = any(@demarches::bigint[]) and deleted_at is null
order by number;

-- name: SetStanding :exec
-- Where the onboarding stands from a time on. Whoever calls holds the dossier's lock. A
-- spell that lasted no time is none: the one before it goes on, or another takes its place.
with stood as (
    update dossiers set standing = @standing, step = @step, waiting = @waiting::text, follows = sqlc.narg(follows),
        candidate = @candidate, wake_at = sqlc.narg(wake_at)
    where number = @number returning number
), was as (
    select s.since, s.since >= @at::timestamptz as brief, s.step = @step and s.waiting = @waiting::text as same
    from spells s join stood on stood.number = s.dossier where s.until is null
), dropped as (
    delete from spells s using was where s.dossier = @number and s.since = was.since and was.brief and not was.same returning 1
), closed as (
    update spells s set until = @at::timestamptz from was
    where s.dossier = @number and s.since = was.since and not was.brief and not was.same returning 1
), resumed as (
    -- Counted first, since two open spells are refused even for a moment.
    update spells s set until = null from was
    where s.dossier = @number and s.until = was.since and s.step = @step and s.waiting = @waiting::text
        and was.brief and not was.same and (select count(*) from dropped) > 0
    returning 1
)
insert into spells (dossier, step, waiting, since)
select stood.number, @step, @waiting::text, greatest(was.since, @at::timestamptz)
from stood left join was on true
where was.same is not true
    and (select count(*) from dropped) + (select count(*) from closed) >= 0
    and not exists (select from resumed);

-- name: SetWake :exec
update dossiers set wake_at = sqlc.narg(wake_at) where number = @number;

-- name: Awake :many
-- The dossiers that are to be planned again by now. They stay so until SetWake or
-- SetStanding.
select number from dossiers where wake_at <= @now::timestamptz order by wake_at, number limit @count;

-- name: RecordGate :exec
insert into gates (dossier, step, decision, at, by_ds, overrides, reason)
values (@dossier, @step, @decision, @at, @by_ds, coalesce(@overrides::text[], '{}'), @reason)
on conflict do nothing;

-- name: TrackedBy :one
-- The dossier whose tracking issue it is.
select dossier from resources
where system = 'gitlab' and kind = 'issue' and external_id = @iid::text and external_id <> ''
order by gone_at is not null, done_at desc nulls last limit 1;

-- name: Tracking :one
-- How far changes of tracking issues were read.
select newest from tracking;

-- name: AdvanceTracking :exec
update tracking set newest = @newest::timestamptz where newest < @newest;
