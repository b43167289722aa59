package vault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Stage keeps staged credentials in one vault.
type Stage struct {
	client       *Client
	vault        string
	installation string
	now          func() time.Time

	mu     sync.Mutex
	proven time.Time // when a write last succeeded
}

var (
	_ engine.Stage         = (*Stage)(nil)
	_ engine.WritableStage = (*Stage)(nil)
)

// NewStage returns the stage of an installation in a vault.
func NewStage(client *Client, vault, installation string, now func() time.Time) *Stage {
	return &Stage{client: client, vault: vault, installation: installation, now: now}
}

// The tags of a staged copy. They are what a recovery reads.
const (
	tagRotation     = "rotation"
	tagAttempt      = "attempt"
	tagKeyID        = "keyId"
	tagStart        = "start"
	tagEnd          = "end"
	tagInstallation = "installation"
)

const contentType = "application/vnd.rekey.staged"

// Put keeps a credential. A soft-deleted copy of the same name, left by an
// installation whose tables were lost, is recovered first.
func (s *Stage) Put(ctx context.Context, name string, c rotation.Credential) error {
	return s.set(ctx, name, Secret{
		Value: c.Value, ContentType: contentType, Expires: c.End,
		Tags: map[string]string{
			tagRotation: c.Rotation.String(), tagAttempt: strconv.Itoa(c.Attempt), tagKeyID: c.KeyID,
			tagStart: c.Start.UTC().Format(time.RFC3339Nano), tagEnd: c.End.UTC().Format(time.RFC3339Nano),
			tagInstallation: s.installation,
		},
	})
}

func (s *Stage) set(ctx context.Context, name string, content Secret) error {
	_, err := s.client.Set(ctx, s.vault, name, content)
	if errors.Is(err, ErrSoftDeleted) {
		err = s.setRecovered(ctx, name, content)
	}
	if err == nil {
		s.mu.Lock()
		s.proven = s.now()
		s.mu.Unlock()
	}
	return err
}

// recoveryPoll is how often a secret is tried that is being recovered.
const recoveryPoll = 500 * time.Millisecond

// setRecovered waits, as long as the context lets it, until a recovered secret can
// be written: a credential that cannot be kept here is lost.
func (s *Stage) setRecovered(ctx context.Context, name string, content Secret) error {
	if err := s.client.Recover(ctx, s.vault, name); err != nil {
		return err
	}
	for {
		_, err := s.client.Set(ctx, s.vault, name, content)
		if err == nil || rotation.ClassOf(err) != rotation.Conflict {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(recoveryPoll):
		}
	}
}

// Get reads a staged credential back.
func (s *Stage) Get(ctx context.Context, kind rotation.Kind, name string) (rotation.Credential, error) {
	copied, err := s.client.Get(ctx, s.vault, name)
	if err != nil {
		return rotation.Credential{}, err
	}
	c, err := fromTags(copied.Tags)
	if err != nil {
		return c, rotation.Permanently("vault: staged copy %q in %q: %w", name, s.vault, err)
	}
	c.Value = copied.Value
	return c, nil
}

func fromTags(tags map[string]string) (c rotation.Credential, err error) {
	var errs [4]error
	c.Rotation, errs[0] = rotation.ParseID(tags[tagRotation])
	c.Attempt, errs[1] = strconv.Atoi(tags[tagAttempt])
	c.Start, errs[2] = time.Parse(time.RFC3339Nano, tags[tagStart])
	c.End, errs[3] = time.Parse(time.RFC3339Nano, tags[tagEnd])
	if c.KeyID = tags[tagKeyID]; c.KeyID == "" {
		err = fmt.Errorf("tag %q is missing", tagKeyID)
	}
	return c, errors.Join(append(errs[:], err)...)
}

// Delete removes a staged copy. One that is gone already is success.
func (s *Stage) Delete(ctx context.Context, kind rotation.Kind, name string) error {
	err := s.client.Delete(ctx, s.vault, name)
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return nil
	}
	return err
}

const (
	// provenFor is how long one successful write stands for the next.
	provenFor = 10 * time.Minute
	checkName = "rekey-write-check"
)

// Writable proves that a credential could be kept, by writing a secret that
// holds nothing, unless a write has succeeded lately.
func (s *Stage) Writable(ctx context.Context) error {
	s.mu.Lock()
	fresh := s.now().Sub(s.proven) < provenFor
	s.mu.Unlock()
	if fresh {
		return nil
	}
	return s.set(ctx, checkName, Secret{
		Value: secret.New("writable"), ContentType: contentType, Tags: map[string]string{tagInstallation: s.installation},
	})
}
