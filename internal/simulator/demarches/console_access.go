package demarches

// Stable ids of the console-access form, for those who point a journey at its
// fields through ChampID.
const (
	FieldOrganisation     = 101
	FieldMinistry         = 102
	FieldProjectName      = 103
	FieldDescription      = 104
	FieldRequestKind      = 105
	FieldInfrastructure   = 106
	FieldApplicantRole    = 107
	FieldPiloteMOE        = 108
	FieldTeam             = 109 // one address on each line
	FieldServices         = 110
	FieldTechnologies     = 111
	FieldStorage          = 112
	FieldCurrentHosting   = 113
	FieldCurrentForge     = 114
	FieldExposure         = 115
	FieldEnvironments     = 116
	FieldCPU              = 117
	FieldMemory           = 118
	FieldDisk             = 119
	FieldContainerised    = 121
	FieldConfiguration    = 122
	FieldStateless        = 123
	FieldRootless         = 124
	FieldReadOnly         = 125
	FieldForgeReachable   = 126
	FieldManifests        = 127
	FieldServicesKnown    = 128
	FieldDomainNames      = 129
	FieldEncryptionStated = 130
	FieldNorms            = 131
	FieldProjectPlan      = 132
	FieldPrequalification = 133
	FieldDeciders         = 134 // one address on each line
	FieldPartnership      = 135
)

// Stable ids of the form's annotations.
const (
	AnnotationStep       = 201
	AnnotationProjectURL = 202
	AnnotationIssueURL   = 203
	AnnotationEligible   = 204
	AnnotationSupport    = 205
)

// Stable ids of the form's section titles.
const (
	sectionProject       = 191
	sectionTeam          = 192
	sectionTechnique     = 193
	sectionPrerequisites = 194
	sectionCommitment    = 195
)

// Choices of the console-access form's lists.
const (
	RequestMigration  = "Migration d’un projet existant vers le cloud"
	RequestNewProject = "Nouveau projet cloud native"
	RequestExperiment = "Expérimentation de la chaîne de livraison"

	InfrastructureCloudPi = "Cloud Pi"
	InfrastructureOther   = "Autre infrastructure"

	ExposureInternet = "Internet"
	ExposureRIE      = "RIE (réseau interministériel de l’État)"
	ExposureIntranet = "Intranet du ministère"
)

func applicantRoles() []string {
	return []string{"Décisionnaire", "Pilote MOE", "Développeur", "Ops ou SRE", "Architecte"}
}

// ConsoleAccessForm is the form « Accès à la console Cloud Pi Native », which
// commits a team to the norms.
func ConsoleAccessForm(number int) Form {
	prerequisite := func(id int, label string) Field {
		return Field{StableID: id, Label: label, Type: YesNo, Required: true}
	}
	section := func(id int, label string) Field {
		return Field{StableID: id, Label: label, Type: HeaderSection, Level: 1}
	}
	return Form{
		Number: number,
		Title:  "Accès à la console Cloud Pi Native",
		Description: "Ce formulaire engage votre équipe à respecter le cadre de cohérence technique (CCT) " +
			"Cloud Native et ouvre l’accès à la console.",
		Path: "cloud-pi-native",
		Fields: []Field{
			section(sectionProject, "Votre projet"),
			{StableID: FieldOrganisation, Label: "Organisation", Type: Text, Required: true},
			{StableID: FieldMinistry, Label: "Votre organisation est-elle rattachée à un ministère ?", Type: YesNo, Required: true},
			{
				StableID: FieldPartnership, Type: YesNo,
				Label: "Pour une organisation externe : s’agit-il d’un partenariat d’intérêt public ?",
			},
			{
				StableID: FieldPrequalification, Label: "Référence de préqualification", Type: Text,
				Description: "La référence reçue après le diagnostic flash, si vous l’avez fait. Le lien reçu avec elle remplit ce champ.",
			},
			{
				StableID: FieldProjectName, Label: "Nom du projet", Type: Text, Required: true,
				Description: "Le nom sous lequel le projet est connu de ses utilisateurs.",
			},
			{StableID: FieldDescription, Label: "Description courte du projet", Type: Textarea, Required: true},
			{
				StableID: FieldRequestKind, Label: "Type de demande", Type: DropDownList, Required: true,
				Options: []string{RequestMigration, RequestNewProject, RequestExperiment},
			},
			{
				StableID: FieldInfrastructure, Label: "Infrastructure cible", Type: DropDownList, Required: true,
				Options: []string{InfrastructureCloudPi, InfrastructureOther},
			},
			section(sectionTeam, "Votre équipe"),
			{
				StableID: FieldApplicantRole, Label: "Votre rôle dans le projet", Type: DropDownList, Required: true, OtherOption: true,
				Options: applicantRoles(),
			},
			{StableID: FieldPiloteMOE, Label: "Adresse électronique du pilote MOE", Type: Email, Required: true},
			{
				StableID: FieldTeam, Label: "Adresses électroniques de l’équipe produit", Type: Textarea,
				Description: "Une adresse par ligne.",
			},
			{
				StableID: FieldDeciders, Label: "Adresses électroniques des décisionnaires", Type: Textarea,
				Description: "Une adresse par ligne.",
			},
			section(sectionTechnique, "Votre architecture"),
			{StableID: FieldServices, Label: "Nombre de services à déployer", Type: IntegerNumber},
			{StableID: FieldTechnologies, Label: "Technologies utilisées (langages, cadriciels)", Type: Textarea},
			{StableID: FieldStorage, Label: "Bases de données et stockage", Type: Textarea},
			{StableID: FieldCurrentHosting, Label: "Hébergement actuel", Type: Text},
			{StableID: FieldCurrentForge, Label: "Forge logicielle actuelle", Type: Text},
			{
				StableID: FieldExposure, Label: "Exposition des services", Type: MultipleDropDownList,
				Options: []string{ExposureInternet, ExposureRIE, ExposureIntranet},
			},
			{
				StableID: FieldEnvironments, Label: "Environnements souhaités", Type: MultipleDropDownList,
				Options: []string{"Développement", "Intégration", "Recette", "Préproduction", "Production"},
			},
			{StableID: FieldCPU, Label: "Estimation du besoin en processeurs (vCPU)", Type: DecimalNumber},
			{StableID: FieldMemory, Label: "Estimation du besoin en mémoire vive (Go)", Type: DecimalNumber},
			{StableID: FieldDisk, Label: "Estimation du besoin en stockage (Go)", Type: DecimalNumber},
			section(sectionPrerequisites, "Prérequis techniques"),
			prerequisite(FieldContainerised, "L’application est conteneurisée"),
			prerequisite(FieldConfiguration, "La configuration passe par des variables d’environnement et les secrets sont gérés"),
			prerequisite(FieldStateless, "L’application est sans état, hormis ses bases de données et son stockage"),
			prerequisite(FieldRootless, "Les images fonctionnent sans droits root, sur une base standard ou certifiée"),
			prerequisite(FieldReadOnly, "Le système de fichiers des images est en lecture seule"),
			prerequisite(FieldForgeReachable, "Le code source est dans une forge accessible depuis Internet ou le RIE"),
			prerequisite(FieldManifests, "Les manifestes de déploiement sont dans un dépôt qui leur est propre"),
			prerequisite(FieldServicesKnown, "Les services et les URL à exposer sont connus (Internet, RIE, intranet)"),
			prerequisite(FieldDomainNames, "Les noms de domaine sont connus pour chaque environnement"),
			prerequisite(FieldEncryptionStated, "Les besoins particuliers de chiffrement sont exprimés"),
			section(sectionCommitment, "Engagement"),
			{
				StableID: FieldNorms, Type: Checkbox, Required: true,
				Label: "Mon équipe s’engage à respecter le cadre de cohérence technique (CCT) Cloud Native",
			},
			{StableID: FieldProjectPlan, Label: "Plan projet", Type: PieceJustificative},
		},
		Annotations: []Field{
			{StableID: AnnotationStep, Label: "Étape du parcours", Type: Text},
			{StableID: AnnotationProjectURL, Label: "Projet GitLab (bac à sable)", Type: Text},
			{StableID: AnnotationIssueURL, Label: "Ticket de suivi", Type: Text},
			{StableID: AnnotationEligible, Label: "Éligible à l’accompagnement", Type: YesNo},
			{StableID: AnnotationSupport, Label: "Accompagnement proposé", Type: Text},
		},
	}
}

// ConsoleAccessAnswers are complete answers to the console-access form, to start
// from in tests and in the demo: a ministry's new project for which every
// prerequisite is met.
func ConsoleAccessAnswers(projectName string) Answers {
	answers := Answers{
		FieldOrganisation:   "Direction du numérique",
		FieldMinistry:       true,
		FieldProjectName:    projectName,
		FieldDescription:    "Un service en ligne pour les usagers.",
		FieldRequestKind:    RequestNewProject,
		FieldInfrastructure: InfrastructureCloudPi,
		FieldApplicantRole:  "Pilote MOE",
		FieldPiloteMOE:      "camille.martin@interieur.example",
		FieldTeam:           "alex.petit@interieur.example\nsacha.durand@interieur.example",
		FieldServices:       3,
		FieldTechnologies:   "Go, TypeScript",
		FieldStorage:        "PostgreSQL, stockage objet S3",
		FieldCurrentHosting: "Aucun",
		FieldCurrentForge:   "GitLab",
		FieldExposure:       []string{ExposureInternet, ExposureRIE},
		FieldEnvironments:   []string{"Développement", "Production"},
		FieldCPU:            4.0,
		FieldMemory:         8.0,
		FieldDisk:           50.0,
		FieldNorms:          true,
		FieldProjectPlan: []Attachment{{
			Filename: "plan-projet.txt", ContentType: "text/plain", Content: []byte("Plan projet : " + projectName + "\n"),
		}},
	}
	for id := FieldContainerised; id <= FieldEncryptionStated; id++ {
		answers[id] = true
	}
	return answers
}
