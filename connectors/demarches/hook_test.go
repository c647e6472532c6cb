package demarches_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestDecodeHook(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 15, 30, 0, time.UTC)
	for name, tt := range map[string]struct {
		body    string
		state   onboarding.State
		at      time.Time
		remarks []string
	}{
		"as DS sends it": {"procedure_id=7&dossier_id=42&state=en_construction&updated_at=2026-11-23+10%3A15%3A30+%2B0100", onboarding.EnConstruction, at, nil},
		"ISO 8601":       {"procedure_id=7&dossier_id=42&state=accepte&updated_at=2026-11-23T10%3A15%3A30%2B01%3A00", onboarding.Accepte, at, nil},
		"ISO 8601, UTC":  {"procedure_id=7&dossier_id=42&state=refuse&updated_at=2026-11-23T09:15:30.000Z", onboarding.Refuse, at, nil},
		"Ruby, UTC":      {"procedure_id=7&dossier_id=42&state=sans_suite&updated_at=2026-11-23+09:15:30+UTC", onboarding.SansSuite, at, nil},
		"repeated alike": {"dossier_id=42&dossier_id=42&procedure_id=7&state=refuse&state=refuse", onboarding.Refuse, time.Time{}, []string{"updated_at: missing"}},
		"numbers alone":  {"procedure_id=7&dossier_id=42", "", time.Time{}, []string{"state: missing", "updated_at: missing"}},
		"nonsense": {
			"procedure_id=7&dossier_id=42&state=<script>&updated_at=demain", "",
			time.Time{},
			[]string{"state: unknown", "updated_at: not a date"},
		},
		"a draft":       {"procedure_id=7&dossier_id=42&state=brouillon&updated_at=", "", time.Time{}, []string{"state: unknown", "updated_at: empty"}},
		"bad escapes":   {"procedure_id=7&dossier_id=42&state=%zz&%zz=1&updated_at=%", "", time.Time{}, []string{"state: badly encoded", "updated_at: badly encoded"}},
		"contradictory": {"procedure_id=7&dossier_id=42&state=accepte&state=refuse&updated_at=" + strings.Repeat("9", 65), "", time.Time{}, []string{"state: given twice", "updated_at: too long"}},
		"other fields":  {"&&a=%00&procedure_id= 7 &dossier_id=042&b&state=en_instruction&updated_at=0001-01-01T00:00:00Z", onboarding.EnInstruction, time.Time{}, []string{"updated_at: not a date"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook, err := demarches.DecodeHook([]byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, int64(7), hook.Demarche)
			require.Equal(t, int64(42), hook.Dossier)
			require.Equal(t, tt.state, hook.State)
			require.True(t, hook.UpdatedAt.Equal(tt.at), "%v", hook.UpdatedAt)
			require.Equal(t, strings.Join(tt.remarks, "; "), hook.Remark)
		})
	}
}

func TestDecodeHookRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, field string }{
		"empty":            {"", "procedure_id"},
		"JSON":             {`{"procedure_id":7,"dossier_id":42}`, "procedure_id"},
		"no dossier":       {"procedure_id=7", "dossier_id"},
		"zero":             {"procedure_id=7&dossier_id=0", "dossier_id"},
		"negative":         {"procedure_id=-7&dossier_id=42", "procedure_id"},
		"signed":           {"procedure_id=%2B7&dossier_id=42", "procedure_id"},
		"not a number":     {"procedure_id=7&dossier_id=quarante", "dossier_id"},
		"underscores":      {"procedure_id=1_0&dossier_id=42", "procedure_id"},
		"beyond an Int":    {"procedure_id=7&dossier_id=2147483648", "dossier_id"},
		"absurdly long":    {"procedure_id=7&dossier_id=" + strings.Repeat("1", 10_000), "dossier_id"},
		"two different":    {"procedure_id=7&dossier_id=42&dossier_id=43", "dossier_id"},
		"two and a third":  {"procedure_id=7&dossier_id=42&dossier_id=43&dossier_id=42", "dossier_id"},
		"badly encoded":    {"procedure_id=7&dossier_id=%4", "dossier_id"},
		"too long":         {"procedure_id=7&dossier_id=42&x=" + strings.Repeat("x", 20_000), ""},
		"too many fields":  {"procedure_id=7&dossier_id=42" + strings.Repeat("&x=1", 100), ""},
		"another alphabet": {"procedure_id=٧&dossier_id=42", "procedure_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := demarches.DecodeHook([]byte(tt.body))
			var hookError *demarches.HookError
			require.ErrorAs(t, err, &hookError)
			require.Equal(t, tt.field, hookError.Field)
			require.NotEmpty(t, hookError.Reason)
		})
	}
}

func FuzzDecodeHook(f *testing.F) {
	f.Add([]byte("procedure_id=7&dossier_id=42&state=en_construction&updated_at=2026-11-23+10%3A15%3A30+%2B0100"))
	f.Add([]byte("procedure_id=7&dossier_id=42&state=%zz&updated_at=2026-11-23T10:15:30Z"))
	f.Add([]byte("dossier_id=42&dossier_id=43;procedure_id=1"))
	f.Add([]byte("=&=&%"))
	f.Fuzz(func(t *testing.T, body []byte) {
		hook, err := demarches.DecodeHook(body)
		if err != nil {
			var hookError *demarches.HookError
			require.ErrorAs(t, err, &hookError)
			require.Zero(t, hook)
			return
		}
		require.Positive(t, hook.Demarche)
		require.Positive(t, hook.Dossier)
		require.True(t, hook.State == "" || hook.State.Known())
		require.Equal(t, hook.State == "" || hook.UpdatedAt.IsZero(), hook.Remark != "")
		require.Less(t, len(hook.Remark), 100)
	})
}
