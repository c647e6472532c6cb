-- +goose Up

-- How far the comparison with GitLab under way has come: which one it is, by the number
-- of those before it, when its first attempt began, the last dossier that was dealt with,
-- and how many differences of each kind were found.
alter table verification
    add column run bigint not null default -1,
    add column run_begun_at timestamptz not null default clock_timestamp(),
    add column reached bigint not null default 0,
    add column found jsonb not null default '{}';

-- +goose Down
alter table verification drop column run, drop column run_begun_at, drop column reached, drop column found;
