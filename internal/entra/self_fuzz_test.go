package entra

import (
	"encoding/base64"
	"testing"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/stretchr/testify/assert"
)

// FuzzSelf reads a token that may say anything.
func FuzzSelf(f *testing.F) {
	for _, claims := range []string{`{"oid":"o","appid":"a","roles":["r"]}`, `{"oid":1}`, `{"roles":{}}`, `[]`, ``} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(claims)))
	}
	f.Fuzz(func(t *testing.T, middle string) {
		self, err := selfOf("header." + middle + ".signature")
		if err == nil {
			assert.NotEmpty(t, self.ObjectID)
			assert.NotEmpty(t, self.AppID)
		} else {
			assert.NotContains(t, err.Error(), "signature")
		}
	})
}

// FuzzLifetime reads the lifetime of a restriction.
func FuzzLifetime(f *testing.F) {
	for _, text := range []string{"P90D", "P1Y", "PT0S", "P99999999999Y", "-P1D", "P1M", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := serialization.ParseISODuration(text)
		if err != nil {
			return
		}
		d, err := span(parsed)
		assert.True(t, err != nil || d >= 0, "%s", d)
	})
}
