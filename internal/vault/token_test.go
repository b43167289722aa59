package vault_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestATokenIsKeptApartFromStagedCopies(t *testing.T) {
	w := start(t, azuresim.Latency{})
	require.NoError(t, w.stage().PutToken(t.Context(), "rekey-token-acme", secret.New("token")))
	token, err := w.stage().Token(t.Context(), "rekey-token-acme")
	require.NoError(t, err)
	assert.Equal(t, "token", token.Reveal())
	kept := w.versions("rekey-token-acme")[0]
	assert.Equal(t, "application/vnd.rekey.token", kept.ContentType)
	assert.Equal(t, map[string]string{"installation": "test"}, kept.Tags)
	assert.Nil(t, kept.Expires, "nothing about it is to be told by events")

	require.NoError(t, w.stage().Put(t.Context(), "copy", credential()))
	_, err = w.stage().Token(t.Context(), "copy")
	assert.EqualError(t, err, `vault: "copy" in "staging" is no access token: its content type is "application/vnd.rekey.staged"`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestADeletedTokenIsGoneAndItsNameCanBeUsedAgain(t *testing.T) {
	w := start(t, azuresim.Latency{})
	for _, text := range []string{"first", "second"} {
		require.NoError(t, w.stage().PutToken(t.Context(), "rekey-token-acme", secret.New(text)))
		token, err := w.stage().Token(t.Context(), "rekey-token-acme")
		require.NoError(t, err)
		assert.Equal(t, text, token.Reveal())
		for range 2 {
			require.NoError(t, w.stage().DeleteToken(t.Context(), "rekey-token-acme"))
		}
		_, err = w.stage().Token(t.Context(), "rekey-token-acme")
		assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
	}
}
