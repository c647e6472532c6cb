package demarches

import (
	"github.com/graph-gophers/graphql-go"
)

// dossierResolver is one version of a dossier, as the API shows it.
type dossierResolver struct {
	d       *dossier
	session session
}

func (r *dossierResolver) ID() graphql.ID    { return graphql.ID(DossierID(r.d.number)) }
func (r *dossierResolver) Number() int32     { return int32(r.d.number) }
func (r *dossierResolver) State() string     { return string(r.d.state) }
func (r *dossierResolver) Archived() bool    { return r.d.archived }
func (r *dossierResolver) Prefilled() bool   { return false }
func (r *dossierResolver) Avis(byID) []*avis { return []*avis{} }

func (r *dossierResolver) DateDepot() dateTime { return dateTime{r.d.deposited} }
func (r *dossierResolver) DatePassageEnConstruction() dateTime {
	return dateTime{r.d.enConstruction}
}

func (r *dossierResolver) DatePassageEnInstruction() *dateTime {
	return optional(r.d.enInstruction)
}
func (r *dossierResolver) DateTraitement() *dateTime          { return optional(r.d.processed) }
func (r *dossierResolver) DateDerniereModification() dateTime { return dateTime{r.d.updated} }
func (r *dossierResolver) DateDerniereModificationChamps() dateTime {
	return dateTime{r.d.champsUpdated}
}

func (r *dossierResolver) DateDerniereModificationAnnotations() dateTime {
	return dateTime{r.d.annotationsUpdated}
}
func (r *dossierResolver) DateSuppressionParUsager() *dateTime { return optional(r.d.hiddenByUser) }
func (r *dossierResolver) DateSuppressionParAdministration() *dateTime {
	return optional(r.d.hiddenByAgent)
}
func (r *dossierResolver) DateExpiration() *dateTime       { return nil }
func (r *dossierResolver) DateTraitementSVASVR() *dateTime { return nil }

func (r *dossierResolver) DatePrevisionnelleDecisionSVASVR() *date { return nil }

func (r *dossierResolver) DateDerniereCorrectionEnAttente() *dateTime {
	if m := r.d.pendingCorrection(); m != nil {
		return optional(m.at)
	}
	return nil
}

func (r *dossierResolver) Motivation() *string                 { return optionalText(r.d.motivation) }
func (r *dossierResolver) MotivationAttachment() *fileResolver { return nil }
func (r *dossierResolver) Attestation() *fileResolver          { return nil }
func (r *dossierResolver) Pdf() *fileResolver                  { return nil }
func (r *dossierResolver) Geojson() *fileResolver              { return nil }
func (r *dossierResolver) DeposeParUnTiers() *bool             { no := false; return &no }
func (r *dossierResolver) PrenomMandataire() *string           { return nil }
func (r *dossierResolver) NomMandataire() *string              { return nil }

func (r *dossierResolver) ConnectionUsager() string {
	if r.d.accountDeleted {
		return "deleted"
	}
	return "password"
}

func (r *dossierResolver) Usager() (*profileID, error) {
	if _, garbled := r.session.server.garbled.Load(r.d.number); garbled {
		return nil, &apiError{code: "invalid_null", message: Spoil{Code: "invalid_null"}.message()}
	}
	if r.d.accountDeleted {
		return &profileID{"<deleted>", r.d.email}, nil
	}
	return &profileID{graphql.ID(encodeID("User", r.d.email)), r.d.email}, nil
}

func (r *dossierResolver) Demarche() *descriptor { return &descriptor{r.d.demarche, r.session} }
func (r *dossierResolver) Revision() *revision   { return &revision{r.d.demarche} }

func (r *dossierResolver) GroupeInstructeur() *groupResolver { return &groupResolver{r.d.group} }
func (r *dossierResolver) Instructeurs() []*profileID        { return resolveProfiles(r.d.followers) }
func (r *dossierResolver) Labels() []*labelResolver          { return resolveLabels(r.d.labels) }
func (r *dossierResolver) Demandeur() *demandeur             { return &demandeur{r.d} }

type byID struct{ ID *graphql.ID }

func (b byID) wants(id string) bool { return b.ID == nil || string(*b.ID) == id }

func (r *dossierResolver) Champs(args byID) []*champ {
	return r.fill(r.d.demarche.form.Fields, r.d.answers, dateTime{r.d.champsUpdated}, args)
}

func (r *dossierResolver) Annotations(args byID) []*champ {
	return r.fill(r.d.demarche.form.Annotations, r.d.annotations, dateTime{r.d.annotationsUpdated}, args)
}

// fill returns every field of the form, answered or not, as DS does.
func (r *dossierResolver) fill(fields []Field, answers Answers, at dateTime, args byID) []*champ {
	champs := make([]*champ, 0, len(fields))
	for i := range fields {
		f := &fields[i]
		if args.ID == nil || args.wants(ChampID(f.StableID)) {
			champs = append(champs, &champ{f: f, value: answers[f.StableID], at: at, base: r.session.base})
		}
	}
	return champs
}

func (r *dossierResolver) Messages(args byID) []*messageResolver {
	messages := make([]*messageResolver, 0, len(r.d.messages))
	for _, m := range r.d.messages {
		resolved := resolveMessage(m)
		if args.wants(string(resolved.ID)) {
			messages = append(messages, resolved)
		}
	}
	return messages
}

type messageResolver struct {
	ID          graphql.ID
	Email, Body string
	CreatedAt   dateTime
	DiscardedAt *dateTime
	Attachment  *fileResolver
	Attachments []*fileResolver
	Correction  *correction
}

type correction struct {
	Reason         string
	DateResolution *dateTime
}

func resolveMessage(m *message) *messageResolver {
	resolved := &messageResolver{
		ID: graphql.ID(encodeID("Commentaire", m.number)), Email: m.email, Body: m.body,
		CreatedAt: dateTime{m.at}, Attachments: []*fileResolver{},
	}
	if m.correction != "" {
		resolved.Correction = &correction{m.correction, optional(m.resolved)}
	}
	return resolved
}

func (r *dossierResolver) Traitements() []*treatmentResolver {
	treatments := make([]*treatmentResolver, 0, len(r.d.treatments))
	for _, t := range r.d.treatments {
		treatments = append(treatments, &treatmentResolver{
			ID: graphql.ID(encodeID("Traitement", t.number)), Event: t.event, State: string(t.state),
			DateTraitement: dateTime{t.at}, EmailAgentTraitant: optionalText(t.email),
			Motivation: optionalText(t.motivation), Revision: r.Revision(),
		})
	}
	return treatments
}

type treatmentResolver struct {
	ID                             graphql.ID
	Event, State                   string
	DateTraitement                 dateTime
	EmailAgentTraitant, Motivation *string
	Revision                       *revision
}

// avis is an expert's opinion. Nobody asks for one here.
type avis struct {
	ID               graphql.ID
	Question         string
	Reponse          *string
	DateQuestion     dateTime
	DateReponse      *dateTime
	Claimant, Expert *profileID
	Instructeur      *profileID
	Attachment       *fileResolver
	QuestionLabel    *string
	QuestionAnswer   *bool
	Attachments      []*fileResolver
}

// demandeur is whom the dossier is for.
type demandeur struct{ d *dossier }

func (r *demandeur) ID() graphql.ID {
	if r.d.applicant.Company != nil {
		return graphql.ID(encodeID("Etablissement", r.d.number))
	}
	return graphql.ID(encodeID("Individual", r.d.number))
}

func (r *demandeur) ToPersonnePhysique() (*physique, bool) {
	return &physique{r}, r.d.applicant.Company == nil
}

func (r *demandeur) ToPersonneMorale() (*morale, bool) {
	c := r.d.applicant.Company
	return &morale{r}, c != nil && !c.Incomplete
}

func (r *demandeur) ToPersonneMoraleIncomplete() (*morale, bool) {
	c := r.d.applicant.Company
	return &morale{r}, c != nil && c.Incomplete
}

type physique struct{ *demandeur }

func (p *physique) Civilite() *string      { return optionalText(p.d.applicant.Civility) }
func (p *physique) DateDeNaissance() *date { return nil }
func (p *physique) Email() *string         { return optionalText(p.d.email) }
func (p *physique) Nom() string            { return p.d.applicant.LastName }
func (p *physique) Prenom() string         { return p.d.applicant.FirstName }

type morale struct{ *demandeur }

func (m *morale) Siret() string             { return m.d.applicant.Company.SIRET }
func (m *morale) SiegeSocial() bool         { return true }
func (m *morale) Naf() *string              { return nil }
func (m *morale) LibelleNaf() string        { return "Administration publique générale" }
func (m *morale) Association() *association { return nil }

func (m *morale) Address() *address {
	return &address{Label: "Paris", Type: "municipality", CityName: "Paris", CityCode: "75056", PostalCode: "75001"}
}

// What the address was before it had a type of its own.
func (m *morale) Adresse() string            { return m.Address().Label }
func (m *morale) CodeInseeLocalite() string  { return m.Address().CityCode }
func (m *morale) CodePostal() string         { return m.Address().PostalCode }
func (m *morale) Localite() string           { return m.Address().CityName }
func (m *morale) ComplementAdresse() *string { return nil }
func (m *morale) NomVoie() *string           { return nil }
func (m *morale) NumeroVoie() *string        { return nil }
func (m *morale) TypeVoie() *string          { return nil }

func (m *morale) Entreprise() *entreprise {
	siret := m.Siret()
	return &entreprise{
		Siren: siret[:min(9, len(siret))], SiretSiegeSocial: siret, RaisonSociale: m.d.applicant.Company.Name,
		InlineAdresse: m.Adresse(),
	}
}

// entreprise, association and address are what the company register says.
type entreprise struct {
	Siren, SiretSiegeSocial, RaisonSociale, NomCommercial                   string
	FormeJuridique, FormeJuridiqueCode, CodeEffectifEntreprise, Nom, Prenom *string
	NumeroTvaIntracommunautaire                                             *string
	Enseigne, EtatAdministratif                                             *string
	InlineAdresse                                                           string
	EffectifAnnuel, EffectifMensuel                                         *effectif
	CapitalSocial                                                           *bigInt
	DateCreation                                                            *date
	AttestationFiscaleAttachment, AttestationSocialeAttachment              *fileResolver
}

type effectif struct {
	Nb      float64
	Periode string
}

type association struct {
	Rna, Titre                                     string
	Objet                                          *string
	DateCreation, DateDeclaration, DatePublication *date
}

type address struct {
	Label, Type, CityName, CityCode, PostalCode                     string
	CountryCode, CountryName, DepartmentCode, DepartmentName        *string
	RegionCode, RegionName, StreetAddress, StreetName, StreetNumber *string
	Geometry                                                        *geoJSON
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fileResolver is a file and the address from which its reader can download it.
type fileResolver struct {
	f    *file
	base string
}

func (r *fileResolver) Filename() string        { return r.f.Filename }
func (r *fileResolver) ContentType() string     { return r.f.ContentType }
func (r *fileResolver) Checksum() string        { return r.f.checksum }
func (r *fileResolver) ByteSize() int32         { return int32(len(r.f.Content)) }
func (r *fileResolver) ByteSizeBigInt() bigInt  { return bigInt(len(r.f.Content)) }
func (r *fileResolver) CreatedAt() dateTime     { return dateTime{r.f.at} }
func (r *fileResolver) URL() webAddress         { return webAddress(r.base + r.f.path()) }
func (r *fileResolver) VirusScanResult() string { return "safe" }

func resolveFiles(value any, base string) []*fileResolver {
	files, _ := value.([]*file)
	resolved := make([]*fileResolver, 0, len(files))
	for _, f := range files {
		resolved = append(resolved, &fileResolver{f, base})
	}
	return resolved
}
