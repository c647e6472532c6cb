package demarches_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func TestWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	form, err := url.ParseQuery(b.webhook())
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"procedure_id": {"42"},
		"dossier_id":   {fmt.Sprint(number)},
		"state":        {"en_construction"},
		"updated_at":   {"2026-11-23 11:15:30 +0100"},
	}, form, "four fields, the date as Ruby writes it in Paris")

	b.clock.advance(240 * 24 * time.Hour)
	require.NoError(t, b.StartInstruction(number))
	form, err = url.ParseQuery(b.webhook())
	require.NoError(t, err)
	require.Equal(t, "en_instruction", form.Get("state"))
	require.Equal(t, "2027-07-21 12:15:30 +0200", form.Get("updated_at"), "summer time")

	// Nothing else is told.
	require.NoError(t, b.BackToConstruction(number))
	b.webhook()
	require.NoError(t, b.Edit(number, demarches.Answers{demarches.FieldCPU: 1.0}))
	require.NoError(t, b.WriteMessage(number, "Bonjour"))
	require.NoError(t, b.Annotate(number, demarches.Answers{demarches.AnnotationStep: "2"}))
	require.NoError(t, b.Delete(number))
	require.NoError(t, b.Restore(number))
	require.NoError(t, b.SetWebhookURL(42, ""))
	require.NoError(t, b.StartInstruction(number))
	require.Zero(t, b.settled())
}

func TestWebhookTrouble(t *testing.T) {
	t.Parallel()

	t.Run("one act's", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		number := b.file(demarches.WithoutWebhook())
		require.NoError(t, b.StartInstruction(number, demarches.WebhookAfter(time.Hour)))
		require.NoError(t, b.Accept(number, "", demarches.WebhookTwice()))
		once := b.webhook()
		require.Equal(t, once, b.webhook())
		require.Zero(t, b.settled(), "lost, and not due when it closed")
	})
	t.Run("lost and doubled", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.SetWebhookTrouble(demarches.WebhookTrouble{Lose: 1})
		b.file()
		b.SetWebhookTrouble(demarches.WebhookTrouble{Double: 1})
		b.file()
		require.Equal(t, 2, b.settled())
	})
	t.Run("reordered", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.SetWebhookTrouble(demarches.WebhookTrouble{Reorder: 3})
		first := b.file()
		b.file()
		require.NoError(t, b.StartInstruction(first))
		require.Contains(t, b.webhook(), "state=en_instruction")
		require.Contains(t, b.webhook(), fmt.Sprintf("dossier_id=%d", first+1))
		require.Contains(t, b.webhook(), fmt.Sprintf("dossier_id=%d", first))
		b.file()
		b.SetWebhookTrouble(demarches.WebhookTrouble{})
		b.webhook() // what was held back is sent
	})
}

// A slow transaction appears behind a cursor that has already passed.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow, quick := b.file(), b.file()
	b.webhook()
	b.webhook()
	state := func(number int) any {
		return at(b.query(fmt.Sprintf("{ dossier(number: %d) { state } }", number), nil), "dossier", "state")
	}
	b.clock.advance(time.Minute)
	since := map[string]any{"since": b.clock.time().Format(time.RFC3339)}
	require.NoError(t, b.StartInstruction(slow, demarches.VisibleAfter(time.Minute)))
	require.Contains(t, b.webhook(), "state=en_instruction", "told before it can be seen")
	require.Equal(t, "en_construction", state(slow))
	d, _ := b.Dossier(slow)
	require.Equal(t, demarches.EnInstruction, d.State, "people see it")

	b.clock.advance(time.Second)
	require.NoError(t, b.StartInstruction(quick))
	numbers, info := b.list("dossiers(updatedSince: $since)", since)
	require.Equal(t, []int{quick}, numbers)

	b.clock.advance(time.Minute)
	require.Equal(t, "en_instruction", state(slow))
	numbers, _ = b.list("dossiers(updatedSince: $since)", since)
	require.Equal(t, []int{slow, quick}, numbers)
	numbers, _ = b.list("dossiers(updatedSince: $since, after: $after)", map[string]any{"since": since["since"], "after": info["endCursor"]})
	require.Empty(t, numbers, "the cursor had passed")

	// A filing that is not committed yet, and an act on top of a late one.
	b.SetWebhookTrouble(demarches.WebhookTrouble{LateCommit: time.Hour})
	filed := b.file()
	require.Equal(t, "not_found", b.ask(token, fmt.Sprintf("{ dossier(number: %d) { state } }", filed), nil).code())
	require.NoError(t, b.WriteMessage(filed, "Bonjour"))
	require.Equal(t, "en_construction", state(filed), "what is committed later shows what came before")
	b.clock.advance(2 * time.Hour)
	require.Equal(t, "en_construction", state(filed))
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	done := make(chan error, 1)
	go func() {
		done <- b.WaitFor(t.Context(), func(v demarches.View) bool {
			d, ok := v.Dossier(number)
			return ok && d.State == demarches.Accepte && len(v.Messages(number)) == 3 && len(v.Dossiers()) == 1
		})
	}()
	require.NoError(t, b.StartInstruction(number))
	require.NoError(t, b.Accept(number, ""))
	require.NoError(t, <-done)
	require.Error(t, b.WaitFor(canceled(), func(demarches.View) bool { return false }))
}
