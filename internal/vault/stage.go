package vault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Stage keeps staged credentials in one vault.
type Stage struct {
	// NewCertificate makes what Writable imports. NewStage sets it to certificate.New.
	NewCertificate func(certificate.Request) (certificate.Pair, error)

	client       *Client
	vault        string
	installation string
	now          func() time.Time

	mu     sync.Mutex
	proven map[rotation.Kind]time.Time // when a write last succeeded
}

var (
	_ engine.Stage         = (*Stage)(nil)
	_ engine.WritableStage = (*Stage)(nil)
)

// NewStage returns the stage of an installation in a vault.
func NewStage(client *Client, vault, installation string, now func() time.Time) *Stage {
	return &Stage{NewCertificate: certificate.New, client: client, vault: vault, installation: installation, now: now, proven: map[rotation.Kind]time.Time{}}
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

// Put keeps a credential: a secret as a secret, a certificate as a certificate. A
// soft-deleted copy of the same name, left by an installation whose tables were
// lost, is recovered first.
func (s *Stage) Put(ctx context.Context, name string, c rotation.Credential) error {
	tags := map[string]string{
		tagRotation: c.Rotation.String(), tagAttempt: strconv.Itoa(c.Attempt), tagKeyID: c.KeyID,
		tagStart: c.Start.UTC().Format(time.RFC3339Nano), tagEnd: c.End.UTC().Format(time.RFC3339Nano),
		tagInstallation: s.installation,
	}
	if c.Rotation.Kind != rotation.Certificate {
		return s.set(ctx, name, Secret{Value: c.Value, ContentType: contentType, Expires: c.End, Tags: tags})
	}
	pair, err := certificate.Parse(c.Value)
	if err != nil {
		return rotation.Permanently("vault: stage certificate %q in %q: %w", name, s.vault, err)
	}
	return s.importPair(ctx, name, pair, tags)
}

func (s *Stage) set(ctx context.Context, name string, content Secret) error {
	return s.keep(ctx, rotation.Secret, func() error {
		_, err := s.client.Set(ctx, s.vault, name, content)
		return err
	}, func() error { return s.client.Recover(ctx, s.vault, name) })
}

func (s *Stage) importPair(ctx context.Context, name string, pair certificate.Pair, tags map[string]string) error {
	return s.keep(ctx, rotation.Certificate, func() error {
		_, err := s.client.ImportCertificate(ctx, s.vault, name, Certificate{Pair: pair, Tags: tags})
		return err
	}, func() error { return s.client.RecoverCertificate(ctx, s.vault, name) })
}

// keep writes, and recovers the name first where that must be.
func (s *Stage) keep(ctx context.Context, kind rotation.Kind, write, recover func() error) error {
	err := write()
	if errors.Is(err, ErrSoftDeleted) {
		err = recover() // one that is not found was purged meanwhile: the name is free
		if err == nil || rotation.ClassOf(err) == rotation.NotFound {
			err = writeRecovered(ctx, write)
		}
	}
	if err == nil {
		s.mu.Lock()
		s.proven[kind] = s.now()
		s.mu.Unlock()
	}
	return err
}

// recoveryPoll is how often a name is tried that is being recovered.
const recoveryPoll = 500 * time.Millisecond

// writeRecovered waits, as long as the context lets it, until a recovered name can
// be written: a credential that cannot be kept here is lost.
func writeRecovered(ctx context.Context, write func() error) error {
	for {
		err := write()
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
	value, tags, err := s.read(ctx, kind, name)
	if err != nil {
		return rotation.Credential{}, err
	}
	c, err := fromTags(tags)
	if err == nil && c.Rotation.Kind != kind {
		err = fmt.Errorf("it is a %s", c.Rotation.Kind)
	}
	if err != nil {
		return c, rotation.Permanently("vault: staged copy %q in %q: %w", name, s.vault, err)
	}
	c.Value = value
	return c, nil
}

func (s *Stage) read(ctx context.Context, kind rotation.Kind, name string) (value secret.Value, tags map[string]string, err error) {
	if kind != rotation.Certificate {
		copied, err := s.client.Get(ctx, s.vault, name)
		return copied.Value, copied.Tags, err
	}
	copied, err := s.client.Certificate(ctx, s.vault, name)
	if err != nil {
		return value, nil, err
	}
	value, err = copied.Pair.PEM()
	return value, copied.Tags, err
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
	remove := s.client.Delete
	if kind == rotation.Certificate {
		remove = s.client.DeleteCertificate
	}
	err := remove(ctx, s.vault, name)
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return nil
	}
	return err
}
