package graph

import (
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Policy is an app management policy: the tenant's, or one that is assigned to
// applications. The zero value allows everything.
// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
type Policy struct {
	// ID is named in the error texts.
	ID string
	// NoPasswords forbids to add passwords.
	NoPasswords bool
	// MaxPasswordLifetime and MaxKeyLifetime bound how long a new credential may
	// live; zero means no bound.
	MaxPasswordLifetime, MaxKeyLifetime time.Duration
	// CreatedAfter exempts the applications that were registered before it.
	CreatedAfter time.Time
	// Disabled are the types of restrictions that the policy names as disabled: for an
	// application that it is assigned to, they take the place of the tenant's.
	Disabled []string
}

// The types of restrictions that are simulated.
const (
	PasswordAddition = "passwordAddition"
	PasswordLifetime = "passwordLifetime"
	KeyLifetime      = "asymmetricKeyLifetime"
)

// SetPolicy replaces the tenant's app management policy.
func (s *Service) SetPolicy(p Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy = p
}

// AssignPolicy gives an application a policy of its own, in place of the one that it had.
func (s *Service) AssignPolicy(objectID string, p Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assigned[objectID] = p
}

func (s *Service) policies(objectID string) (tenant Policy, own Policy, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own, has = s.assigned[objectID]
	return s.policy, own, has
}

// policyOf is what applies to an application. A restriction that its own policy names
// takes the place of the tenant's, also where it is disabled; the others are the tenant's.
func (s *Service) policyOf(app entra.Application) Policy {
	tenant, own, has := s.policies(app.ObjectID)
	tenant, own = tenant.exempting(app), own.exempting(app)
	if !has {
		return tenant
	}
	merged := tenant
	names := func(of string, set bool) bool { return set || slices.Contains(own.Disabled, of) }
	if names(PasswordAddition, own.NoPasswords) {
		merged.ID, merged.NoPasswords = own.ID, own.NoPasswords
	}
	if names(PasswordLifetime, own.MaxPasswordLifetime > 0) {
		merged.ID, merged.MaxPasswordLifetime = own.ID, own.MaxPasswordLifetime
	}
	if names(KeyLifetime, own.MaxKeyLifetime > 0) {
		merged.ID, merged.MaxKeyLifetime = own.ID, own.MaxKeyLifetime
	}
	return merged
}

// exempting is the policy without what applies to younger applications alone.
func (p Policy) exempting(app entra.Application) Policy {
	if app.CreatedAt.Before(p.CreatedAfter) {
		return Policy{ID: p.ID, Disabled: p.Disabled}
	}
	return p
}

func (p Policy) allowPassword(start, end time.Time) error {
	if p.NoPasswords {
		return badRequest("CredentialTypeNotAllowedAsPerAppPolicy", "Credential type not allowed as per assigned policy '"+p.ID+"'.")
	}
	return p.allowLifetime(end.Sub(start), p.MaxPasswordLifetime)
}

func (p Policy) allowKey(start, end time.Time) error {
	return p.allowLifetime(end.Sub(start), p.MaxKeyLifetime)
}

// allowLifetime answers as in https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998.
func (p Policy) allowLifetime(lifetime, limit time.Duration) error {
	if limit == 0 || lifetime <= limit {
		return nil
	}
	refused := badRequest("CredentialInvalidLifetimeAsPerAppPolicy", "Credential lifetime exceeds the max value allowed as per assigned policy '"+p.ID+"'.")
	refused.details = []map[string]string{{"code": "InvalidKeyEndDate", "message": refused.message, "target": "EndDate"}}
	return refused
}
