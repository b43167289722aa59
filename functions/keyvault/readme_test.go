package keyvault_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The settings in README.md say the kind of target that they are for.
func TestTheSettingsInTheReadmeAreAccepted(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, examples, 3)
	for _, example := range examples {
		kind, err := rotation.ParseKind(string(example[1]))
		require.NoError(t, err)
		_, problems := target().CheckSettings(shop, kind, json.RawMessage(example[2]))
		assert.Empty(t, problems, string(example[2]))
	}
}
