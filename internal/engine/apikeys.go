package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// APIKey is what is kept of a key with which a program uses the API. The key itself
// is shown once: it is random enough for its hash to give nothing away.
type APIKey struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Role         string    `json:"role"`
	Applications []string  `json:"applications"` // the only ones that it is for; empty: all
	Hash         string    `json:"hash"`         // SHA-256 of the key, in hex
	Created      time.Time `json:"created"`
	CreatedBy    string    `json:"createdBy"`
	Expires      time.Time `json:"expires"`
	LastUsed     time.Time `json:"lastUsed"` // to the hour; zero: never
}

const (
	// KeyPrefix begins every API key, so that whoever finds one knows what it is.
	KeyPrefix = "rk_"
	// LongestKeyLife is how long a key may be good for.
	LongestKeyLife = 365 * 24 * time.Hour
	// keyUse is how exactly it is known when a key was used.
	keyUse = time.Hour

	longestKeyName      = 100
	mostKeyApplications = 100
)

// ErrNoKey says that a key opens nothing. It does not say why: that is for those who
// may list the keys.
var ErrNoKey = errors.New("the API key is not known, was revoked, or has expired")

var (
	keyForm   = regexp.MustCompile(`^` + KeyPrefix + `([a-z2-7]{16})_[A-Za-z0-9_-]{43}$`)
	clientIDs = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func (e *Engine) apiKeys() shared[APIKey] {
	return shared[APIKey]{engine: e, table: TableAPIKeys, what: "API key"}
}

// APIKeys returns keys in the order of their ids, from the one after a given id. Next
// is empty after the last.
func (e *Engine) APIKeys(ctx context.Context, from string, limit int) (keys []APIKey, next string, err error) {
	return e.apiKeys().list(ctx, from, limit)
}

// MakeAPIKey makes a key with the name, role, applications and end that are given, and
// returns it for the only time.
func (e *Engine) MakeAPIKey(ctx context.Context, k APIKey, actor string) (APIKey, secret.Value, error) {
	k.Created, k.CreatedBy = e.Now().UTC(), actor
	if problems := k.check(); len(problems) > 0 {
		return k, secret.Value{}, &Invalid{problems}
	}
	k.ID = newID()[:16]
	var random [sha256.Size]byte
	_, _ = rand.Read(random[:]) // it cannot fail
	key := KeyPrefix + k.ID + "_" + base64.RawURLEncoding.EncodeToString(random[:])
	k.Hash, k.LastUsed = hashOf(key), zero
	if _, err := e.apiKeys().save(ctx, k.ID, k, Absent); err != nil {
		return k, secret.Value{}, err
	}
	e.LogChange(ctx, rotation.LogEntry{What: "key", Actor: actor, Detail: fmt.Sprintf("%s (%q) was made with the role %s%s, until %s",
		k.ID, k.Name, k.Role, k.scope(), k.Expires.Format(time.DateOnly))})
	return k, secret.New(key), nil
}

func (k APIKey) scope() string {
	if len(k.Applications) == 0 {
		return ""
	}
	return " for " + strings.Join(k.Applications, ", ")
}

func (k APIKey) check() (problems []rotation.Problem) {
	wrong := func(field, detail string) {
		problems = append(problems, rotation.Problem{Field: field, Detail: detail})
	}
	if k.Name == "" || len(k.Name) > longestKeyName {
		wrong("name", fmt.Sprintf("must have 1 to %d characters", longestKeyName))
	}
	if life := k.Expires.Sub(k.Created); life <= 0 || life > LongestKeyLife {
		wrong("expires", fmt.Sprintf("must be a time within the next %d days", int(LongestKeyLife/(24*time.Hour))))
	}
	if len(k.Applications) > mostKeyApplications {
		wrong("applications", fmt.Sprintf("must be at most %d", mostKeyApplications))
	}
	for _, id := range k.Applications {
		if !clientIDs.MatchString(id) {
			wrong("applications", "must be client ids, which are GUIDs")
		}
	}
	return problems
}

// RevokeAPIKey ends a key. The next request with it is refused.
func (e *Engine) RevokeAPIKey(ctx context.Context, id, actor string) error {
	key, _, err := e.apiKeys().get(ctx, id)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		return err
	}
	if err := e.apiKeys().write(ctx, id, Change{Op: Delete, Key: e.apiKeys().key(id)}); err != nil {
		return err
	}
	e.LogChange(ctx, rotation.LogEntry{What: "key", Actor: actor, Detail: fmt.Sprintf("%s (%q) was revoked", id, key.Name)})
	return nil
}

// KeyOf returns the key that was presented, or ErrNoKey. It is read each time: a key
// that is revoked opens nothing from then on.
func (e *Engine) KeyOf(ctx context.Context, presented secret.Value) (APIKey, error) {
	form := keyForm.FindStringSubmatch(presented.Reveal())
	if form == nil {
		return APIKey{}, ErrNoKey
	}
	key, etag, err := e.apiKeys().get(ctx, form[1])
	switch {
	case errors.Is(err, ErrUnknownRecord):
		return APIKey{}, ErrNoKey
	case err != nil:
		return APIKey{}, err
	}
	key.ID = form[1]
	isIt := subtle.ConstantTimeCompare([]byte(hashOf(presented.Reveal())), []byte(key.Hash)) == 1
	if !isIt || !e.Now().Before(key.Expires) || len(key.check()) > 0 {
		return APIKey{}, ErrNoKey
	}
	e.used(ctx, key, etag)
	return key, nil
}

// used remembers that a key was used, once an hour. That somebody else remembers the
// same at the same time, or that it cannot be written, changes nothing.
func (e *Engine) used(ctx context.Context, key APIKey, etag string) {
	now := e.Now().UTC()
	if now.Sub(key.LastUsed) < keyUse {
		return
	}
	use := struct {
		LastUsed time.Time `json:"lastUsed"`
	}{now}
	err := e.Store.Write(ctx, Change{Op: Merge, Key: e.apiKeys().key(key.ID), ETag: etag, Properties: encode(use)})
	if err != nil && !errors.Is(err, ErrConflict) {
		e.Log.WarnContext(ctx, "the use of an API key was not noted", "key", key.ID, "error", err)
	}
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
