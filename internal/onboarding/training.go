package onboarding

import "slices"

// TrainingFor returns what helps who filed the dossier in a step: what is for everybody,
// and what is for the audience that their role belongs to. A role that belongs to none
// gets it all.
func (j *Journey) TrainingFor(d *Dossier, step int) []Training {
	audiences := j.audiencesOf(d)
	var helps []Training
	for _, training := range j.Training {
		if training.Step == step &&
			(training.Audience == TrainingAll || len(audiences) == 0 || slices.Contains(audiences, training.Audience)) {
			helps = append(helps, training)
		}
	}
	return helps
}

// audiencesOf returns the audiences that the applicant's role belongs to.
func (j *Journey) audiencesOf(d *Dossier) []TrainingAudience {
	var audiences []TrainingAudience
	for _, audience := range TrainingAudiences() {
		if told, holds := j.tells(d, FactRole, j.Roles[audience]); told && holds {
			audiences = append(audiences, audience)
		}
	}
	return audiences
}
