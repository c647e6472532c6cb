-- +goose Up

alter table dossiers
    -- Where the onboarding stands, as last computed from the dossier and what agents did
    -- in GitLab, and who has to act next. Null until it is computed.
    add column standing jsonb,
    add column waiting text,
    -- The dossier of an earlier form that this one goes on from.
    add column follows bigint,
    -- A keyed hash of applicant and project name, empty for none: dossiers that share it
    -- may belong together.
    add column candidate text not null default '',
    -- When to plan again though nobody did anything.
    add column wake_at timestamptz,
    -- When the last look at the tracking issue began, GitLab's date of the change that it
    -- saw, and how many comments of people's.
    add column tracked_at timestamptz,
    add column tracked_updated_at timestamptz,
    add column tracked_comments integer not null default 0;

-- Where those stand that are known already is found out when they are next looked at for
-- reminders.
update dossiers set wake_at = clock_timestamp() where deleted_at is null;

create index dossiers_candidate on dossiers (candidate) where candidate <> '';
create index dossiers_follows on dossiers (follows) where follows is not null;
create index dossiers_wake_at on dossiers (wake_at, number) where wake_at is not null;

-- What people did in tracking issues that the hub answered for, with what came of it.
create table commands (
    dossier bigint not null,
    source text not null,
    -- GitLab's id of the note, label event or state event, and which of a note's commands.
    id bigint not null,
    line integer not null,
    verb text not null,
    argument text not null,
    at timestamptz not null,
    -- GitLab's id of who did it.
    author bigint not null,
    -- The step that the onboarding stood in when it was carried out.
    step integer not null,
    outcome text not null,
    detail text not null,
    carried_out_at timestamptz not null default clock_timestamp(),
    primary key (dossier, source, id, line)
);

-- The periods in which an onboarding's step and whom it waits for stayed the same. They
-- follow on each other without gaps, and the last one is open.
create table spells (
    dossier bigint not null,
    step integer not null,
    waiting text not null,
    since timestamptz not null,
    until timestamptz check (until > since),
    primary key (dossier, since)
);

create unique index spells_open on spells (dossier) where until is null;

-- The decisions at the gates between the steps.
create table gates (
    dossier bigint not null,
    step integer not null,
    decision text not null check (decision in ('go', 'no_go')),
    at timestamptz not null,
    -- Whether it was decided in DS; else in GitLab.
    by_ds boolean not null,
    -- The hard prerequisites that were not met and that it overrode.
    overrides text[] not null default '{}',
    reason text not null default '',
    primary key (dossier, step, at, decision)
);

-- One row: how far changes of tracking issues were read.
create table tracking (
    one boolean primary key default true check (one),
    newest timestamptz not null default clock_timestamp()
);

insert into tracking default values;

create index resources_issue on resources (external_id) where system = 'gitlab' and kind = 'issue';

-- +goose Down
drop index resources_issue;
drop table tracking, gates, spells, commands;
drop index dossiers_candidate, dossiers_follows, dossiers_wake_at;
alter table dossiers drop column standing, drop column waiting, drop column follows, drop column candidate, drop column wake_at,
    drop column tracked_at, drop column tracked_updated_at, drop column tracked_comments;
