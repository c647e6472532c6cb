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
    coalesce(d.fetch_started_at > v.received_at
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
-- when somebody else has it, or when the queue is held.
insert into leases (dossier, purpose, owner, until)
select @dossier, @purpose, @owner, clock_timestamp() + @term::interval
where not exists (select from queue_holds h where h.queue = @queue and h.until > clock_timestamp())
on conflict (dossier, purpose) do update set owner = excluded.owner, until = excluded.until
where leases.owner = excluded.owner or leases.until < clock_timestamp()
returning clock_timestamp()::timestamptz as now;

-- name: DropLease :exec
delete from leases where dossier = @dossier and purpose = @purpose and owner = @owner;

-- name: HeldUntil :one
-- The time until which a queue is held, and why; no row when it is not.
select until, reason from queue_holds
where queue = @queue and until > clock_timestamp()
order by until desc limit 1;

-- name: Hold :execrows
-- Holds a queue until a time; a hold of the same author is only ever prolonged here.
insert into queue_holds (queue, author, reason, until) values (@queue, @author, @reason, @until)
on conflict (queue, author) do update set reason = excluded.reason, until = excluded.until, since = excluded.since
where queue_holds.until < excluded.until;

-- name: LockDossiers :many
-- In the order of their numbers, so that two transactions cannot wait for each other.
select * from dossiers where number = any(@numbers::bigint[]) order by number for update;

-- name: LockDossier :one
select sqlc.embed(dossiers), clock_timestamp()::timestamptz as now,
    (select began_at from installation)::timestamptz as ledger_began_at,
    exists (
        select from leases
        where leases.dossier = dossiers.number and purpose = @purpose and owner = @owner and leases.until > clock_timestamp()
    )::boolean as leased
from dossiers where dossiers.number = @number for update of dossiers;

-- name: Dossier :one
select * from dossiers where number = @number;

-- name: InsertDossier :execrows
insert into dossiers (number, demarche, state, step, filed_at, updated_at, fetch_started_at, snapshot, fingerprint)
values (@number, @demarche, @state, @step, @filed_at, @updated_at, @fetch_started_at, @snapshot, @fingerprint)
on conflict do nothing;

-- name: UpdateDossier :exec
update dossiers set demarche = @demarche, state = @state, step = @step, updated_at = @updated_at,
    fetch_started_at = @fetch_started_at, snapshot = @snapshot, fingerprint = @fingerprint,
    trashed_at = null, deleted_at = null, revision = revision + 1
where number = @number;

-- name: TouchDossier :exec
-- A look that brought nothing new but, perhaps, DS's date of our own last write.
update dossiers set fetch_started_at = @fetch_started_at, updated_at = @updated_at where number = @number;

-- name: TrashDossier :exec
update dossiers set trashed_at = @at where number = @number;

-- name: DeleteDossier :exec
update dossiers set state = 'supprime', deleted_at = @at, snapshot = @snapshot, fingerprint = @fingerprint,
    step = @step, revision = revision + 1
where number = @number;

-- name: Resources :many
select * from resources where dossier = any(@dossiers::bigint[]) order by dossier, system, kind, key;

-- name: RecordIntent :exec
insert into resources (dossier, system, kind, key, intent_at, first_intent_at)
values (@dossier, @system, @kind, @key, clock_timestamp(), clock_timestamp())
on conflict (dossier, system, kind, key) do update
set intent_at = excluded.intent_at,
    first_intent_at = coalesce(resources.first_intent_at, excluded.first_intent_at), failed_revision = 0, failure = '';

-- name: WithdrawIntent :exec
-- The call had no effect for certain: the next attempt need not ask for it.
update resources set intent_at = null, first_intent_at = null
where dossier = @dossier and system = @system and kind = @kind and key = @key and done_at is null;

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
-- The chains after one, by number: those that have a head, entries, or a dossier.
select chain::bigint as chain from (
    select chain from ledger_heads
    union select chain from ledger_entries
    union select number from dossiers
) chains
where chain > @after::bigint order by chain limit @count::int;

-- name: HeadsOf :many
select * from ledger_heads where chain = any(@chains::bigint[]) order by chain;

-- name: EntriesOf :many
select chain, seq, at, actor, kind, data, previous, hash from ledger_entries
where chain = any(@chains::bigint[]) order by chain, seq;

-- name: Cursor :one
-- How far the form's changes have been read; begins where it is told to.
insert into cursors (demarche, newest) values (@demarche, @newest)
on conflict (demarche) do update set demarche = excluded.demarche
returning newest;

-- name: AdvanceCursor :exec
update cursors set newest = greatest(newest, @newest::timestamptz), polled_at = clock_timestamp()
where demarche = @demarche;
