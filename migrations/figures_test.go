package migrations_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/migrations"
)

// history is four onboardings, in days of March 2026: 1 goes on with 2 and that with 7, which
// stands at the last step; 3 was turned down, taken up and turned down again; 4 waits for
// agents at step 2; 5 waits at step 1 for its applicant. 6 is of a form without a step.
const history = `
insert into dossiers (number, demarche, state, step, filed_at, updated_at, fetch_started_at, snapshot, fingerprint, follows, waiting, standing)
select number, 7, 'x', 1, now(), now(), now(), '{}', '', follows, waiting, standing::jsonb from (values
    (1, null::bigint, 'nobody', '{"unmet": ["counted not"]}'), (2, 1, 'nobody', '{}'), (3, null, 'nobody', '{"wanting": ["counted not"]}'),
    (4, null, 'agents', '{"unmet": ["dpo", "rssi"], "wanting": ["team"]}'), (5, null, 'applicant', '{"unmet": ["dpo"]}'), (6, null, null, null),
    (7, 2, 'nobody', '{}')
) d (number, follows, waiting, standing);

insert into spells (dossier, step, waiting, since, until)
select dossier, step, waiting, '2026-03-01'::date + since, '2026-03-01'::date + until from (values
    (1, 1, 'applicant', 0, 1), (1, 1, 'agents', 1, 4), (1, 2, 'applicant', 4, 6), (1, 2, 'nobody', 6, null),
    (2, 2, 'agents', 6, 10), (2, 3, 'nobody', 10, null),
    (3, 1, 'agents', 0, 2), (3, 1, 'nobody', 2, 5), (3, 1, 'agents', 5, 6), (3, 1, 'nobody', 6, null),
    (4, 1, 'agents', 0, 8), (4, 2, 'agents', 8, null),
    (5, 1, 'agents', 0, 1), (5, 1, 'applicant', 1, null),
    (6, 0, 'nobody', 0, null), (7, 3, 'nobody', 11, null)
) s (dossier, step, waiting, since, until);

insert into gates (dossier, step, decision, at, by_ds, overrides, reason) values
    (1, 1, 'go', '2026-03-05', true, '{}', ''), (2, 2, 'go', '2026-03-11', false, '{dpo,archi}', 'urgent'),
    (3, 1, 'no_go', '2026-03-03', true, '{}', 'out of scope'), (3, 1, 'no_go', '2026-03-07', false, '{}', 'out of scope'),
    (4, 1, 'go', '2026-03-09', false, '{dpo}', 'urgent'), (4, 2, 'no_go', '2026-03-10', false, '{}', '');
`

func TestFigures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.requireCurrent(migrations.Up(b.ctx, b.pool))
	_, err := b.pool.Exec(b.ctx, history)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		query string
		rows  []string
	}{
		"Joined": {"select * from joined_dossiers order by dossier", []string{"(2,1)", "(7,1)"}},
		"Steps": {"select step, entered_at::date, left_at::date, duration, under_way from onboarding_steps where dossier < 4 order by dossier, step", []string{
			`(1,2026-03-01,2026-03-05,"4 days",f)`, `(2,2026-03-05,,"2 days",f)`,
			`(2,2026-03-07,2026-03-11,"4 days",f)`, `(3,2026-03-11,,00:00:00,f)`,
			`(1,2026-03-01,,"3 days",f)`,
		}},
		"StepsUnderWay": {"select dossier, step, left_at::date, duration > '8 days', under_way from onboarding_steps where dossier > 3 order by 1, 2", []string{
			"(4,1,2026-03-09,f,f)", "(4,2,,t,t)", "(5,1,,t,t)", "(7,3,,f,f)",
		}},
		"Waits": {"select dossier, waiting, total, waiting_now from onboarding_waits where dossier < 4 order by 1, 2", []string{
			`(1,agents,"3 days",f)`, `(1,applicant,"3 days",f)`, `(2,agents,"4 days",f)`, `(3,agents,"3 days",f)`,
		}},
		"WaitsUnderWay": {"select dossier, waiting, total > '9 days', waiting_now from onboarding_waits where dossier > 3 order by 1, 2", []string{
			"(4,agents,t,t)", "(5,agents,f,f)", "(5,applicant,t,t)",
		}},
		// In step 1 were 1, 3, 4 (4, 3 and 8 days) and 5, in step 2 were 1 with 2 (2 and 4 days) and 4.
		"FiguresSteps": {"select step, entered, under_way, ended, median, percentile_90, total > '16 days' from figures_steps", []string{
			`(1,4,1,1,"4 days","7 days 04:48:00",t)`, `(2,2,1,0,"6 days","6 days",t)`, "(3,1,0,1,00:00:00,00:00:00,f)",
		}},
		"Waiting": {"select waiting, step, onboardings, case when onboardings = 0 then total end from figures_waiting", []string{
			`(agents,1,0,"15 days")`, "(agents,2,1,)", "(applicant,1,1,)", `(applicant,2,0,"2 days")`,
		}},
		"Gates":      {"select * from figures_gates", []string{"(1,2,2,1,2,2)", "(2,1,1,1,0,2)"}},
		"Reasons":    {"select * from figures_reasons", []string{`(1,"out of scope",2)`, `(2,"",1)`}},
		"Conversion": {"select * from figures_conversion", []string{"(1,4,2,0.500)", "(2,2,1,0.500)"}},
		"Prerequisites": {"select * from figures_prerequisites", []string{
			"(dpo,2,0,2)", "(rssi,1,0,0)", "(team,0,1,0)", "(archi,0,0,1)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := b.pool.Query(b.ctx, "select figures::text from ("+tt.query+") figures")
			require.NoError(t, err)
			got, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Equal(t, tt.rows, got)
		})
	}
}

// Every view and each of its columns says what it is.
func TestFigures_AreExplained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.requireCurrent(migrations.Up(b.ctx, b.pool))
	const silent = `select v.relname || coalesce('.' || a.attname, '') from pg_class v
		left join lateral (select 0 as attnum, null as attname union all select attnum, attname from pg_attribute where attrelid = v.oid) a on true
		where v.relkind = 'v' and v.relnamespace = 'public'::regnamespace and col_description(v.oid, a.attnum) is null
		and (a.attnum > 0 or obj_description(v.oid, 'pg_class') is null) order by 1`
	rows, err := b.pool.Query(b.ctx, silent)
	require.NoError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, got)
}

// What the documentation shows how to ask can be asked.
func TestFigures_Examples(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.requireCurrent(migrations.Up(b.ctx, b.pool))
	_, err := b.pool.Exec(b.ctx, history)
	require.NoError(t, err)
	page, err := os.ReadFile("../docs/operations/figures.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(page, -1)
	require.Len(t, examples, 3)
	for _, example := range examples {
		sql := string(example[1])
		if strings.HasPrefix(sql, "create role") { // roles belong to the whole server, which tests share
			_, sql, _ = strings.Cut(strings.ReplaceAll(sql, "to figures;", "to public;"), "\n")
		}
		_, err := b.pool.Exec(b.ctx, sql)
		require.NoError(t, err, sql)
	}
}
