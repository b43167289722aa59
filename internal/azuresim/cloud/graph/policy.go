package graph

import (
	"time"
)

// Policy is the tenant's app management policy. The zero value allows everything.
// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
type Policy struct {
	// ID is named in the error texts.
	ID string
	// NoPasswords forbids to add passwords.
	NoPasswords bool
	// MaxPasswordLifetime and MaxKeyLifetime bound how long a new credential may
	// live; zero means no bound.
	MaxPasswordLifetime, MaxKeyLifetime time.Duration
}

// SetPolicy replaces the tenant's app management policy.
func (s *Service) SetPolicy(p Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy = p
}

func (s *Service) currentPolicy() Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policy
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
