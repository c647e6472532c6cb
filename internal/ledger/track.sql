-- name: SetLinks :exec
update dossiers set follows = @follows, candidate = @candidate where number = @number;

-- name: TrackingCovered :one
-- Whether a look at the tracking issue that began after the delivery came covers it.
select coalesce(v.settled_at is not null or d.tracked_at > v.received_at, false)::boolean as covered
from deliveries v left join dossiers d on d.number = @dossier
where v.id = @delivery;

-- name: Tracked :exec
update dossiers set tracked_at = @tracked_at, tracked_updated_at = @tracked_updated_at, tracked_comments = @tracked_comments
where number = @number;

-- name: Untracked :many
-- The tracking issues, of those that GitLab lists, that changed since they were looked at,
-- and whether that was anybody but the hub: another number of comments, another look than
-- the hub gave it last, or a change at a time at which the hub made none.
select i.iid::text as iid, d.number, (
        d.tracked_updated_at is null or i.comments <> d.tracked_comments + own.comments or i.face <> own.face
        or not own.then_
    )::boolean as stirred
from (select unnest(@iids::text[]) as iid, unnest(@updated::timestamptz[]) as updated_at,
    unnest(@comments::integer[]) as comments, unnest(@faces::text[]) as face) i
join resources r on r.system = 'gitlab' and r.kind = 'issue' and r.external_id = i.iid
join dossiers d on d.number = r.dossier
cross join lateral (
    select count(*) filter (where o.kind in ('note', 'answer', 'reminder') and o.done_at is not null)::integer as comments,
        coalesce(max(o.applied) filter (where o.kind = 'labels'), '') as face,
        coalesce(bool_or(i.updated_at between o.intent_at - interval '2 seconds' and o.done_at + interval '2 seconds'), false) as then_
    from resources o
    where o.dossier = d.number and o.system = 'gitlab' and o.kind in ('issue', 'labels', 'note', 'answer', 'reminder')
) own
where d.tracked_updated_at is null or i.updated_at > d.tracked_updated_at;
