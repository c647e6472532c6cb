-- +goose Up

-- Dossiers that DS lists but fails to give. They are tried again until it does.
create table unreadable_dossiers (
    number bigint primary key,
    demarche bigint not null,
    -- DS's date of the change that could not be read; null when only a webhook told of it.
    updated_at timestamptz,
    error text not null,
    since timestamptz not null default clock_timestamp(),
    tries integer not null default 1,
    next_try_at timestamptz not null
);

alter table cursors
    -- What ended before is none of ours, unless something was made for it. Null in
    -- what was begun before this was kept.
    add column import_from timestamptz,
    -- When the last comparison began that came to its end, and where one stands that
    -- did not.
    add column compared_at timestamptz,
    add column comparison jsonb;

-- What DS listed in the comparison that is under way.
create table listed_dossiers (
    demarche bigint not null,
    number bigint not null,
    primary key (demarche, number)
);

-- DS does not list the dossier any more, and it went out of sight at this time or
-- later: in which list it appears next, if it does, is not known.
alter table dossiers add column missing_since timestamptz;

create index dossiers_out_of_sight on dossiers (demarche)
where deleted_at is null and (trashed_at is not null or missing_since is not null);

-- +goose Down
drop index dossiers_out_of_sight;
alter table dossiers drop column missing_since;
alter table cursors drop column import_from, drop column compared_at, drop column comparison;
drop table listed_dossiers, unreadable_dossiers;
