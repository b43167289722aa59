package keyvault

import (
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

// nearExpiry is how long before its end a version is announced to be near it.
const nearExpiry = 30 * 24 * time.Hour

// eventData is the data of every event of the data plane.
// https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
type eventData struct {
	ID         string `json:"Id"`
	VaultName  string `json:"VaultName"`
	ObjectType string `json:"ObjectType"`
	ObjectName string `json:"ObjectName"`
	Version    string `json:"Version"`
	NotBefore  *int64 `json:"NBF"`
	Expires    *int64 `json:"EXP"`
}

// announce tells that a version was written and sees to the events of its end.
func (s *Service) announce(vault Vault, of *object, v *version) {
	s.raise(vault, of, v, "NewVersionCreated")
	s.scheduleExpiry(vault, of, v)
}

// scheduleExpiry needs the lock; it replaces what was scheduled before.
func (s *Service) scheduleExpiry(vault Vault, of *object, v *version) {
	v.silence()
	if v.expires == nil {
		return
	}
	left := time.Unix(*v.expires, 0).Sub(s.clock.Now())
	near := max(left-nearExpiry, s.options.NearExpiryDelay)
	stopNear := s.clock.AfterFunc(near, func() { s.raiseIfCurrent(vault, of, v, "NearExpiry") })
	stopExpired := s.clock.AfterFunc(left, func() { s.raiseIfCurrent(vault, of, v, "Expired") })
	v.silence = func() { stopNear(); stopExpired() }
}

func (s *Service) raiseIfCurrent(vault Vault, of *object, v *version, event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live, found := s.access.Vault(vault.Name)
	inUse := found && live.Instance == vault.Instance && of.deleted.IsZero()
	if inUse && of.current() == v {
		s.raise(vault, of, v, event)
	}
}

func (s *Service) raise(vault Vault, of *object, v *version, event string) {
	kind := nouns[of.kind]
	s.events.Raise(eventgrid.SystemEvent{
		Source:  vault.ID,
		Type:    "Microsoft.KeyVault." + kind + event,
		Subject: of.name,
		Since:   v.created,
		Data: eventData{
			ID:         vaultURL(vault) + "/" + of.kind + "/" + of.name + "/" + v.id,
			VaultName:  vault.Name,
			ObjectType: kind,
			ObjectName: of.name,
			Version:    v.id,
			NotBefore:  v.notBefore,
			Expires:    v.expires,
		},
	})
}
