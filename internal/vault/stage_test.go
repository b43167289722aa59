package vault_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

func credential() rotation.Credential {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678900000, time.UTC)
	return rotation.Credential{
		Rotation: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 7}, Attempt: 2, KeyID: "key",
		Start: at, End: at.Add(time.Hour), Value: secret.New(value),
	}
}

func certificateCredential(t *testing.T) rotation.Credential {
	t.Helper()
	c := credential()
	c.Rotation.Kind = rotation.Certificate
	var err error
	c.Value, err = pair().PEM()
	require.NoError(t, err)
	return c
}

func (w *world) stage() *vault.Stage { return vault.NewStage(w.client, "staging", "test", time.Now) }

func TestAStagedCopyComesBackAsItWas(t *testing.T) {
	w := start(t, azuresim.Latency{})
	require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
	got, err := w.stage().Get(t.Context(), rotation.Secret, "copy")
	require.NoError(t, err)
	assert.Equal(t, credential(), got)

	kept, err := w.client.Get(t.Context(), "staging", "copy")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"rotation": "app.secret.7", "attempt": "2", "keyId": "key", "installation": "test",
		"start": "2030-01-02T03:04:05.6789Z", "end": "2030-01-02T04:04:05.6789Z",
	}, kept.Tags)
	assert.Equal(t, credential().End.Truncate(time.Second), kept.Expires.UTC())
}

func TestAStagedCertificateComesBackAsItWas(t *testing.T) {
	w := start(t, azuresim.Latency{})
	want := certificateCredential(t)
	require.NoError(t, w.stage().Put(t.Context(), "copy", want))
	got, err := w.stage().Get(t.Context(), rotation.Certificate, "copy")
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Len(t, w.Vaults.State().Vaults["staging"].Certificates["copy"].Versions, 1)
	_, err = w.stage().Get(t.Context(), rotation.Secret, "copy")
	require.ErrorContains(t, err, `vault: staged copy "copy" in "staging": `)

	for range 2 {
		require.NoError(t, w.stage().Delete(t.Context(), rotation.Certificate, "copy"))
		_, err = w.stage().Get(t.Context(), rotation.Certificate, "copy")
		require.Error(t, err)
		assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
	}
	require.NoError(t, w.stage().Put(t.Context(), "copy", want), "the deleted one is recovered")
	_, err = w.stage().Get(t.Context(), rotation.Certificate, "copy")
	require.NoError(t, err)
}

func TestWhatIsNoCertificateIsNotStagedAsOne(t *testing.T) {
	w := start(t, azuresim.Latency{})
	c := credential()
	c.Rotation.Kind = rotation.Certificate
	err := w.stage().Put(t.Context(), "copy", c)
	require.ErrorContains(t, err, `vault: stage certificate "copy" in "staging": certificate: `)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	assert.NotContains(t, err.Error(), value)
}

func TestADeletedCopyIsNotFoundAndCanBeDeletedAgain(t *testing.T) {
	w := start(t, azuresim.Latency{})
	require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
	for range 2 {
		require.NoError(t, w.stage().Delete(t.Context(), rotation.Secret, "copy"))
		_, err := w.stage().Get(t.Context(), rotation.Secret, "copy")
		require.Error(t, err)
		assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
	}
}

func TestASoftDeletedNameIsRecoveredAndWritten(t *testing.T) {
	for name, recovery := range map[string]time.Duration{"at once": 0, "after a while": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			w := start(t, azuresim.Latency{Recovery: recovery})
			old := credential()
			old.KeyID = "old"
			require.NoError(t, w.stage().Put(t.Context(), "copy", old))
			require.NoError(t, w.stage().Delete(t.Context(), rotation.Secret, "copy"))
			require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
			got, err := w.stage().Get(t.Context(), rotation.Secret, "copy")
			require.NoError(t, err)
			assert.Equal(t, credential(), got)
		})
	}
}

func TestARecoveryIsWaitedForAsLongAsTheContextLets(t *testing.T) {
	w := start(t, azuresim.Latency{Recovery: time.Hour})
	require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
	require.NoError(t, w.stage().Delete(t.Context(), rotation.Secret, "copy"))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := w.stage().Put(ctx, "copy", credential())
	require.ErrorContains(t, err, `vault: set "copy" in "staging": 409 Conflict/ObjectIsBeingRecovered: `)
	assert.True(t, rotation.HadNoEffect(err))
}

func TestACopyThatIsNotOursIsRefused(t *testing.T) {
	w := start(t, azuresim.Latency{})
	_, err := w.client.Set(t.Context(), "staging", "copy", vault.Secret{Value: secret.New(value)})
	require.NoError(t, err)
	_, err = w.stage().Get(t.Context(), rotation.Secret, "copy")
	require.ErrorContains(t, err, `vault: staged copy "copy" in "staging": rotation id "": must look like `)
	require.ErrorContains(t, err, `tag "keyId" is missing`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	assert.NotContains(t, err.Error(), value)
}

func TestWritableAsksOnceInTenMinutes(t *testing.T) {
	w := start(t, azuresim.Latency{})
	now := time.Now()
	stage := vault.NewStage(w.client, "staging", "test", func() time.Time { return now })
	writes := func() int { return len(w.versions("rekey-write-check")) }
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
	assert.Equal(t, 1, writes())
	now = now.Add(11 * time.Minute)
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
	assert.Equal(t, 2, writes())
	now = now.Add(9 * time.Minute)
	require.NoError(t, stage.Put(t.Context(), "copy", credential()))
	now = now.Add(9 * time.Minute)
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
	assert.Equal(t, 2, writes(), "any write proves it")
}

func TestEachKindIsProvenByItself(t *testing.T) {
	w := start(t, azuresim.Latency{})
	w.misbehave(cloud.Fault{Host: host, Method: "POST", Path: "/certificates/*/import", Status: 403, Code: "Forbidden"})
	stage := w.stage()
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
	err := stage.Writable(t.Context(), rotation.Certificate)
	require.Error(t, err)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	w.misbehave()
	for range 2 {
		require.NoError(t, stage.Writable(t.Context(), rotation.Certificate))
	}
	assert.Len(t, w.Vaults.State().Vaults["staging"].Certificates["rekey-certificate-write-check"].Versions, 1)
}

func TestWhatCannotBeWrittenIsNotWritable(t *testing.T) {
	w := start(t, azuresim.Latency{})
	w.misbehave(cloud.Fault{Host: host, Method: "PUT", Status: 403, Code: "Forbidden"})
	stage := w.stage()
	for range 2 {
		err := stage.Writable(t.Context(), rotation.Secret)
		require.Error(t, err)
		assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	}
	w.misbehave()
	require.NoError(t, stage.Writable(t.Context(), rotation.Secret))
}

// Somebody purges the name between the refusal and the recovery: it is free.
func TestANameThatWasPurgedIsWritten(t *testing.T) {
	w := start(t, azuresim.Latency{})
	conflict := `{"error":{"code":"Conflict","message":"Deleted.","innererror":{"code":"ObjectIsDeletedButRecoverable"}}}`
	w.misbehave(cloud.Fault{Method: http.MethodPut, Path: "/secrets/copy", Status: 409, Body: json.RawMessage(conflict), Count: new(1)})
	require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
	got, err := w.stage().Get(t.Context(), rotation.Secret, "copy")
	require.NoError(t, err)
	assert.Equal(t, credential(), got)
	assert.Contains(t, w.calls(), "POST /deletedsecrets/{name}/recover 404 x1")
}
