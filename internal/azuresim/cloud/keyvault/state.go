package keyvault

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// State is what the vaults hold, without any value.
type State struct {
	Vaults map[string]VaultState `json:"vaults"` // by name
}

// VaultState is one vault's objects.
type VaultState struct {
	ID      string                 `json:"id"`
	Secrets map[string]SecretState `json:"secrets"`
}

// SecretState is one secret; its versions stand in the order of their creation.
type SecretState struct {
	Deleted  *time.Time     `json:"deleted,omitempty"`
	Versions []VersionState `json:"versions"`
}

// VersionState is one version; the value is given as SHA-256 in hexadecimal.
type VersionState struct {
	Version     string            `json:"version"`
	SHA256      string            `json:"sha256"`
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
		vault := VaultState{ID: held.vault.ID, Secrets: map[string]SecretState{}}
		for _, found := range held.secrets {
			vault.Secrets[found.name] = found.state()
		}
		state.Vaults[held.vault.Name] = vault
	}
	return state
}

func (s *secret) state() SecretState {
	var state SecretState
	if !s.deleted.IsZero() {
		at := s.deleted
		state.Deleted = &at
	}
	for _, v := range s.versions {
		state.Versions = append(state.Versions, v.state())
	}
	return state
}

func (v *version) state() VersionState {
	sum := sha256.Sum256([]byte(v.value))
	return VersionState{
		Version: v.id, SHA256: hex.EncodeToString(sum[:]),
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
