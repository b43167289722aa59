package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manyApplications is a document with so many applications, each with a target.
func manyApplications(n int) string {
	var text strings.Builder
	text.WriteString("applications:\n")
	for i := range n {
		fmt.Fprintf(&text, `  %08d-aaaa-4111-8111-111111111111: # Shop
    policies:
      secret:
        enabled: false
        lifetimeDays: 30
    targets:
      vault:
        integration: place
        kind: secret
        settings:
          name: shop-%d
          vault: contoso-production
`, i, i)
	}
	return text.String()
}

// A document that is too large to be parsed at once is read in parts.
func TestALargeConfigurationIsApplied(t *testing.T) {
	w, n := emptied(t), 1250
	document := manyApplications(n)
	require.Greater(t, len(document), 300<<10)
	a := w.apply(document)
	require.Equal(t, 200, a.status, a.body[:min(len(a.body), 500)])
	assert.Len(t, a.decoded(t)["changes"], 2*n)
	assert.Equal(t, document, w.applications())
	again := w.applyWith("?dryRun=true&prune=true", document).decoded(t)
	assert.Empty(t, again["changes"])
	assert.Equal(t, float64(2*n), again["unchanged"])

	wrong := w.apply(strings.Replace(document, "name: shop-1200", "nome: shop-1200", 1))
	require.Equal(t, 422, wrong.status)
	assert.Equal(t, 1+1200*12+10.0, wrong.decoded(t)["errors"].([]any)[0].(map[string]any)["line"])
}
