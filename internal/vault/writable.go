package vault

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	// provenFor is how long one successful write stands for the next.
	provenFor = 10 * time.Minute
	// What is written as a proof. A vault's secrets and certificates share their
	// names, and so these differ.
	checkSecret      = "rekey-write-check"
	checkCertificate = "rekey-certificate-write-check"
)

// Writable proves that a credential of the kind could be kept, by writing a secret
// that holds nothing or a certificate that nobody knows, unless a write of the kind
// has succeeded lately. Each takes a permission of its own.
func (s *Stage) Writable(ctx context.Context, kind rotation.Kind) error {
	s.mu.Lock()
	fresh := s.now().Sub(s.proven[kind]) < provenFor
	s.mu.Unlock()
	if fresh {
		return nil
	}
	tags := map[string]string{tagInstallation: s.installation}
	if kind != rotation.Certificate {
		return s.set(ctx, checkSecret, Secret{Value: secret.New("writable"), ContentType: contentType, Tags: tags})
	}
	now := s.now()
	pair, err := s.NewCertificate(certificate.Request{Name: checkCertificate, Bits: 2048, Start: now, End: now.AddDate(1, 0, 0)})
	if err != nil {
		return err
	}
	return s.importPair(ctx, checkCertificate, pair, tags)
}
