-- +goose Up

-- A hold without a known end belongs to an outage: its time is that of the next probe,
-- by one job of the queue's, and the others wait until a probe succeeds. Probes counts
-- those that failed; it is null for holds that end at their time.
alter table queue_holds add column probes integer;

-- +goose Down
alter table queue_holds drop column probes;
