package automation_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func credential() rotation.Credential { return rotation.Credential{Value: secret.New(hush)} }

func TestACredentialIsMaskedHoweverItIsSpelled(t *testing.T) {
	inJSON, err := json.Marshal(hush)
	require.NoError(t, err)
	for how, spelled := range map[string]string{
		"plain":                   hush,
		"JSON":                    strings.Trim(string(inJSON), `"`),
		"JSON of other tools":     strings.ReplaceAll(hush, `"`, `\"`),
		"Go":                      strings.Trim(strconv.Quote(hush), `"`),
		"a query":                 url.QueryEscape(hush),
		"a path":                  url.PathEscape(hush),
		"HTML":                    html.EscapeString(hush),
		"base64":                  base64.StdEncoding.EncodeToString([]byte(hush)),
		"base64 without end":      base64.RawStdEncoding.EncodeToString([]byte(hush)),
		"base64 for URLs":         base64.RawURLEncoding.EncodeToString([]byte(hush)),
		"hexadecimal":             hex.EncodeToString([]byte(hush)),
		"hexadecimal in capitals": strings.ToUpper(hex.EncodeToString([]byte(hush))),
		"cut at its beginning":    hush[6:],
		"the last of it":          hush[len(hush)-4:],
	} {
		t.Run(how, func(t *testing.T) {
			masked := automation.Mask(credential(), spelled+" and so on")
			assert.Equal(t, "[redacted] and so on", masked)
		})
	}
	assert.Equal(t, "nothing of it", automation.Mask(credential(), "nothing of it"))
	assert.Equal(t, "anything", automation.Mask(rotation.Credential{}, "anything"))
	wrapped := base64.StdEncoding.EncodeToString([]byte(hush))
	assert.Equal(t, "x [redacted]\n[redacted] y", automation.Mask(credential(), "x "+wrapped[:20]+"\n"+wrapped[20:]+" y"))
}

func TestACertificateIsMaskedInEveryForm(t *testing.T) {
	pair, err := certificate.New(certificate.Request{Name: "x", Bits: 2048, Start: time.Now(), End: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	pem, err := pair.PEM()
	require.NoError(t, err)
	pfx, err := pair.PFX(secret.New(""))
	require.NoError(t, err)
	c := rotation.Credential{Rotation: rotation.ID{Kind: rotation.Certificate}, Value: pem}
	for how, text := range map[string]string{
		"PEM": pem.Reveal(), "PFX": pfx.Reveal(), "PFX that was cut": pfx.Reveal()[100:],
		"PEM in JSON": strings.ReplaceAll(pem.Reveal(), "\n", `\n`),
	} {
		t.Run(how, func(t *testing.T) {
			masked := automation.Mask(c, text)
			for i := 0; i+40 < len(text); i += 40 {
				if part := text[i : i+40]; !strings.Contains(part, "-----") && !strings.Contains(part, "\n") {
					assert.NotContains(t, masked, part)
				}
			}
			assert.Less(t, len(masked), 3000)
		})
	}
}

func TestTheEndOfAnOutputIsKept(t *testing.T) {
	long := strings.Repeat("ä", 1200) + " end"
	kept := automation.Output(credential(), long)
	assert.Len(t, []rune(kept), 1001)
	assert.True(t, strings.HasPrefix(kept, "…ä"))
	assert.True(t, strings.HasSuffix(kept, " end"))
	assert.Equal(t, "short", automation.Output(credential(), "\r\nshort\n"))
	// The credential is taken out before the cut, which could leave a part of it.
	cut := automation.Output(credential(), hush+strings.Repeat(".", 990))
	assert.NotContains(t, cut, hush[len(hush)-8:])
}

func TestWhatAStepPrintsIsMasked(t *testing.T) {
	for name, step := range map[string]func(*world) rotation.TaskStep{
		"a command":   func(w *world) rotation.TaskStep { return onWindows(w, "one", "param($NewSecret)") },
		"a container": func(w *world) rotation.TaskStep { return inContainer(w, "one", "param($NewSecret)") },
		"a runbook":   func(w *world) rotation.TaskStep { w.bring(hush); return asRunbook(w, "one") },
	} {
		for _, exits := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				w := start(t)
				w.prints, w.exits = "the secret is "+hush, exits
				outcome, err := w.deliver(w.delivery(w.with(step(w))))
				assert.Equal(t, exits != 0, err != nil)
				assert.Equal(t, "the secret is [redacted]", outcome.Steps[0].Output)
			})
		}
	}
}

func TestARefusalThatRepeatsAStorageKeyIsMasked(t *testing.T) {
	w := start(t)
	w.misbehave(
		cloud.Fault{Host: management, Method: "POST", Path: "*/listKeys", Status: 200, Body: json.RawMessage(`{"keys":[{"value":"storage-key-of-the-account"}]}`)},
		cloud.Fault{Host: management, Method: "PUT", Status: 400, Body: json.RawMessage(`{"error":{"error":{"code":"Bad","message":"storage-key-of-the-account"}}}`)})
	_, err := w.target.Deploy(t.Context(), w.delivery(w.with(inContainer(w, "one", "x"))))
	require.EqualError(t, err, `automation: run a script in resource group "rg": 400 Bad: [redacted]`)
}

func FuzzMask(f *testing.F) {
	f.Add("a password", "before ", " after")
	f.Add(hush, "\x00", "ä")
	f.Fuzz(func(t *testing.T, value, before, after string) {
		c := rotation.Credential{Value: secret.New(value)}
		_ = automation.Output(c, before+value+after)
		if len(value) > 12 && !strings.Contains("[redacted]", value) {
			assert.NotContains(t, automation.Mask(c, before+value+after), value)
		}
	})
}
