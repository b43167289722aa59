package automation_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// TestThePagesExamplesAreTasks reads the examples as the API would, resource ids
// aside, which the page shortens.
func TestThePagesExamplesAreTasks(t *testing.T) {
	w := start(t)
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	full := strings.NewReplacer(
		`{"…":"…"}`, `{"resourceGroup":"`+group+`","location":"westeurope","storageAccount":"`+w.storage+`","identity":"`+w.identity+`"}`,
		`"vm":"…"`, `"vm":"`+w.linux+`"`, `/subscriptions/…`, group,
	).Replace(string(page))
	examples := strings.Split(full, "```json\n")[1:]
	require.Len(t, examples, 4)
	for _, example := range examples {
		text, _, _ := strings.Cut(example, "```")
		var task rotation.Task
		if strings.Contains(text, `"steps"`) {
			decode(t, text, &task)
		} else {
			task.Name, task.Steps = "step", make([]rotation.TaskStep, 1)
			decode(t, text, &task.Steps[0])
		}
		assert.Empty(t, task.WithDefaults().Check(), text)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(into), text)
}
