package entra_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// madeCertificate is a new certificate for shop, which Graph has not heard of.
func (w *world) madeCertificate(name string) (rotation.Credential, engine.DirectoryCredential) {
	w.t.Helper()
	start := w.clock.Now().UTC().Truncate(time.Second)
	pair, err := certificate.New(certificate.Request{Name: name, Bits: 2048, Start: start, End: start.AddDate(1, 0, 0)})
	require.NoError(w.t, err)
	value, err := pair.PEM()
	require.NoError(w.t, err)
	id := uuid.NewString()
	return rotation.Credential{
			Rotation: rotation.ID{AppID: w.shop.AppID, Kind: rotation.Certificate, Generation: 1},
			KeyID:    id, Start: start, End: start.AddDate(1, 0, 0), Value: value,
		}, engine.DirectoryCredential{
			KeyID: id, DisplayName: "rekey/test/1.1", Usage: "Verify", Start: start, End: start.AddDate(1, 0, 0), Certificate: pair.Certificate.Raw,
		}
}

func (w *world) keys() []engine.DirectoryCredential {
	w.t.Helper()
	app, err := w.client.Application(w.t.Context(), w.shop.AppID, rotation.Certificate)
	require.NoError(w.t, err)
	return app.Credentials
}

func TestCertificatesAreReplacedAndOthersKept(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	_, theirs := w.madeCertificate("SAML")
	theirs.Usage, theirs.Identifier, theirs.DisplayName = "Sign", []byte{1, 2, 3}, "Größe"
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{theirs}))
	_, ours := w.madeCertificate("shop")
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, append(w.keys(), ours)))

	found := w.keys()
	require.Len(t, found, 2)
	ours.Identifier = found[1].Identifier // Graph makes one of the thumbprint
	assert.Equal(t, []engine.DirectoryCredential{theirs, ours}, found)

	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, found[:1]))
	assert.Equal(t, []engine.DirectoryCredential{theirs}, w.keys())
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, nil))
	assert.Empty(t, w.keys(), "an empty list is one")
}

// A list, and what a slow replica answers, have no keys: what is sent back without
// one stays as it is.
func TestACertificateWithoutItsKeyIsKept(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	_, ours := w.madeCertificate("shop")
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{ours}))
	before := w.keys()
	bare := slices.Clone(before)
	bare[0].Certificate = nil
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, bare))
	assert.Equal(t, before, w.keys())
}

func TestACertificateIsVerified(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made, key := w.madeCertificate("shop")
	verdict := w.verify(made)
	assert.Equal(t, rotation.NotYet, verdict.Kind, verdict.Reason)
	assert.Contains(t, verdict.Reason, "AADSTS700027")
	require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{key}))
	assert.Equal(t, rotation.Verdict{Kind: rotation.Accepted}, w.verify(made))
}

func TestCertificatesThatAreRefused(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	_, key := w.madeCertificate("shop")
	key.KeyID = "none"
	require.EqualError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{key}),
		`graph: replace the certificates of "`+w.shop.ObjectID+`": key id "none" is not a GUID`)
	key.KeyID, key.End = uuid.NewString(), key.End.AddDate(1, 0, 0)
	err := w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{key})
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err), "%v", err)
	w.misbehave(cloud.Fault{Host: graphHost, Cut: true})
	err = w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, nil)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err), "%v", err)
}
