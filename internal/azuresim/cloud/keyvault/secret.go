package keyvault

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// secret is a name with its versions, the last of which is current.
type secret struct {
	name     string
	versions []*version

	deleted   time.Time // zero unless deleted
	recovered time.Time // when the last recovery is or was complete
}

type version struct {
	id          string
	value       string
	contentType string
	tags        map[string]string
	enabled     bool
	notBefore   *int64
	expires     *int64
	created     time.Time
	updated     time.Time

	silence func() // cancels the events to come
}

func newVersion(now time.Time) *version {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return &version{id: id, enabled: true, created: now, updated: now, silence: func() {}}
}

func (s *secret) current() *version { return s.versions[len(s.versions)-1] }

// version returns the one with that id, the current one for "", or nil.
func (s *secret) version(id string) *version {
	if id == "" {
		return s.current()
	}
	i := slices.IndexFunc(s.versions, func(v *version) bool { return strings.EqualFold(v.id, id) })
	if i < 0 {
		return nil
	}
	return s.versions[i]
}

// phase is where a secret stands between being used and being purged.
//
//	active -> deleting -> deleted -> purged
//	   ^ \__ recovering __/
type phase int

const (
	active phase = iota
	deleting
	deleted
	recovering
	purged // the retention is over: as if it had never been
)

func (s *secret) phase(now time.Time, vault Vault, deletion time.Duration) phase {
	switch {
	case s.deleted.IsZero() && now.Before(s.recovered):
		return recovering
	case s.deleted.IsZero():
		return active
	case now.Before(s.deleted.Add(deletion)):
		return deleting
	case now.Before(s.purgeDate(vault)):
		return deleted
	}
	return purged
}

func (s *secret) purgeDate(vault Vault) time.Time {
	return s.deleted.AddDate(0, 0, vault.RetentionDays)
}

// find returns the named secret and where it stands; what is over is forgotten.
func (c *call) find(s *Service) (*secret, phase) {
	key := strings.ToLower(c.name())
	found := c.held.secrets[key]
	if found == nil {
		return nil, purged
	}
	stands := found.phase(c.now, c.vault, s.options.DeletionDelay)
	if stands == purged {
		c.held.forget(key)
		return nil, purged
	}
	return found, stands
}

func (h *contents) forget(key string) {
	for _, v := range h.secrets[key].versions {
		v.silence()
	}
	delete(h.secrets, key)
}

// readable returns the version the call names, of a secret that is in use.
func (c *call) readable(s *Service) (*secret, *version, error) {
	id := c.request.PathValue("version")
	found, stands := c.find(s)
	if found == nil || stands != active {
		return nil, nil, secretNotFound(c.name())
	}
	v := found.version(id)
	if v == nil {
		return nil, nil, secretNotFound(c.name() + "/" + id)
	}
	return found, v, nil
}

// changeable refuses a write while the secret is not in use.
func changeable(name string, stands phase) error {
	switch stands {
	case deleting:
		return conflict("ObjectIsBeingDeleted", "Secret %s is currently being deleted.", name)
	case deleted:
		return conflict("ObjectIsDeletedButRecoverable", "Secret %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.", name)
	case recovering:
		return conflict("ObjectIsBeingRecovered", "Secret %s is currently being recovered and cannot be re-created; retry later.", name)
	}
	return nil
}
