-- +goose Up

-- Figures on onboardings, for whoever asks in SQL: docs/operations/figures.md. Nothing of
-- the hub reads them. While nobody has to act, no time is counted: an onboarding that
-- stopped, reached its last step or goes on with another dossier takes none.

create view joined_dossiers as
with recursive ancestors (dossier, ancestor) as (
    select number, follows from dossiers where follows is not null
    union
    select a.dossier, d.follows from ancestors a join dossiers d on d.number = a.ancestor where d.follows is not null
)
select a.dossier, a.ancestor as onboarding from ancestors a
where not exists (select from dossiers d where d.number = a.ancestor and d.follows is not null);

comment on view joined_dossiers is 'The dossiers that go on from an earlier one. A dossier that is not here is an onboarding of its own.';
comment on column joined_dossiers.dossier is 'The dossier''s number.';
comment on column joined_dossiers.onboarding is 'The number of the first dossier of the same onboarding.';

create view onboarding_steps as
select dossier, step, min(since) as entered_at,
    case when not bool_or(until is null) then max(until) end as left_at,
    coalesce(sum(coalesce(until, now()) - since) filter (where waiting <> 'nobody'), interval '0') as duration,
    bool_or(until is null and waiting <> 'nobody') as under_way
from spells where step > 0
group by dossier, step;

comment on view onboarding_steps is 'The steps that each dossier was in.';
comment on column onboarding_steps.dossier is 'The dossier''s number.';
comment on column onboarding_steps.step is 'The step''s number.';
comment on column onboarding_steps.entered_at is 'When it first came into the step.';
comment on column onboarding_steps.left_at is 'When it last left the step, null while it stands there, whether or not it came to its end.';
comment on column onboarding_steps.duration is 'How long somebody had to act in the step, all its stays together, up to now.';
comment on column onboarding_steps.under_way is 'Whether it stands there and somebody has to act.';

create view onboarding_waits as
select dossier, waiting, sum(coalesce(until, now()) - since) as total, bool_or(until is null) as waiting_now
from spells where waiting <> 'nobody'
group by dossier, waiting;

comment on view onboarding_waits is 'For whom each dossier waited.';
comment on column onboarding_waits.dossier is 'The dossier''s number.';
comment on column onboarding_waits.waiting is 'Who had to act: applicant, agents, or hub for a decision that DS does not show yet.';
comment on column onboarding_waits.total is 'How long it waited for them, in all steps together, up to now.';
comment on column onboarding_waits.waiting_now is 'Whether it waits for them now.';

create view figures_steps as
with stays as (
    select coalesce(j.onboarding, s.dossier) as onboarding, s.step, sum(s.duration) as duration, bool_or(s.under_way) as under_way,
        bool_or(s.left_at is null and not s.under_way and f.follows is null) as ended
    from onboarding_steps s
    left join joined_dossiers j on j.dossier = s.dossier
    left join (select distinct follows from dossiers where follows is not null) f on f.follows = s.dossier
    group by 1, 2
)
select step, count(*) as entered, count(*) filter (where under_way) as under_way,
    count(*) filter (where ended and not under_way) as ended,
    percentile_cont(0.5) within group (order by duration) filter (where not under_way) as median,
    percentile_cont(0.9) within group (order by duration) filter (where not under_way) as percentile_90,
    sum(duration) as total
from stays
group by step
order by step;

comment on view figures_steps is 'Each step: how many onboardings came through, and how long it took them. Joined dossiers are one onboarding.';
comment on column figures_steps.step is 'The step''s number.';
comment on column figures_steps.entered is 'Onboardings that were ever in the step.';
comment on column figures_steps.under_way is 'Those that stand there and somebody has to act.';
comment on column figures_steps.ended is 'Those that stand there and nobody has to act: they stopped, or it is the last step.';
comment on column figures_steps.median is 'The time that half of them needed, of those that are not under way in it. Null for none.';
comment on column figures_steps.percentile_90 is 'The time that nine in ten of them needed.';
comment on column figures_steps.total is 'The time of all of them together, those under way up to now.';

create view figures_waiting as
select waiting, step, count(*) filter (where until is null) as onboardings, sum(coalesce(until, now()) - since) as total
from spells where waiting <> 'nobody'
group by waiting, step
order by waiting, step;

comment on view figures_waiting is 'For whom onboardings wait, in each step.';
comment on column figures_waiting.waiting is 'Who has to act: applicant, agents, or hub for a decision that DS does not show yet.';
comment on column figures_waiting.step is 'The step''s number.';
comment on column figures_waiting.onboardings is 'How many wait for them in this step now.';
comment on column figures_waiting.total is 'How long onboardings waited for them in this step, all together, up to now.';

create view figures_gates as
select step, count(*) filter (where decision = 'go') as go, count(*) filter (where decision = 'no_go') as no_go,
    count(*) filter (where cardinality(overrides) > 0) as overriding,
    count(*) filter (where by_ds) as by_ds, count(*) filter (where not by_ds) as by_gitlab
from gates
group by step
order by step;

comment on view figures_gates is 'The decisions at the gate of each step. One that was gone back on and decided again counts twice.';
comment on column figures_gates.step is 'The number of the step that the gate ends.';
comment on column figures_gates.go is 'How often it was passed.';
comment on column figures_gates.no_go is 'How often it was not.';
comment on column figures_gates.overriding is 'How often it was passed though hard prerequisites were not met.';
comment on column figures_gates.by_ds is 'Decisions made in DS.';
comment on column figures_gates.by_gitlab is 'Decisions made in GitLab.';

create view figures_reasons as
select step, reason, count(*) as decisions
from gates where decision = 'no_go'
group by step, reason
order by step, decisions desc, reason;

comment on view figures_reasons is 'Why gates were not passed, the most frequent reason first. Reasons are what people wrote: they may name somebody.';
comment on column figures_reasons.step is 'The number of the step that the gate ends.';
comment on column figures_reasons.reason is 'The reason, as written; empty when none was given.';
comment on column figures_reasons.decisions is 'How often it was given.';

create view figures_conversion as
with reach as (
    select coalesce(j.onboarding, s.dossier) as onboarding, min(s.lowest) as lowest, max(s.highest) as highest
    from (select dossier, min(step) as lowest, max(step) as highest from spells where step > 0 group by dossier) s
    left join joined_dossiers j on j.dossier = s.dossier
    group by 1
)
select step, count(*) as entered, count(*) filter (where step < highest) as passed,
    round(count(*) filter (where step < highest) / count(*)::numeric, 3) as share
from reach, generate_series(lowest, highest) step
where step < (select max(highest) from reach)
group by step
order by step;

comment on view figures_conversion is 'How many onboardings go on from each step to the next. Joined dossiers are one onboarding. A step that nobody has gone beyond is not here.';
comment on column figures_conversion.step is 'The step''s number.';
comment on column figures_conversion.entered is 'Onboardings that were in the step, or passed it at once.';
comment on column figures_conversion.passed is 'Those that came beyond it at any time, even if somebody went back on that.';
comment on column figures_conversion.share is 'Passed beside entered, from 0 to 1. Those under way have not passed yet.';

create view figures_prerequisites as
select prerequisite, sum(unmet)::bigint as unmet, sum(wanting)::bigint as wanting, sum(overridden)::bigint as overridden
from (
    select jsonb_array_elements_text(standing -> 'unmet') as prerequisite, 1 as unmet, 0 as wanting, 0 as overridden
    from dossiers where waiting <> 'nobody'
    union all
    select jsonb_array_elements_text(standing -> 'wanting'), 0, 1, 0 from dossiers where waiting <> 'nobody'
    union all
    select unnest(overrides), 0, 0, 1 from gates where decision = 'go'
) each
group by prerequisite
order by sum(unmet) + sum(wanting) desc, overridden desc, prerequisite;

comment on view figures_prerequisites is 'What onboardings lack, that which is missing most often first.';
comment on column figures_prerequisites.prerequisite is 'The prerequisite''s id in the journey file.';
comment on column figures_prerequisites.unmet is 'Onboardings under way that lack it, where it is hard.';
comment on column figures_prerequisites.wanting is 'Onboardings under way that lack it, where it is not.';
comment on column figures_prerequisites.overridden is 'Gates that were passed without it, ever.';

-- +goose Down
drop view figures_prerequisites, figures_conversion, figures_reasons, figures_gates, figures_waiting, figures_steps, onboarding_waits,
    onboarding_steps, joined_dossiers;
