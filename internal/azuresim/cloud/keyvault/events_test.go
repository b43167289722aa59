package keyvault_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

const day = 24 * time.Hour

func setUntil(t *testing.T, c *azsecrets.Client, name string, expires time.Time) string {
	t.Helper()
	resp, err := c.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{
		Value: new("v"), SecretAttributes: &azsecrets.SecretAttributes{Expires: &expires}}, nil)
	require.NoError(t, err)
	return resp.ID.Version()
}

func TestEventsFollowASecretsLife(t *testing.T) {
	w := start(t, keyvault.Options{NearExpiryDelay: time.Minute})
	expires := w.clock.Now().Add(100 * day).Truncate(time.Second)
	version := setUntil(t, w.as(t, alice), "db", expires)

	created := w.events.next(t)
	assert.Equal(t, "Microsoft.KeyVault.SecretNewVersionCreated", created.Type)
	assert.Equal(t, vaultID, created.Source)
	assert.Equal(t, "db", created.Subject)
	data, err := json.Marshal(created.Data)
	require.NoError(t, err)
	exp, err := json.Marshal(expires.Unix())
	require.NoError(t, err)
	assert.JSONEq(t, `{"Id":"https://safe.vault.azure.net/secrets/db/`+version+`","VaultName":"safe","ObjectType":"Secret","ObjectName":"db","Version":"`+version+`","NBF":null,"EXP":`+string(exp)+`}`, string(data))

	w.clock.Advance(70*day - time.Hour)
	assert.Empty(t, w.events, "30 days before the end, not earlier")
	w.clock.Advance(time.Hour)
	near := w.events.next(t)
	assert.Equal(t, "Microsoft.KeyVault.SecretNearExpiry", near.Type)
	assert.Equal(t, created.Since, near.Since, "as old as the version")
	w.clock.Advance(30 * day)
	assert.Equal(t, "Microsoft.KeyVault.SecretExpired", w.events.next(t).Type)
}

func TestAShortLifeIsAnnouncedAfterMinutes(t *testing.T) {
	w := start(t, keyvault.Options{NearExpiryDelay: time.Hour})
	c := w.as(t, alice)
	setUntil(t, c, "db", w.clock.Now().Add(10*day))
	set(t, c, "another", "v")
	w.events.next(t)
	assert.Equal(t, "another", w.events.next(t).Subject, "nothing comes between")
	w.clock.Advance(time.Hour)
	assert.Equal(t, "Microsoft.KeyVault.SecretNearExpiry", w.events.next(t).Type)
}

// Whether nothing is raised shows by what is: the newest version's event comes alone.
func TestOnlyTheCurrentVersionNearsItsEnd(t *testing.T) {
	w := start(t, keyvault.Options{NearExpiryDelay: time.Minute})
	c := w.as(t, alice)
	setUntil(t, c, "db", w.clock.Now().Add(40*day))
	set(t, c, "db", "without an end")
	setUntil(t, c, "gone", w.clock.Now().Add(40*day))
	_, err := c.DeleteSecret(t.Context(), "gone", nil)
	require.NoError(t, err)
	later := setUntil(t, c, "moved", w.clock.Now().Add(40*day))
	_, err = c.UpdateSecretProperties(t.Context(), "moved", later, azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Expires: new(w.clock.Now().Add(50 * day))}}, nil)
	require.NoError(t, err)
	for range 4 {
		assert.Equal(t, "Microsoft.KeyVault.SecretNewVersionCreated", w.events.next(t).Type)
	}

	w.clock.Advance(15 * day)
	set(t, c, "between", "v")
	assert.Equal(t, "between", w.events.next(t).Subject)
	w.clock.Advance(5 * day)
	near := w.events.next(t)
	assert.Equal(t, "Microsoft.KeyVault.SecretNearExpiry", near.Type)
	assert.Equal(t, "moved", near.Subject)
	w.clock.Advance(40 * day)
	assert.Equal(t, "moved", w.events.next(t).Subject)
	assert.Empty(t, w.events)
}
