package targettest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
)

// assertSilent asserts that a text has none of the credentials, however spelled.
func (s *subject) assertSilent(t testing.TB, text string) {
	t.Helper()
	for _, value := range s.values {
		for how, spelled := range spellings(value) {
			assert.NotContains(t, text, spelled, "a credential, spelled in "+how)
		}
	}
}

func spellings(value string) map[string]string {
	inJSON, _ := json.Marshal(value) // a string has no error
	return map[string]string{
		"plain text": value,
		"JSON":       strings.Trim(string(inJSON), `"`),
		"Go":         strings.Trim(strconv.Quote(value), `"`),
		"a query":    url.QueryEscape(value),
		"a path":     url.PathEscape(value),
		"HTML":       html.EscapeString(value),
		"base64":     base64.StdEncoding.EncodeToString([]byte(value)),
		"base64url":  base64.RawURLEncoding.EncodeToString([]byte(value)),
		"hex":        hex.EncodeToString([]byte(value)),
	}
}

// faults replaces the rules by which the cloud misbehaves.
func (s *subject) faults(t testing.TB, rules ...cloud.Fault) {
	t.Helper()
	cloudtest.Misbehave(t, s.Cloud, rules...)
}
