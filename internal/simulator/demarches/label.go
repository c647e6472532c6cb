package demarches

// CreateLabel adds a label to those that a démarche's dossiers can bear, as its
// administrators do.
func (s *Server) CreateLabel(demarche int, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.demarches[demarche]
	if d == nil {
		return ErrNotFound
	}
	l := &label{number: s.serial("label"), name: name, demarche: d}
	d.labels = append(d.labels, l)
	s.labels[l.number] = l
	return nil
}
