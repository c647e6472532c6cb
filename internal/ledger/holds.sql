-- name: Holds :many
-- What holds a queue now, how long each hold has lasted and will last: a day stands for
-- any longer time. An outage holds beyond its time, which is that of its next probe.
select author, reason, since, until, probes,
    (least(until, clock_timestamp() + interval '1 day') - clock_timestamp())::interval as remaining, (clock_timestamp() - since)::interval as age
from queue_holds
where queue = @queue and (until > clock_timestamp() or probes is not null)
order by author;

-- name: AllHolds :many
select queue, author, reason, since, until, probes from queue_holds
where until > clock_timestamp() or probes is not null
order by queue, author;

-- name: Hold :one
-- Holds a queue for a time, by this clock; a hold of the same author is only ever
-- prolonged. Tells until when it is held, and whether it was not before.
insert into queue_holds (queue, author, reason, since, until)
values (@queue, @author, @reason, statement_timestamp(), clock_timestamp() + @pause::interval)
on conflict (queue, author) do update set
    since = case when queue_holds.until > clock_timestamp() then queue_holds.since else excluded.since end,
    reason = excluded.reason, until = greatest(queue_holds.until, excluded.until)
returning until, (since = statement_timestamp())::boolean as begun;

-- name: SetHold :exec
-- Holds a queue until a time, whatever the same author said before.
insert into queue_holds (queue, author, reason, until) values (@queue, @author, @reason, @until)
on conflict (queue, author) do update set reason = excluded.reason, until = excluded.until, since = excluded.since;

-- name: HoldForOutage :execrows
-- Holds a queue until a probe succeeds. Whoever comes second changes nothing.
insert into queue_holds (queue, author, reason, until, probes)
values (@queue, @author, @reason, clock_timestamp() + @pause::interval, 0)
on conflict (queue, author) do nothing;

-- name: ClaimProbe :one
-- Makes one job the one that tries whether the service answers again. If it dies, the
-- next one may after the term.
update queue_holds set until = clock_timestamp() + @term::interval
where queue = @queue and author = @author and probes is not null and until <= clock_timestamp()
returning probes;

-- name: ReturnProbe :exec
-- A probe that came to no call: the next job may.
update queue_holds set until = clock_timestamp() where queue = @queue and author = @author and probes is not null;

-- name: ProbeFailed :exec
update queue_holds set probes = probes + 1, reason = @reason, until = clock_timestamp() + @pause::interval
where queue = @queue and author = @author and probes is not null;

-- name: EndOutage :execrows
delete from queue_holds where queue = @queue and author = @author and probes is not null;

-- name: LiftHolds :one
-- Tells how many there were in force.
with lifted as (
    delete from queue_holds where queue = @queue
    returning until > clock_timestamp() or probes is not null as held
)
select count(*) from lifted where held;
