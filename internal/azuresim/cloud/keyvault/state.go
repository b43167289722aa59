package keyvault

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// State is what the vaults hold, without any value.
type State struct {
	Vaults map[string]VaultState `json:"vaults"` // by name
}

// VaultState is one vault's objects.
type VaultState struct {
	ID           string                 `json:"id"`
	Secrets      map[string]ObjectState `json:"secrets"` // but for those of certificates
	Certificates map[string]ObjectState `json:"certificates"`
}

// ObjectState is one object; its versions stand in the order of their creation.
type ObjectState struct {
	Deleted  *time.Time     `json:"deleted,omitempty"`
	Versions []VersionState `json:"versions"`
}

// VersionState is one version. The SHA-256 in hexadecimal is that of a secret's
// value and of a certificate as DER.
type VersionState struct {
	Version     string            `json:"version"`
	SHA256      string            `json:"sha256"`
	Thumbprint  string            `json:"thumbprint,omitempty"` // of a certificate, in upper-case hexadecimal
	ContentType string            `json:"contentType,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Enabled     bool              `json:"enabled"`
	NotBefore   *time.Time        `json:"notBefore,omitempty"`
	Expires     *time.Time        `json:"expires,omitempty"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
}

// State returns what every vault that was ever called holds.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Vaults: map[string]VaultState{}}
	for _, held := range s.vaults {
		vault := VaultState{ID: held.vault.ID, Secrets: map[string]ObjectState{}, Certificates: map[string]ObjectState{}}
		for _, found := range held.objects {
			into := vault.Secrets
			if found.kind == certificates {
				into = vault.Certificates
			}
			into[found.name] = found.state()
		}
		state.Vaults[held.vault.Name] = vault
	}
	return state
}

func (o *object) state() ObjectState {
	var state ObjectState
	if !o.deleted.IsZero() {
		at := o.deleted
		state.Deleted = &at
	}
	for _, v := range o.versions {
		state.Versions = append(state.Versions, v.state())
	}
	return state
}

func (v *version) state() VersionState {
	content, thumb := []byte(v.value), ""
	if v.x509 != nil {
		content, thumb = v.x509.Raw, strings.ToUpper(hex.EncodeToString(thumbprint(v.x509)))
	}
	sum := sha256.Sum256(content)
	return VersionState{
		Version: v.id, SHA256: hex.EncodeToString(sum[:]), Thumbprint: thumb,
		ContentType: v.contentType, Tags: v.tags, Enabled: v.enabled,
		NotBefore: fromUnix(v.notBefore), Expires: fromUnix(v.expires),
		Created: v.created, Updated: v.updated,
	}
}

func fromUnix(seconds *int64) *time.Time {
	if seconds == nil {
		return nil
	}
	at := time.Unix(*seconds, 0).UTC()
	return &at
}
