-- name: InsertTrackingDelivery :one
-- A webhook about an issue, and the dossier that the issue tracks: 0 for one that is
-- not ours.
insert into deliveries (source, demarche, dossier, remark)
values ('gitlab', 0, coalesce((
    select r.dossier from resources r
    where r.system = 'gitlab' and r.kind = 'issue' and r.external_id = @issue::text
    limit 1), 0), null)
returning id, dossier;

-- name: StrayDeliveries :one
-- Whether GitLab told of an issue a moment ago that was not known then: it may be one that
-- was just opened, and whose number was not recorded yet.
select exists (
    select from deliveries
    where id > (select max(id) - 200 from deliveries) and source = 'gitlab' and dossier = 0
        and received_at > clock_timestamp() - interval '1 minute'
)::boolean;
