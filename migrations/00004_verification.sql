-- +goose Up

-- When it was noted that somebody deleted it in the other system. Such a thing is left
-- alone: it is neither made again nor changed until somebody asks for it.
alter table resources add column gone_at timestamptz;

-- One row: when the ledger was last compared with GitLab, from beginning to end.
create table verification (
    one boolean primary key default true check (one),
    begun_at timestamptz not null default clock_timestamp(),
    runs bigint not null default 0
);

insert into verification default values;

-- +goose Down
drop table verification;
alter table resources drop column gone_at;
