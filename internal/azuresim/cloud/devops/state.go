package devops

// State is what the service holds, of secrets their SHA-256.
type State struct {
	Organizations map[string]OrganizationState `json:"organizations"`
}

// OrganizationState is one organization, its connections by id.
type OrganizationState struct {
	TenantID    string                     `json:"tenantId"`
	Projects    []string                   `json:"projects"`
	Connections map[string]ConnectionState `json:"connections"`
}

// ConnectionState is one service connection.
type ConnectionState struct {
	Name string `json:"name"`
	// Document is the whole object as a reader of it sees it.
	Document map[string]any `json:"document"`
	// Secrets are digests by the lower-case name of the parameter.
	Secrets map[string]string `json:"secretSha256"`
	Writes  int               `json:"writes"`
}

// State returns a copy of everything.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Organizations: map[string]OrganizationState{}}
	for _, o := range s.organizations {
		shown := OrganizationState{TenantID: o.tenantID, Connections: map[string]ConnectionState{}}
		for _, p := range o.projects {
			shown.Projects = append(shown.Projects, p.name)
		}
		for _, n := range o.connections {
			held := ConnectionState{Name: text(n.document, "name"), Document: plain(n.show(s.clock.Now(), true)), Secrets: map[string]string{}, Writes: n.writes}
			for name, secret := range n.secrets {
				held.Secrets[name] = digest(secret)
			}
			shown.Connections[n.id] = held
		}
		state.Organizations[o.name] = shown
	}
	return state
}
