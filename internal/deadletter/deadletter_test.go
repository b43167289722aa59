package deadletter_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/deadletter"
)

func TestALetterSaysWhatItWasAbout(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want deadletter.About
	}{
		"an advance":              {`{"type":"dev.rekey.advance","data":{"appId":"a","kind":"secret"}}`, deadletter.About{Type: "dev.rekey.advance", AppID: "a", Kind: "secret"}},
		"a delivery":              {`{"type":"dev.rekey.deploy","data":{"rotation":"a.secret.7","target":"vault"}}`, deadletter.About{Type: "dev.rekey.deploy", AppID: "a", Kind: "secret", Rotation: "a.secret.7", Target: "vault"}},
		"a field that is no text": {`{"type":7,"data":{"appId":"a","kind":{},"target":["x"]}}`, deadletter.About{AppID: "a"}},
		"data that is no object":  {`{"type":"x","data":"secret"}`, deadletter.About{Type: "x"}},
		"no JSON":                 {"\xff\x00", deadletter.About{}},
		"something long":          {`{"type":"` + strings.Repeat("x", 201) + `"}`, deadletter.About{}},
		"nothing":                 {"", deadletter.About{}},
	} {
		assert.Equal(t, c.want, deadletter.Letter{Body: []byte(c.body)}.About(), name)
	}
}

func TestAnEntityIsOneWord(t *testing.T) {
	assert.Equal(t, "rotation-requests", deadletter.Entity{Name: "rotation-requests"}.String())
	assert.Equal(t, "rotated.keyvault", deadletter.Entity{Name: "rotated", Subscription: "keyvault"}.String())
}

// FuzzAbout reads any body.
func FuzzAbout(f *testing.F) {
	f.Add([]byte(`{"type":"dev.rekey.deploy","data":{"rotation":"a.secret.7","target":"vault"}}`))
	f.Add([]byte(`[{"data":null}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		about := deadletter.Letter{Body: body}.About()
		assert.LessOrEqual(t, len(about.Target)+len(about.Type), 400)
	})
}
