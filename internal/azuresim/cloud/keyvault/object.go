package keyvault

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// object is a name with its versions, the last of which is current. A certificate
// is addressed as a secret too, with what it holds as the value.
type object struct {
	kind     string // secrets or certificates
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
	x509        *x509.Certificate // of a certificate
	policy      policy            // of a certificate
	created     time.Time
	updated     time.Time

	silence func() // cancels the events to come
}

func newVersion(now time.Time) *version {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return &version{id: id, enabled: true, created: now, updated: now, silence: func() {}}
}

func (o *object) current() *version { return o.versions[len(o.versions)-1] }

// version returns the one with that id, the current one for "", or nil.
func (o *object) version(id string) *version {
	if id == "" {
		return o.current()
	}
	i := slices.IndexFunc(o.versions, func(v *version) bool { return strings.EqualFold(v.id, id) })
	if i < 0 {
		return nil
	}
	return o.versions[i]
}

// phase is where an object stands between being used and being purged.
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

func (o *object) phase(now time.Time, vault Vault, deletion time.Duration) phase {
	switch {
	case o.deleted.IsZero() && now.Before(o.recovered):
		return recovering
	case o.deleted.IsZero():
		return active
	case now.Before(o.deleted.Add(deletion)):
		return deleting
	case now.Before(o.purgeDate(vault)):
		return deleted
	}
	return purged
}

func (o *object) purgeDate(vault Vault) time.Time {
	return o.deleted.AddDate(0, 0, vault.RetentionDays)
}

// sees reports whether an operation's kind covers the object: a secret is no
// certificate, but a certificate is a secret.
func (c *call) sees(o *object) bool { return c.kind == secrets || o.kind == c.kind }

// find returns the object of that name and where it stands; what is over is
// forgotten.
func (c *call) find(s *Service) (*object, phase) {
	key := strings.ToLower(c.name())
	found := c.held.objects[key]
	if found == nil || !c.sees(found) {
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
	for _, v := range h.objects[key].versions {
		v.silence()
	}
	delete(h.objects, key)
}

// readable returns the version the call names, of an object that is in use.
func (c *call) readable(s *Service) (*object, *version, error) {
	id := c.request.PathValue("version")
	found, stands := c.find(s)
	if stands != active {
		return nil, nil, c.notFound(c.name())
	}
	v := found.version(id)
	if v == nil {
		return nil, nil, c.notFound(c.name() + "/" + id)
	}
	return found, v, nil
}

// deleted returns an object that waits to be recovered or purged.
func (c *call) deleted(s *Service) (*object, error) {
	found, stands := c.find(s)
	switch stands {
	case deleted:
		return found, nil
	case deleting, recovering:
		return nil, c.changeable(stands)
	}
	return nil, c.notFound(c.name())
}

// changeable refuses a write while the object is not in use.
func (c *call) changeable(stands phase) error {
	kind, name := nouns[c.kind], c.name()
	switch stands {
	case deleting:
		return conflict("ObjectIsBeingDeleted", "%s %s is currently being deleted.", kind, name)
	case deleted:
		return conflict("ObjectIsDeletedButRecoverable", "%s %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the %s can only be recovered or purged.", kind, name, strings.ToLower(kind))
	case recovering:
		return conflict("ObjectIsBeingRecovered", "%s %s is currently being recovered and cannot be re-created; retry later.", kind, name)
	}
	return nil
}

// nouns name a kind of object in messages and events.
var nouns = map[string]string{secrets: "Secret", certificates: "Certificate"}

// The kinds of objects, as paths and policies write them.
const (
	secrets      = "secrets"
	certificates = "certificates"
)

// add makes a version the current one of the object, which is new if it is nil.
func (c *call) add(found *object, v *version) *object {
	if found == nil {
		found = &object{kind: c.kind, name: c.name()}
		c.held.objects[strings.ToLower(c.name())] = found
	}
	found.versions = append(found.versions, v)
	return found
}
