-- name: Now :one
select clock_timestamp()::timestamptz as now;

-- name: InsertDelivery :one
insert into deliveries (source, demarche, dossier, state, hinted_at, remark)
values (@source, @demarche, @dossier, @state, @hinted_at, @remark)
returning id;

-- name: Delivery :one
-- The delivery, and what is known of its dossier: whether a later look covers it.
select v.id, v.received_at, v.demarche, v.dossier, v.hinted_at, v.asks,
    clock_timestamp()::timestamptz as now,
    coalesce(v.settled_at is null and d.fetch_started_at > v.received_at
        and (v.hinted_at is null or v.hinted_at > clock_timestamp() + interval '5 minutes' or d.updated_at >= v.hinted_at),
        false)::boolean as covered
from deliveries v left join dossiers d on d.number = v.dossier
where v.id = @id;

-- name: SettleDelivery :exec
update deliveries set outcome = @outcome, settled_at = clock_timestamp() where id = @id;

-- name: AskAgain :exec
update deliveries set asks = asks + 1 where id = @id;

-- name: TakeLease :one
-- Takes the lease when it is free, has run out, or is ours already. Returns no row
-- when somebody else has it, or when the queue is held. Whoever probes an outage is not
-- held by it.
insert into leases (dossier, purpose, owner, until)
select @dossier, @purpose, @owner, clock_timestamp() + @term::interval
where not exists (
    select from queue_holds h where h.queue = @queue
        and case when h.probes is null then h.until > clock_timestamp() else not @probing::boolean end
)
on conflict (dossier, purpose) do update set owner = excluded.owner, until = excluded.until
where leases.owner = excluded.owner or leases.until < clock_timestamp()
returning clock_timestamp()::timestamptz as now;

-- name: DropLease :exec
delete from leases where dossier = @dossier and purpose = @purpose and owner = @owner;

-- name: LockDossiers :many
-- In the order of their numbers, so that two transactions cannot wait for each other.
select * from dossiers where number = any(@numbers::bigint[]) order by number for update;

-- name: LockDossier :one
select sqlc.embed(dossiers), clock_timestamp()::timestamptz as now,
    (select began_at from installation)::timestamptz as ledger_began_at,
    exists (
        select from queue_holds h where h.queue = @queue
            and case when h.probes is null then h.until > clock_timestamp() else not @probing::boolean end
    )::boolean as held,
    exists (
        select from leases
        where leases.dossier = dossiers.number and purpose = @purpose and owner = @owner and leases.until > clock_timestamp()
    )::boolean as leased
from dossiers where dossiers.number = @number for update of dossiers;

-- name: Dossier :one
select * from dossiers where number = @number;

-- name: InsertDossier :execrows
insert into dossiers (number, demarche, state, step, filed_at, updated_at, fetch_started_at, snapshot, fingerprint, candidate)
values (@number, @demarche, @state, @step, @filed_at, @updated_at, @fetch_started_at, @snapshot, @fingerprint, @candidate)
on conflict do nothing;

-- name: UpdateDossier :exec
update dossiers set demarche = @demarche, state = @state, updated_at = @updated_at,
    fetch_started_at = @fetch_started_at, snapshot = @snapshot, fingerprint = @fingerprint,
    trashed_at = null, deleted_at = null, missing_since = null, revision = revision + 1
where number = @number;

-- name: TouchDossier :exec
-- A look that brought nothing new but, perhaps, DS's date of our own last write.
update dossiers set fetch_started_at = @fetch_started_at, updated_at = @updated_at, missing_since = null where number = @number;

-- name: TrashDossier :exec
update dossiers set trashed_at = @at, fetch_started_at = @fetch_started_at where number = @number;

-- name: DeleteDossier :exec
update dossiers set state = 'supprime', deleted_at = @at, fetch_started_at = @fetch_started_at, snapshot = @snapshot, fingerprint = @fingerprint,
    revision = revision + 1
where number = @number;

-- name: Resources :many
select * from resources where dossier = any(@dossiers::bigint[]) order by dossier, system, kind, key;

-- name: RecordIntent :exec
-- A path is where it is about to be made, for when that cannot be told later.
insert into resources (dossier, system, kind, key, intent_at, first_intent_at, path)
values (@dossier, @system, @kind, @key, clock_timestamp(), clock_timestamp(), @path)
on conflict (dossier, system, kind, key) do update
set intent_at = excluded.intent_at,
    path = case when excluded.path = '' then resources.path else excluded.path end,
    first_intent_at = coalesce(resources.first_intent_at, excluded.first_intent_at), failed_revision = 0, failure = '';

-- name: WithdrawIntent :exec
-- The call had no effect for certain: the next attempt need not ask for it.
update resources set intent_at = done_at,
    first_intent_at = case when done_at is not null then first_intent_at end,
    path = case when done_at is null then '' else path end
where dossier = @dossier and system = @system and kind = @kind and key = @key;

-- name: RestampIntent :exec
-- The call may have been made only now: what it may yet do is waited for from here on.
update resources set intent_at = clock_timestamp()
where dossier = @dossier and system = @system and kind = @kind and key = @key and intent_at is distinct from done_at;

-- name: RecordOutcome :exec
insert into resources (dossier, system, kind, key, intent_at, external_id, url, path, applied, done_at)
values (@dossier, @system, @kind, @key, clock_timestamp(), @external_id, @url, @path, @applied, clock_timestamp())
on conflict (dossier, system, kind, key) do update
set external_id = case when excluded.external_id = '' then resources.external_id else excluded.external_id end,
    url = case when excluded.url = '' then resources.url else excluded.url end,
    path = case when excluded.path = '' then resources.path else excluded.path end,
    applied = excluded.applied, done_at = excluded.done_at, failed_revision = 0, failure = '';

-- name: RecordFailure :exec
insert into resources (dossier, system, kind, key, failed_revision, failure)
values (@dossier, @system, @kind, @key, @failed_revision, @failure)
on conflict (dossier, system, kind, key) do update
set failed_revision = excluded.failed_revision, failure = excluded.failure;

-- name: ForgiveFailures :exec
-- Lets what failed for good be tried once more.
update resources set failed_revision = 0, failure = '' where dossier = @dossier and failed_revision <> 0;

-- name: AppendEntries :exec
-- One or more facts, in their order.
insert into ledger_entries (chain, actor, kind, data)
select unnest(@chains::bigint[]), unnest(@actors::text[]), unnest(@kinds::text[]), unnest(@data::text[]);

-- name: Entries :many
select chain, seq, at, actor, kind, data, previous, hash from ledger_entries
where chain = @chain order by seq;

-- name: Head :one
select * from ledger_heads where chain = @chain;

-- name: Chains :many
-- The chains after one, by number: those that have a head, entries, or a dossier. Each
-- part has its own limit, or every page would sort all that is left.
select chain::bigint as chain from (
    (select chain from ledger_heads where chain > @after::bigint order by chain limit @count::int)
    union (select distinct chain from ledger_entries where chain > @after::bigint order by chain limit @count::int)
    union (select number from dossiers where number > @after::bigint order by number limit @count::int)
) chains
order by chain limit @count::int;

-- name: HeadsOf :many
select * from ledger_heads where chain = any(@chains::bigint[]) order by chain;

-- name: EntriesOf :many
select chain, seq, at, actor, kind, data, previous, hash from ledger_entries
where chain = any(@chains::bigint[]) order by chain, seq;

-- name: Cursor :one
-- How far the form's changes have been read; begins where it is told to. Removals are
-- read from a week before the last whole poll, since DS dates them back to when the
-- dossier went out of sight, and from the oldest one that is in the bin still, or in no
-- list.
insert into cursors (demarche, newest, swept_at, import_from, compared_at)
values (@demarche, @newest, @newest, @newest, clock_timestamp())
on conflict (demarche) do update set demarche = excluded.demarche
returning newest, position, least(
    swept_at - interval '7 days',
    (select min(coalesce(d.trashed_at, d.missing_since - interval '1 hour')) from dossiers d
        where d.demarche = @demarche and d.deleted_at is null and (d.trashed_at is not null or d.missing_since is not null)
        and coalesce(d.trashed_at, d.missing_since) > clock_timestamp() - interval '90 days')
)::timestamptz as removed_since,
coalesce(compared_at < clock_timestamp() - @compare_interval::interval, true)::boolean as compare_due;

-- name: AdvanceCursor :exec
-- A date that is too far ahead, of a service whose clock is wrong, does not keep what is
-- dated before it from being found.
update cursors set newest = greatest(newest, least(@newest::timestamptz, clock_timestamp() + @ahead::interval)), position = @position
where demarche = @demarche;

-- name: EndCatchUp :exec
update cursors set position = null, swept_at = @swept_at where demarche = @demarche;

-- name: ForgetPosition :exec
-- A position that DS does not take any more: the catch-up begins anew.
update cursors set position = null where demarche = @demarche;

-- name: LockJob :exec
-- Two replays of one job take turns.
select pg_advisory_xact_lock(hashtextextended('replay', @job::bigint));

-- name: BeginAnew :exec
-- Says that the ledger was restored: what is older than now may have been dealt with
-- by what was lost.
update installation set began_at = clock_timestamp();
