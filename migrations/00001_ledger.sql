-- +goose Up

-- Every webhook that was accepted, with what became of it.
create table deliveries (
    id bigint generated always as identity primary key,
    source text not null,
    received_at timestamptz not null default clock_timestamp(),
    demarche bigint not null,
    dossier bigint not null,
    -- The hint: what the sender said, as far as it could be read.
    state text,
    hinted_at timestamptz,
    remark text,
    -- How often DS was asked while it still showed something older than the hint.
    asks integer not null default 0,
    outcome text,
    settled_at timestamptz
);

-- What DS last said of each dossier.
create table dossiers (
    number bigint primary key,
    demarche bigint not null,
    state text not null,
    step integer not null,
    filed_at timestamptz not null,
    -- DS's own date of the last change: whole seconds, it cannot order two snapshots.
    updated_at timestamptz not null,
    -- When the fetch that brought the snapshot began, by this database's clock: it
    -- orders the snapshots.
    fetch_started_at timestamptz not null,
    trashed_at timestamptz,
    deleted_at timestamptz,
    -- Counts the snapshots that said something new.
    revision integer not null default 1,
    snapshot jsonb not null,
    fingerprint text not null
);

-- What exists in GitLab and DS because of a dossier. A row with an intent and no
-- outcome means: a call was about to be made, and whether it took effect is not known.
create table resources (
    dossier bigint not null,
    system text not null,
    kind text not null,
    key text not null,
    intent_at timestamptz,
    -- When the first such call was about to be made: what it made is not older.
    first_intent_at timestamptz,
    external_id text not null default '',
    url text not null default '',
    path text not null default '',
    -- The fingerprint of what was last written there.
    applied text not null default '',
    done_at timestamptz,
    -- The revision of the dossier at which it failed for good, 0 for none.
    failed_revision integer not null default 0,
    failure text not null default '',
    primary key (dossier, system, kind, key)
);

-- The facts, append-only: a chain for each dossier, and chain 0 for the hub itself.
create table ledger_entries (
    chain bigint not null,
    seq bigint not null,
    at timestamptz not null,
    actor text not null check (actor !~ '[\n]'),
    kind text not null check (kind !~ '[\n]'),
    -- JSON, kept as the very bytes that the hash covers.
    data text not null check (jsonb_typeof(data::jsonb) = 'object'),
    previous bytea not null,
    hash bytea not null,
    primary key (chain, seq)
);

-- The end of each chain, so that a chain that was cut off shows.
create table ledger_heads (
    chain bigint primary key,
    seq bigint not null,
    hash bytea not null
) with (fillfactor = 50);

-- +goose StatementBegin
create function ledger_hash(previous bytea, chain bigint, seq bigint, at timestamptz, actor text, kind text, data text)
returns bytea language sql immutable as $$
    select sha256(convert_to(concat_ws(e'\n',
        encode(previous, 'hex'), chain, seq, (extract(epoch from at) * 1000000)::bigint, actor, kind, data), 'UTF8'))
$$;
-- +goose StatementEnd

-- Whoever inserts an entry gives chain, actor, kind and data; the rest is the
-- database's, so that no code can get it wrong. The head's row lock orders writers.
-- +goose StatementBegin
create function ledger_append() returns trigger language plpgsql as $$
declare
    head ledger_heads;
begin
    select * into head from ledger_heads where chain = new.chain for update;
    if not found then
        insert into ledger_heads (chain, seq, hash) values (new.chain, 0, '') on conflict do nothing;
        select * into strict head from ledger_heads where chain = new.chain for update;
    end if;
    new.seq := head.seq + 1;
    new.at := clock_timestamp();
    new.previous := head.hash;
    new.hash := ledger_hash(new.previous, new.chain, new.seq, new.at, new.actor, new.kind, new.data);
    update ledger_heads set seq = new.seq, hash = new.hash where chain = new.chain;
    return new;
end $$;
-- +goose StatementEnd

create trigger ledger_append before insert on ledger_entries
for each row execute function ledger_append();

-- +goose StatementBegin
create function ledger_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only: % on % is refused', tg_op, tg_table_name;
end $$;
-- +goose StatementEnd

create trigger ledger_append_only before update or delete or truncate on ledger_entries
for each statement execute function ledger_refuse();

create trigger ledger_heads_kept before delete or truncate on ledger_heads
for each statement execute function ledger_refuse();

-- Who may act for a dossier, or read it, and until when.
create table leases (
    dossier bigint not null,
    purpose text not null,
    owner uuid not null,
    until timestamptz not null,
    primary key (dossier, purpose)
) with (fillfactor = 50);

-- How far each form's changes have been read.
create table cursors (
    demarche bigint primary key,
    -- From here on at the first start, and the newest DS date seen since.
    newest timestamptz not null,
    -- Where a catch-up stands that is not at its end.
    position jsonb,
    -- When the last poll began that came to its end.
    swept_at timestamptz not null
);

-- Queues kept from running. A hold ends by itself at its time.
create table queue_holds (
    queue text not null,
    author text not null,
    reason text not null,
    since timestamptz not null default clock_timestamp(),
    until timestamptz not null,
    primary key (queue, author)
);

-- One row: when this ledger began. A dossier older than that may have been dealt
-- with by a ledger that was lost.
create table installation (
    one boolean primary key default true check (one),
    began_at timestamptz not null default clock_timestamp()
);

insert into installation default values;

-- +goose Down
drop table installation, queue_holds, cursors, leases, ledger_heads, ledger_entries, resources, dossiers, deliveries;
drop function ledger_refuse, ledger_append, ledger_hash;
