package gitlab_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

const (
	issueHook = `{"object_kind":"issue","user":{"username":"x"},"project":{"path_with_namespace":"programme/suivi"},"object_attributes":{"iid":12,"action":"close"}}`
	noteHook  = `{"object_kind":"note","project":{"path_with_namespace":"programme/suivi"},"object_attributes":{"noteable_type":"Issue","note":"/passerelle go"},"issue":{"iid":12}}`
)

func TestDecodeHook(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		want gitlab.Hook
	}{
		"issue":              {issueHook, gitlab.Hook{Kind: "issue", Project: "programme/suivi", Issue: 12}},
		"note":               {noteHook, gitlab.Hook{Kind: "note", Project: "programme/suivi", Issue: 12}},
		"on a merge request": {strings.Replace(noteHook, `"Issue"`, `"MergeRequest"`, 1), gitlab.Hook{Kind: "note"}},
		"push":               {`{"object_kind":"push"}`, gitlab.Hook{Kind: "push"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := gitlab.DecodeHook([]byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeHookRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, field string }{
		"empty":             {"", "body"},
		"form":              {"object_kind=issue", "body"},
		"list":              {"[]", "body"},
		"null":              {"null", "body"},
		"two":               {issueHook + issueHook, "body"},
		"no kind":           {`{}`, "object_kind"},
		"another case":      {strings.Replace(issueHook, "object_kind", "Object_Kind", 1), "object_kind"},
		"number as kind":    {`{"object_kind":1}`, "object_kind"},
		"empty kind":        {`{"object_kind":""}`, "object_kind"},
		"long kind":         {`{"object_kind":"` + strings.Repeat("x", 65) + `"}`, "object_kind"},
		"no project":        {`{"object_kind":"issue"}`, "project"},
		"text as project":   {`{"object_kind":"issue","project":"a/b"}`, "project"},
		"null as project":   {`{"object_kind":"issue","project":null}`, "project"},
		"no path":           {strings.Replace(issueHook, "path_with", "path_without", 1), "project.path_with_namespace"},
		"long path":         {strings.Replace(issueHook, "suivi", strings.Repeat("x", 1024), 1), "project.path_with_namespace"},
		"no number":         {strings.Replace(issueHook, "iid", "id", 1), "object_attributes.iid"},
		"null as number":    {strings.Replace(issueHook, `12`, `null`, 1), "object_attributes.iid"},
		"text as number":    {strings.Replace(issueHook, `12`, `"12"`, 1), "object_attributes.iid"},
		"fraction":          {strings.Replace(issueHook, `12`, `1.5`, 1), "object_attributes.iid"},
		"zero":              {strings.Replace(issueHook, `12`, `0`, 1), "object_attributes.iid"},
		"huge":              {strings.Replace(issueHook, `12`, `99999999999`, 1), "object_attributes.iid"},
		"a note on nothing": {strings.Replace(noteHook, "noteable_type", "x", 1), "object_attributes.noteable_type"},
		"a note's issue":    {strings.Replace(noteHook, `"issue"`, `"x"`, 1), "issue"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook, err := gitlab.DecodeHook([]byte(tt.body))
			var hookError *gitlab.HookError
			require.ErrorAs(t, err, &hookError)
			require.Equal(t, tt.field, hookError.Field)
			require.NotEmpty(t, hookError.Reason)
			require.Zero(t, hook)
		})
	}
}

func FuzzDecodeHook(f *testing.F) {
	f.Add([]byte(issueHook))
	f.Add([]byte(noteHook))
	f.Add([]byte(`{"object_kind":"push","project":{"path_with_namespace":"a/b"}}`))
	f.Add([]byte(`{"object_kind":"\ud800"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hook, err := gitlab.DecodeHook(body)
		if err != nil {
			var hookError *gitlab.HookError
			require.ErrorAs(t, err, &hookError)
			require.NotEmpty(t, hookError.Field)
			require.Zero(t, hook)
			return
		}
		require.NotEmpty(t, hook.Kind)
		require.GreaterOrEqual(t, hook.Issue, int64(0))
		require.Equal(t, hook.Issue != 0, hook.Project != "")
		if hook.Issue != 0 {
			require.Contains(t, []string{"issue", "note"}, hook.Kind)
		}
	})
}
