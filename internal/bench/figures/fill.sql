-- As many dossiers as figures.dossiers says, of the last two years, with their spells and
-- gates: each goes through one step or more of six, waits in each for agents and, mostly,
-- then for the applicant, and one in six goes on from another one. The same each time.
select setseed(0.5);

create temporary table made as
select n as number, case when n % 6 = 0 then n - 1 end as follows,
    now() - interval '730 days' * random() as begun,
    -- Most are over, the others under way somewhere.
    1 + floor(random() * random() * 6)::int as steps, random() < 0.8 as over
from generate_series(1, current_setting('figures.dossiers')::bigint) n;

insert into dossiers (number, demarche, state, step, filed_at, updated_at, fetch_started_at, snapshot, fingerprint, follows, candidate,
    waiting, standing)
select number, 7, 'accepte', steps, begun, begun, begun,
    -- As long as a form's answers are, and as hard to compress.
    jsonb_build_object('answers', (select string_agg(md5((number * i)::text), '') from generate_series(1, 80) i)),
    md5(number::text), follows, md5((number / 2)::text), case when over then 'nobody' else 'agents' end,
    jsonb_build_object('step', steps, 'waiting', 'agents', 'since', begun, 'eligibility', jsonb_build_object('case', 1 + number % 5),
        'unmet', (select coalesce(jsonb_agg('hard-' || i), '[]') from generate_series(1, (number % 4)::int) i),
        'wanting', (select coalesce(jsonb_agg('soft-' || i), '[]') from generate_series(1, (number % 3)::int) i))
from made;

insert into spells (dossier, step, waiting, since, until)
select number, step, waiting, since, lead(since) over (partition by number order by since)
from (
    select number, step, waiting, begun + interval '1 day' * (20 * step + 9 * later + 8 * random()) as since
    from made, generate_series(1, steps) step, (values ('agents', 0), ('applicant', 1)) party (waiting, later)
    where later = 0 or (number + step) % 5 > 0
    union all
    select number, steps, 'nobody', begun + interval '1 day' * (20 * steps + 18) from made where over
) stays;

insert into gates (dossier, step, decision, at, by_ds, overrides, reason)
select number, step, decision, begun + interval '20 days' * step, step = 1,
    case when decision = 'go' and number % 20 = 0 then '{hard-1,hard-2}'::text[] else '{}' end,
    case when decision = 'no_go' then 'reason ' || number % 30 else '' end
from (
    select number, step, begun, case when step < steps or random() < 0.4 then 'go' else 'no_go' end as decision
    from made, generate_series(1, steps) step
) decided;
