package demarches_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func message(payload map[string]any) string {
	list, _ := payload["errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	return at(list, 0, "message").(string)
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	do := func(name string, more map[string]any) string {
		t.Helper()
		b.clock.advance(time.Second)
		payload := b.mutate(name, "dossier { state }", b.input(number, more))
		if message(payload) != "" {
			require.Nil(t, payload["dossier"])
		}
		return message(payload)
	}
	why := map[string]any{"motivation": "Parce que"}
	state := func() demarches.State { d, _ := b.Dossier(number); return d.State }

	for _, name := range []string{"dossierAccepter", "dossierRefuser", "dossierClasserSansSuite", "dossierRepasserEnInstruction", "dossierRepasserEnConstruction"} {
		more := why
		if strings.HasPrefix(name, "dossierRepasser") {
			more = nil
		}
		require.Equal(t, "Le dossier est déjà en construction", do(name, more), name)
	}
	require.Empty(t, do("dossierPasserEnInstruction", nil))
	require.Equal(t, "Le dossier est déjà en instruction", do("dossierPasserEnInstruction", nil))
	require.Empty(t, do("dossierRepasserEnConstruction", nil))
	require.Empty(t, do("dossierPasserEnInstruction", map[string]any{"disableNotification": true}))
	require.Empty(t, do("dossierAccepter", nil))
	require.Equal(t, demarches.Accepte, state())
	require.Equal(t, "Le dossier est déjà accepté", do("dossierAccepter", nil))
	require.Equal(t, "Le dossier est déjà accepté", do("dossierRefuser", why), "also when another state was wanted")
	require.Empty(t, do("dossierRepasserEnInstruction", nil))
	require.NotEmpty(t, do("dossierRefuser", map[string]any{"motivation": ""}))
	require.Empty(t, do("dossierRefuser", why))
	require.Equal(t, "Le dossier est déjà refusé", do("dossierPasserEnInstruction", nil))
	require.Empty(t, do("dossierArchiver", nil))
	require.Empty(t, do("dossierRepasserEnInstruction", nil))
	require.Empty(t, do("dossierClasserSansSuite", why))
	require.Equal(t, "Le dossier est déjà classé sans suite", do("dossierAccepter", nil))

	d, _ := b.Dossier(number)
	require.Equal(t, "Parce que", d.Motivation)
	require.False(t, d.Archived, "going back takes it out of the archive")
	require.Equal(t, []string{"agent@dinum.example"}, d.Agents, "who began the instruction follows it")
	require.Equal(t, []string{
		"depose", "passe_en_instruction", "repasse_en_construction", "passe_en_instruction", "accepte",
		"repasse_en_instruction", "refuse", "repasse_en_instruction", "classe_sans_suite",
	}, d.Events)
	require.Len(t, b.Messages(number), len(d.Events), "DS tells each of them")
	for _, m := range b.Messages(number) {
		require.True(t, m.Automatic)
	}

	r := b.ask(token, `mutation { dossierRefuser(input: {dossierId: "x", instructeurId: "y"}) { errors { message } } }`, nil)
	require.NotEmpty(t, r.Errors, "a motivation is required")
	require.Equal(t, 9, b.settled(), "one webhook for each change of state")
}

func TestWhoMayChangeWhat(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *demarches.Options) {
		o.Tokens = append(o.Tokens, demarches.Token{Value: "autre", Demarches: []int{1}})
	})
	number := b.file()
	const mutation = `mutation($i: DossierPasserEnInstructionInput!) {
		dossierPasserEnInstruction(input: $i) { clientMutationId errors { message } dossier { id } } }`
	ask := func(token string, input map[string]any) response {
		return b.ask(token, mutation, map[string]any{"i": input})
	}
	payload := func(r response) map[string]any {
		return at(r.Data, "dossierPasserEnInstruction").(map[string]any)
	}

	r := ask(readOnly, b.input(number, map[string]any{"clientMutationId": "a1"}))
	require.Equal(t, "Le jeton utilisé est configuré seulement en lecture", message(payload(r)))
	require.Equal(t, "a1", payload(r)["clientMutationId"])

	r = ask(token, map[string]any{"dossierId": demarches.DossierID(number), "instructeurId": demarches.InstructeurID(3)})
	require.Equal(t, "L’instructeur n’a pas les droits d’accès à ce dossier", message(payload(r)))
	require.NoError(t, b.Reroute(number, "autre"))
	r = ask(token, b.input(number, nil))
	require.Equal(t, "L’instructeur n’a pas les droits d’accès à ce dossier", message(payload(r)))

	require.Equal(t, "unauthorized", ask("autre", b.input(number, nil)).code())
	r = ask(token, b.input(1, nil))
	require.Equal(t, "not_found", r.code())
	require.Nil(t, r.Data["dossierPasserEnInstruction"])
	require.Equal(t, "not_found", ask(token, map[string]any{
		"dossierId": demarches.DossierID(number), "instructeurId": demarches.InstructeurID(99),
	}).code())
	require.NoError(t, b.Delete(number))
	require.Equal(t, "not_found", ask(token, b.input(number, nil)).code())
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	write := func(b *bundle, number int, more map[string]any) string {
		b.t.Helper()
		in := b.input(number, map[string]any{"body": "Bonjour <b>à</b> tous\nréf. 12"})
		maps.Copy(in, more)
		return message(b.mutate("dossierEnvoyerMessage", "message { id body correction { reason dateResolution } }", in))
	}
	state := func(number int) demarches.State { d, _ := b.Dossier(number); return d.State }

	t.Run("touches the dossier and comes back as sent", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		number := b.file()
		b.clock.advance(time.Minute)
		require.Empty(t, write(b, number, nil))
		messages := b.Messages(number)
		last := messages[len(messages)-1]
		require.Equal(t, "Bonjour <b>à</b> tous\nréf. 12", last.Body)
		require.Equal(t, "agent@dinum.example", last.From)
		d, _ := b.Dossier(number)
		require.Equal(t, b.clock.time().Truncate(time.Microsecond), d.Updated)
	})
	t.Run("a correction gives the dossier back, once", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		number := b.file()
		require.NoError(t, b.StartInstruction(number))
		correction := map[string]any{"correction": "incomplete"}
		require.Empty(t, write(b, number, correction))
		require.Equal(t, demarches.EnConstruction, state(number))
		require.Empty(t, write(b, number, correction), "sent all the same")
		corrections := 0
		for _, m := range b.Messages(number) {
			if m.Correction != "" {
				corrections++
			}
		}
		require.Equal(t, 1, corrections, "the second is dropped without a word")

		require.NoError(t, b.Edit(number, demarches.Answers{demarches.FieldCPU: 2.0}))
		d, _ := b.Dossier(number)
		require.False(t, d.CorrectionPending)
		require.Equal(t, "depose_correction_usager", d.Events[len(d.Events)-1])

		require.NoError(t, b.StartInstruction(number))
		require.NoError(t, b.Accept(number, ""))
		require.Empty(t, write(b, number, correction))
		require.Equal(t, demarches.Accepte, state(number), "not on a decided dossier")
	})
	t.Run("refused where nobody would read it", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		for name, act := range map[string]func(int, ...demarches.ActOption) error{
			"archived": b.Archive, "hidden": b.HideByApplicant, "no account": b.DeleteAccount, "deleted": b.Delete,
		} {
			number := b.file()
			require.NoError(t, b.StartInstruction(number))
			require.NoError(t, b.Accept(number, ""))
			require.NoError(t, act(number), name)
			before := len(b.Messages(number))
			require.Contains(t, write(b, number, nil), "Il n’est pas possible d’envoyer un message", name)
			require.Len(t, b.Messages(number), before)
		}
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		require.NotEmpty(t, write(b, b.file(), map[string]any{"body": ""}))
	})
	t.Run("of the applicant", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		number := b.file()
		require.NoError(t, b.WriteMessage(number, "Merci"))
		require.NoError(t, b.WriteMessage(number, "De rien", demarches.As("robot@dinum.example")))
		messages := b.Messages(number)
		require.Equal(t, "camille.martin@interieur.example", messages[1].From)
		require.Equal(t, "robot@dinum.example", messages[2].From)
	})
}

func TestAnnotationsAndLabels(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *demarches.Options) {
		o.Demarches[0].Form.Annotations = append(o.Demarches[0].Form.Annotations,
			demarches.Field{StableID: 290, Label: "Liste", Type: demarches.DropDownList, Options: []string{"a"}})
	})
	number := b.file()
	b.clock.advance(time.Minute)
	champ := func(id int, value map[string]any) map[string]any {
		return map[string]any{"id": demarches.ChampID(id), "value": value}
	}

	p := b.mutate("dossierModifierAnnotations", "annotations { id stringValue }", b.input(number, map[string]any{
		"annotations": []any{
			champ(demarches.AnnotationStep, map[string]any{"text": "Étape 3"}),
			champ(demarches.AnnotationEligible, map[string]any{"yesNo": true}),
			champ(demarches.AnnotationIssueURL, map[string]any{"integerNumber": 3}),
			champ(999, map[string]any{"text": "perdu"}),
			champ(290, map[string]any{"dropDownList": "b"}),
		},
	}))
	require.Contains(t, message(p), "doit être dans la liste")
	require.Len(t, p["annotations"], 2, "values and errors together")
	d, _ := b.Dossier(number)
	require.Equal(t, demarches.Answers{demarches.AnnotationStep: "Étape 3", demarches.AnnotationEligible: true}, d.Annotations)

	p = b.mutate("dossierModifierAnnotationText", "annotation { stringValue }", b.input(number, map[string]any{
		"annotationId": demarches.ChampID(demarches.AnnotationStep), "value": "Étape 4",
	}))
	require.Equal(t, "Étape 4", at(p, "annotation", "stringValue"))
	p = b.mutate("dossierModifierAnnotationText", "annotation { stringValue }", b.input(number, map[string]any{
		"annotationId": demarches.ChampID(demarches.AnnotationEligible), "value": "oui",
	}))
	require.Contains(t, message(p), "n’existe pas")

	read := at(b.query(`query($n: Int!) { dossier(number: $n) { annotations { id stringValue }
		dateDepot dateDerniereModification dateDerniereModificationAnnotations dateDerniereModificationChamps } }`,
		map[string]any{"n": number}), "dossier")
	require.Equal(t, "Étape 4", at(read, "annotations", 0, "stringValue"))
	require.Equal(t, at(read, "dateDepot"), at(read, "dateDerniereModificationChamps"))
	require.NotEqual(t, at(read, "dateDepot"), at(read, "dateDerniereModificationAnnotations"))
	require.Equal(t, at(read, "dateDerniereModification"), at(read, "dateDerniereModificationAnnotations"))

	r := b.ask(token, `mutation($i: DossierModifierAnnotationsInput!) { dossierModifierAnnotations(input: $i) { errors { message } } }`,
		map[string]any{"i": b.input(number, map[string]any{"annotations": []any{
			champ(demarches.AnnotationStep, map[string]any{"text": "a", "yesNo": true}),
		}})})
	require.NotEmpty(t, r.Errors, "one value, no more")

	label := map[string]any{"dossierId": demarches.DossierID(number), "labelId": demarches.LabelID(2)}
	p = b.mutate("dossierAjouterLabel", "label { name } dossier { labels { name } }", label)
	require.Empty(t, message(p))
	require.Equal(t, "prioritaire", at(p, "dossier", "labels", 0, "name"))
	require.Equal(t, "Ce label est déjà associé au dossier", message(b.mutate("dossierAjouterLabel", "label { name }", label)))
	p = b.mutate("dossierSupprimerLabel", "label { name } dossier { labels { name } }", label)
	require.Empty(t, message(p))
	require.Empty(t, at(p, "dossier", "labels"))
	require.Equal(t, "Ce label n’est pas associé au dossier", message(b.mutate("dossierSupprimerLabel", "label { name }", label)))
	unknown := map[string]any{"dossierId": demarches.DossierID(number), "labelId": demarches.LabelID(99)}
	require.Equal(t, "not_found", b.ask(token, `mutation($i: DossierSupprimerLabelInput!) { dossierSupprimerLabel(input: $i) { errors { message } } }`,
		map[string]any{"i": unknown}).code())
}
