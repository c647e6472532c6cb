package demarches

import (
	"context"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// root resolves Query, here, and Mutation, in resolve_mutation.go.
type root struct{}

func (r root) Demarche(ctx context.Context, args struct{ Number int32 }) (*demarcheResolver, error) {
	m, err := r.demarche(ctx, int(args.Number), "Demarche")
	if err != nil {
		return nil, err
	}
	return &demarcheResolver{descriptor{m, sessionOf(ctx)}, lists{m, nil, sessionOf(ctx)}}, nil
}

type findDemarcheInput struct {
	ID     *graphql.ID
	Number *int32
}

func (r root) DemarcheDescriptor(ctx context.Context, args struct{ Demarche findDemarcheInput }) (*descriptor, error) {
	number := 0
	switch {
	case args.Demarche.Number != nil:
		number = int(*args.Demarche.Number)
	case args.Demarche.ID != nil:
		number, _ = decodeNumber(string(*args.Demarche.ID), "Procedure")
	}
	m, err := r.demarche(ctx, number, "DemarcheDescriptor")
	if err != nil {
		return nil, err
	}
	return &descriptor{m, sessionOf(ctx)}, nil
}

// GroupeInstructeur is one group with what it deals with.
func (root) GroupeInstructeur(ctx context.Context, args struct{ Number int32 }) (*groupWithDossiers, error) {
	s := sessionOf(ctx)
	for number, m := range s.server.demarches {
		for _, g := range m.groups {
			switch {
			case g.number != int(args.Number):
			case !s.opens(number):
				return nil, unauthorized("GroupeInstructeurWithDossiers")
			default:
				return &groupWithDossiers{&groupResolver{g}, lists{m, g, s}}, nil
			}
		}
	}
	return nil, notFound("GroupeInstructeurWithDossiers")
}

func (root) demarche(ctx context.Context, number int, typeName string) (*demarche, error) {
	s := sessionOf(ctx)
	m := s.server.demarches[number]
	switch {
	case m == nil:
		return nil, notFound(typeName)
	case s.anonymous && typeName == "DemarcheDescriptor" && m.state == "publiee":
		return m, nil // which everybody may read
	case !s.opens(number):
		return nil, unauthorized(typeName)
	}
	return m, nil
}

func (root) Dossier(ctx context.Context, args struct{ Number int32 }) (*dossierResolver, error) {
	s := sessionOf(ctx)
	s.server.rlock()
	e := s.server.dossiers[int(args.Number)]
	var d *dossier
	if e != nil {
		d = e.visible
	}
	s.server.mu.RUnlock()
	switch {
	case d == nil || d.presence() != Present:
		return nil, notFound("Dossier")
	case !s.opens(d.demarche.form.Number):
		return nil, unauthorized("Dossier")
	}
	return &dossierResolver{d, s}, nil
}

// descriptor is a démarche without its dossiers.
type descriptor struct {
	m       *demarche
	session session
}

func (d *descriptor) ID() graphql.ID      { return graphql.ID(DemarcheID(d.m.form.Number)) }
func (d *descriptor) Number() int32       { return int32(d.m.form.Number) }
func (d *descriptor) Title() string       { return d.m.form.Title }
func (d *descriptor) Description() string { return d.m.form.Description }
func (d *descriptor) State() string       { return d.m.state }

func (d *descriptor) DateCreation() dateTime             { return dateTime{d.m.opened} }
func (d *descriptor) DateDerniereModification() dateTime { return dateTime{d.m.opened} }
func (d *descriptor) DatePublication() *dateTime         { return optional(d.m.opened) }
func (d *descriptor) DateDepublication() *dateTime       { return nil }
func (d *descriptor) DateFermeture() *dateTime           { return nil }
func (d *descriptor) DureeConservationDossiers() int32   { return 12 }

func (d *descriptor) Declarative() *string        { return nil }
func (d *descriptor) CadreJuridiqueURL() *string  { return nil }
func (d *descriptor) Deliberation() *fileResolver { return nil }
func (d *descriptor) Notice() *fileResolver       { return nil }
func (d *descriptor) Logo() *fileResolver         { return nil }
func (d *descriptor) NoticeURL() *webAddress      { return nil }
func (d *descriptor) DpoURL() *string             { return nil }
func (d *descriptor) SiteWebURL() *string         { return nil }
func (d *descriptor) Opendata() bool              { return true }
func (d *descriptor) Tags() []string              { return []string{} }
func (d *descriptor) Zones() []string             { return []string{} }

func (d *descriptor) DemarcheURL() *webAddress {
	if d.m.form.Path == "" {
		return nil
	}
	u := webAddress(d.session.base + "/commencer/" + d.m.form.Path)
	return &u
}

func (d *descriptor) Service() *service {
	return &service{
		ID: graphql.ID(encodeID("Service", 1)), Nom: "Programme Cloud Pi Native", Organisme: "Ministère de l’Intérieur",
		TypeOrganisme: "administration_centrale",
	}
}

func (d *descriptor) Revision() *revision { return &revision{d.m} }

type service struct {
	ID             graphql.ID
	Nom, Organisme string
	Siret          *string
	TypeOrganisme  string
}

// revision is the only revision of a form.
type revision struct{ m *demarche }

func (r *revision) ID() graphql.ID {
	return graphql.ID(encodeID("ProcedureRevision", r.m.form.Number))
}
func (r *revision) DateCreation() dateTime     { return dateTime{r.m.opened} }
func (r *revision) DatePublication() *dateTime { return optional(r.m.opened) }

func (r *revision) ChampDescriptors() []*champDescriptor { return describe(r.m.form.Fields) }
func (r *revision) AnnotationDescriptors() []*champDescriptor {
	return describe(r.m.form.Annotations)
}

// demarcheResolver is a démarche with its dossiers.
type demarcheResolver struct {
	descriptor
	lists
}

func (d *demarcheResolver) DraftRevision() *revision                  { return d.Revision() }
func (d *demarcheResolver) ChorusConfiguration() *chorusConfiguration { return nil }

type chorusConfiguration struct{ CentreDeCout, DomaineFonctionnel, ReferentielDeProgrammation *string }

// lists are the dossiers of a démarche, or of one group of it.
type lists struct {
	of     *demarche
	group  *group
	reader session
}

// has says whether a dossier is of the lists.
func (l lists) has(d *dossier) bool { return l.group == nil || d.group == l.group }

type groupWithDossiers struct {
	*groupResolver
	lists
}

func (d *demarcheResolver) ActiveRevision() *revision    { return d.Revision() }
func (d *demarcheResolver) PublishedRevision() *revision { return d.Revision() }
func (d *demarcheResolver) Revisions() []*revision       { return []*revision{d.Revision()} }

func (d *demarcheResolver) ChampDescriptors() []*champDescriptor {
	return d.Revision().ChampDescriptors()
}

func (d *demarcheResolver) AnnotationDescriptors() []*champDescriptor {
	return d.Revision().AnnotationDescriptors()
}

func (d *demarcheResolver) Labels() []*labelResolver { return resolveLabels(d.m.labels) }

func (d *demarcheResolver) GroupeInstructeurs(args struct{ Closed *bool }) []*groupResolver {
	groups := []*groupResolver{}
	if args.Closed != nil && *args.Closed {
		return groups // none ever is
	}
	for _, g := range d.m.groups {
		groups = append(groups, &groupResolver{g})
	}
	return groups
}

type groupResolver struct{ g *group }

func (g *groupResolver) ID() graphql.ID             { return graphql.ID(GroupeInstructeurID(g.g.number)) }
func (g *groupResolver) Number() int32              { return int32(g.g.number) }
func (g *groupResolver) Label() string              { return g.g.label }
func (g *groupResolver) Closed() bool               { return false }
func (g *groupResolver) Instructeurs() []*profileID { return resolveProfiles(g.g.agents) }

type profileID struct {
	ID    graphql.ID
	Email string
}

func resolveProfiles(profiles []*profile) []*profileID {
	resolved := make([]*profileID, 0, len(profiles))
	for _, p := range profiles {
		resolved = append(resolved, &profileID{graphql.ID(InstructeurID(p.number)), p.email})
	}
	return resolved
}

type labelResolver struct {
	ID    graphql.ID
	Name  string
	Color string
}

func resolveLabel(l *label) *labelResolver {
	return &labelResolver{graphql.ID(LabelID(l.number)), l.name, "blue_ecume"}
}

func resolveLabels(labels []*label) []*labelResolver {
	resolved := make([]*labelResolver, 0, len(labels))
	for _, l := range labels {
		resolved = append(resolved, resolveLabel(l))
	}
	return resolved
}

type dossiersArgs struct {
	window
	Archived                           *bool
	CreatedSince, UpdatedSince         *dateTime
	Revision, MinRevision, MaxRevision *graphql.ID
	State                              *State
}

// Dossiers lists by date of filing or, with updatedSince, by date of change. As in
// DS, createdSince then counts for nothing.
func (l lists) Dossiers(args dossiersArgs) (*dossierConnection, error) {
	l.reader.server.rlock()
	defer l.reader.server.mu.RUnlock()
	list, since := l.of.byDeposit, time.Time{}
	switch {
	case args.UpdatedSince != nil:
		list, since = l.of.byUpdate, args.UpdatedSince.Time
	case args.CreatedSince != nil:
		since = args.CreatedSince.Time
	}
	mine := (&revision{l.of}).ID()
	elsewhere := args.Revision != nil && *args.Revision != mine
	page, err := list.page(args.window, since, func(number int) bool {
		v := l.reader.server.dossiers[number].visible
		return !elsewhere && l.has(v) &&
			(args.State == nil || *args.State == v.state) &&
			(args.Archived == nil || *args.Archived == v.archived)
	})
	if err != nil {
		return nil, err
	}
	nodes, edges := []*dossierResolver{}, []*dossierEdge{}
	for _, k := range page.keys {
		node := &dossierResolver{l.reader.server.dossiers[k.number].visible, l.reader}
		nodes, edges = append(nodes, node), append(edges, &dossierEdge{k.cursor(), node})
	}
	return &dossierConnection{page.info(), &nodes, &edges}, nil
}

type deletedArgs struct {
	window
	DeletedSince *dateTime
}

func (l lists) DeletedDossiers(args deletedArgs) (*deletedConnection, error) {
	return l.deletions(&l.of.deleted, args)
}

func (l lists) PendingDeletedDossiers(args deletedArgs) (*deletedConnection, error) {
	return l.deletions(&l.of.trash, args)
}

func (l lists) deletions(list *timeline, args deletedArgs) (*deletedConnection, error) {
	l.reader.server.rlock()
	defer l.reader.server.mu.RUnlock()
	var since time.Time
	if args.DeletedSince != nil {
		since = args.DeletedSince.Time
	}
	page, err := list.page(args.window, since, func(number int) bool { return l.has(l.reader.server.dossiers[number].visible) })
	if err != nil {
		return nil, err
	}
	nodes, edges := []*deletedDossier{}, []*deletedEdge{}
	for _, k := range page.keys {
		v := l.reader.server.dossiers[k.number].visible
		node := &deletedDossier{
			ID:     graphql.ID(encodeID("DeletedDossier", v.number)),
			Number: int32(v.number),
			Reason: v.deletionReason(), State: string(v.state), DateSupression: dateTime{v.hidden()},
		}
		nodes, edges = append(nodes, node), append(edges, &deletedEdge{k.cursor(), node})
	}
	return &deletedConnection{page.info(), &nodes, &edges}, nil
}

type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

func (p span) info() *pageInfo {
	info := &pageInfo{HasNextPage: p.follow, HasPreviousPage: p.previous}
	if n := len(p.keys); n > 0 {
		start, end := p.keys[0].cursor(), p.keys[n-1].cursor()
		info.StartCursor, info.EndCursor = &start, &end
	}
	return info
}

type dossierConnection struct {
	PageInfo *pageInfo
	Nodes    *[]*dossierResolver
	Edges    *[]*dossierEdge
}

type dossierEdge struct {
	Cursor string
	Node   *dossierResolver
}

type deletedConnection struct {
	PageInfo *pageInfo
	Nodes    *[]*deletedDossier
	Edges    *[]*deletedEdge
}

type deletedEdge struct {
	Cursor string
	Node   *deletedDossier
}

type deletedDossier struct {
	ID             graphql.ID
	Number         int32
	Reason, State  string
	DateSupression dateTime
}
