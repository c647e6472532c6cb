package demarches

// Stable ids of the prequalification form, for those who point a journey at its
// fields through ChampID.
const (
	PrequalOrganisation   = 301
	PrequalMinistry       = 302
	PrequalObjective      = 303
	PrequalProjectName    = 304
	PrequalDescription    = 305
	PrequalInfrastructure = 306
	PrequalApplicantRole  = 307
	PrequalPiloteMOE      = 308
	PrequalTeam           = 309 // one address on each line
	PrequalDeciders       = 310 // one address on each line
)

// Stable ids of the form's annotations.
const (
	PrequalAnnotationStep     = 351
	PrequalAnnotationIssueURL = 352
)

// Stable ids of the form's section titles.
const (
	prequalSectionProject = 391
	prequalSectionTeam    = 392
)

// Choices of the prequalification form's list of objectives.
const (
	ObjectiveDeploy     = "Déployer ou migrer un projet sur Cloud Pi"
	ObjectiveExperiment = "Expérimenter la chaîne de livraison"
	ObjectivePartner    = "Partenariat d’intérêt public"
	ObjectiveOwnNeeds   = "Expérimentation pour ses propres besoins"
)

// PrequalificationForm is the form « Diagnostic flash : préqualification Cloud Pi
// Native », with which a team tells what it is after before it commits itself.
func PrequalificationForm(number int) Form {
	section := func(id int, label string) Field {
		return Field{StableID: id, Label: label, Type: HeaderSection, Level: 1}
	}
	return Form{
		Number: number,
		Title:  "Diagnostic flash : préqualification Cloud Pi Native",
		Description: "Quelques questions pour savoir si l’offre Cloud Pi Native convient à votre projet, " +
			"et comment vous y accompagner.",
		Path: "prequalification-cloud-pi-native",
		Fields: []Field{
			section(prequalSectionProject, "Votre projet"),
			{StableID: PrequalOrganisation, Label: "Organisation", Type: Text, Required: true},
			{StableID: PrequalMinistry, Label: "Votre organisation est-elle rattachée à un ministère ?", Type: YesNo, Required: true},
			{
				StableID: PrequalObjective, Label: "Votre objectif", Type: DropDownList, Required: true,
				Options: []string{ObjectiveDeploy, ObjectiveExperiment, ObjectivePartner, ObjectiveOwnNeeds},
			},
			{
				StableID: PrequalProjectName, Label: "Nom du projet", Type: Text, Required: true,
				Description: "Le nom sous lequel le projet est connu de ses utilisateurs.",
			},
			{StableID: PrequalDescription, Label: "Description courte du projet", Type: Textarea, Required: true},
			{
				StableID: PrequalInfrastructure, Label: "Infrastructure cible", Type: DropDownList, Required: true,
				Options: []string{InfrastructureCloudPi, InfrastructureOther},
			},
			section(prequalSectionTeam, "Votre équipe"),
			{
				StableID: PrequalApplicantRole, Label: "Votre rôle dans le projet", Type: DropDownList, Required: true, OtherOption: true,
				Options: applicantRoles(),
			},
			{StableID: PrequalPiloteMOE, Label: "Adresse électronique du pilote MOE", Type: Email, Required: true},
			{
				StableID: PrequalTeam, Label: "Adresses électroniques de l’équipe produit", Type: Textarea,
				Description: "Une adresse par ligne.",
			},
			{
				StableID: PrequalDeciders, Label: "Adresses électroniques de la gouvernance (décisionnaires)", Type: Textarea,
				Description: "Une adresse par ligne.",
			},
		},
		Annotations: []Field{
			{StableID: PrequalAnnotationStep, Label: "Étape du parcours", Type: Text},
			{StableID: PrequalAnnotationIssueURL, Label: "Ticket de suivi", Type: Text},
		},
	}
}

// PrequalificationAnswers are complete answers to the prequalification form, to start
// from in tests and in the demo: a ministry that wants to bring a project.
func PrequalificationAnswers(projectName string) Answers {
	return Answers{
		PrequalOrganisation:   "Direction du numérique",
		PrequalMinistry:       true,
		PrequalObjective:      ObjectiveDeploy,
		PrequalProjectName:    projectName,
		PrequalDescription:    "Un service en ligne pour les usagers.",
		PrequalInfrastructure: InfrastructureCloudPi,
		PrequalApplicantRole:  "Pilote MOE",
		PrequalPiloteMOE:      "camille.martin@interieur.example",
		PrequalTeam:           "alex.petit@interieur.example\nsacha.durand@interieur.example",
		PrequalDeciders:       "dominique.robert@interieur.example",
	}
}
