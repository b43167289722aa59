package cli_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/cli"
)

// shown are commands that show a document each in their own way.
var shown = [][]string{
	{"apps"}, {"apps", "show", appID}, {"status", appID + ".secret.1", "--wait", "--timeout", "3s"}, {"plan", appID, "--kind", "secret"}, {"log"}, {"doctor"},
	{"inventory"}, {"keys"}, {"groups", "show", "x"}, {"targets", "show", appID, "x"}, {"targets", "check", appID, "x"}, {"dependencies"}, {"version"},
}

// FuzzShown has any document shown by every command: it is shown or refused, and no
// text of it steers a terminal.
func FuzzShown(f *testing.F) {
	f.Add(`{"items":[{"appId":"a","name":"\u001b[31mred\u202e","policies":{"secret":{"enabled":false}},"credentials":[{"end":"2026-03-01T00:00:00Z"}]}],"next":null}`)
	f.Add(`{"id":"r","state":"incomplete","reason":"x","deployments":[{"target":"t","state":"failed","lastError":"\r\n\t"}],"retirements":[{}],"waiting":7}`)
	f.Add(`{"ok":false,"checks":[{"check":"c","findings":[{"severity":"error"}]}],"applications":{"items":[{}]}}`)
	f.Add(`{"refusals":["no"],"steps":[{"calls":[{"path":"/"}],"at":"x"}],"kept":[{}],"kinds":{"secret":{"dueAt":"0001-01-01T00:00:00Z"}},"targets":[{"kind":"secret"}],"warnings":["w"]}`)
	f.Add(`{"a":"\u009b","b":["- x","1","null","2026-03-01"],"c":{"d":1e400},"e":" lead","f":"two\nlines\n"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, document string) {
		around := cli.Surroundings{
			Zone: time.UTC, Now: time.Now, Transport: wire(document), Server: "http://localhost",
			Pause: func(context.Context, time.Duration) error { return context.Canceled },
		}
		for _, command := range shown {
			r := run(t, around, command...)
			assert.NotEqual(t, 2, r.code, r.err)
			for _, text := range []string{r.out, strings.ReplaceAll(r.err, "\r", "")} {
				assert.False(t, strings.ContainsFunc(text, steers), "%q", text)
			}
		}
	})
}

// wire answers every request with a document.
type wire string

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(w))), Request: r}, nil
}

func steers(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }
