package cli_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/cli"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func readAll(t *testing.T, from io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(from)
	require.NoError(t, err)
	return string(text)
}

func TestTheExitCodeSaysWhatBecameOfIt(t *testing.T) {
	w := newWorld(t)
	w.manage()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"it is done":                  {[]string{"apps"}, 0, ""},
		"no such command":             {[]string{"aps"}, 2, "rekey: unknown command \"aps\" for \"rekey\"\n\nDid you mean this?\n apps\n"},
		"no such command of a group":  {[]string{"apps", "lst"}, 2, "rekey: unknown command \"lst\" for \"rekey apps\"\nSee 'rekey --help'.\n"},
		"no such flag":                {[]string{"apps", "--all"}, 2, "rekey: unknown flag: --all\n"},
		"a flag is missing":           {[]string{"rotate", appID}, 2, "rekey: required flag(s) \"kind\" not set\n"},
		"an argument is missing":      {[]string{"rotate", "--kind", "secret"}, 2, "rekey: accepts 1 arg(s), received 0\n"},
		"no such kind":                {[]string{"rotate", appID, "--kind", "password"}, 2, "rekey: --kind must be secret or certificate, not \"password\"\n"},
		"no such format":              {[]string{"apps", "-o", "xml"}, 2, "rekey: --output must be table, json or yaml, not \"xml\"\n"},
		"a flag needs another":        {[]string{"rotate", appID, "--kind", "secret", "--revoke-now"}, 2, "rekey: --revoke-now needs --emergency\n"},
		"no span":                     {[]string{"log", "--since", "soon"}, 2, "rekey: invalid argument \"soon\" for \"--since\" flag: \"soon\" must be a span of time such as 90s, 15m, 2h, 30d or 2w\n"},
		"one or everything":           {[]string{"apps", "pause"}, 2, "rekey: name either one application or --all\n"},
		"refused, with each field":    {[]string{"targets", "set", appID, "UPPER", "-f", "/dev/null"}, 3, "rekey: the request is not right (422)\n  body: must be an object\n  path.targetId: must be 1 to 63 lower-case letters, digits and single hyphens between them\n"},
		"refused, it exists":          {[]string{"apps", "set", appID, "--kind", "secret"}, 3, "it exists already; leave the header out to replace it"},
		"no such application":         {[]string{"apps", "show", absent}, 4, "rekey: "},
		"no application of this name": {[]string{"apps", "show", "Warehouse"}, 4, "rekey: no managed application has this name: \"Warehouse\"\n"},
		"nothing at this path":        {[]string{"apps", "--server", w.server.URL + "/elsewhere"}, 4, "rekey: there is nothing at this path; what there is stands in /api/openapi.json (404)\n"},
		"out of reach":                {[]string{"apps", "--server", "http://127.0.0.1:1"}, 7, "rekey: 127.0.0.1:1 is out of reach: "},
		"nobody says who asks":        {[]string{"apps", "--server", "https://rekey.example.org"}, 8, "rekey: who asks? Set REKEY_API_KEY or --api-key-file"},
		"no server":                   {[]string{"apps", "--server", ""}, 2, "rekey: which installation? Give its address with --server or REKEY_URL\n"},
		"a server without encryption": {[]string{"apps", "--server", "http://rekey.example.org"}, 2, "rekey: \"rekey.example.org\" would be called without encryption"},
		"no file":                     {[]string{"apply", "-f", "/no/such/file"}, 1, "rekey: open /no/such/file: no such file or directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.run(c.args...)
			assert.Equal(t, c.code, r.code, r.err)
			assert.Contains(t, r.err, c.want)
			if c.code != 0 {
				assert.Empty(t, r.out)
			}
		})
	}
}

// answering is the surroundings before a server that answers everything alike.
func answering(t *testing.T, status int, body string) cli.Surroundings {
	t.Helper()
	return before(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func before(t *testing.T, answer http.HandlerFunc) cli.Surroundings {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return cli.Surroundings{
		Zone: time.UTC, Now: func() time.Time { return now }, Transport: http.DefaultTransport, Version: "1.2.3", Server: server.URL,
		Pause: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	}
}

func TestEachStatusHasItsExitCode(t *testing.T) {
	for status, code := range map[int]int{
		400: 3, 401: 8, 403: 8, 404: 4, 405: 3, 409: 3, 412: 3, 422: 3, 429: 3, 302: 7, 500: 1, 502: 1, 503: 1,
	} {
		assert.Equal(t, code, run(t, answering(t, status, ""), "apps").code, status)
	}
	assert.Equal(t, 7, run(t, answering(t, 200, "<html>"), "apps").code, "a page that is not of the API")
	assert.Equal(t, 7, run(t, answering(t, 200, "<html>"), "status", appID).code, "a page that is not of the API")
}

func TestTheCodesAreExplained(t *testing.T) {
	r := run(t, cli.Surroundings{}, "help", "exit-codes")
	assert.Equal(t, 0, r.code)
	for _, line := range []string{"0    it is done", "5    the rotation that was waited for failed", "6    the time was up", "130  interrupted"} {
		assert.Contains(t, r.out, "  "+line)
	}
}

func TestItWaitsUntilARotationHasEnded(t *testing.T) {
	w := newWorld(t)
	w.manage()
	r := w.run("rotate", appID, "--kind", "secret", "--wait")
	assert.Equal(t, 0, r.code)
	assert.Equal(t, "requested\npublished, 0 of 1 targets confirmed\npublished, 1 of 1 targets confirmed\ncompleted, 1 of 1 targets confirmed\n", r.err)
	w.around.ErrTerminal = true
	r = w.run("status", appID+".secret.1", "--wait")
	assert.Equal(t, "\r   0s  completed, 1 of 1 targets confirmed\n", r.err)
}

func TestARotationThatIsNotCompletedIsAFailure(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.place.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("place: forbidden")}
	r := w.run("rotate", appID, "--kind", "secret", "--wait", "-o", "json")
	assert.Equal(t, 5, r.code)
	id := appID + ".secret.1"
	assert.True(t, strings.HasSuffix(r.err, "rekey: the rotation "+id+" is incomplete: failed at shop\n  shop: place: forbidden\n"), r.err)
	assert.Contains(t, r.out, `"state":"incomplete"`)

	w.place.fail = nil
	r = w.run("resume", id, "shop", "--wait")
	assert.Equal(t, 0, r.code, r.err)
	assert.Contains(t, r.out, "State:         completed\n")
}

func TestWaitingHasAnEnd(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.place.fail = &rotation.Fault{Class: rotation.Transient, Err: errors.New("place: busy")}
	r := w.run("rotate", appID, "--kind", "secret", "--wait", "--timeout", "40s")
	assert.Equal(t, 6, r.code)
	assert.True(t, strings.HasSuffix(r.err, "rekey: the time is up; the rotation goes on\n"), r.err)
	assert.Contains(t, r.out, "State:         published\n", "as it was last")
}

func TestWaitingSurvivesTroubleThatPasses(t *testing.T) {
	calls := 0
	around := before(t, func(w http.ResponseWriter, r *http.Request) {
		switch calls++; calls {
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		case 4:
			_, _ = io.WriteString(w, `{"id":"r","state":"completed"}`)
		default:
			_, _ = io.WriteString(w, `{"id":"r","state":"requested"}`)
		}
	})
	r := run(t, around, "status", appID+".secret.1", "--wait")
	assert.Equal(t, 0, r.code)
	assert.Equal(t, "the server answered Bad Gateway (502)\nrequested\ncompleted\n", r.err)
}

func TestAnInterruptionIsOne(t *testing.T) {
	around := answering(t, 200, `{"id":"r","state":"requested"}`)
	around.Pause = func(context.Context, time.Duration) error { return context.Canceled }
	r := run(t, around, "status", appID+".secret.1", "--wait")
	assert.Equal(t, 130, r.code)
	assert.Equal(t, "requested\nrekey: interrupted\n", r.err)
}

func TestAKeyGoesToTheServerAndIsNotShown(t *testing.T) {
	const key = "rk_key-that-nobody-sees"
	var got []string
	around := before(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Values("X-Api-Key")
		w.WriteHeader(http.StatusForbidden)
	})
	around.Key = secret.New(key)
	r := run(t, around, "apps")
	assert.Equal(t, []string{key}, got)
	assert.NotContains(t, r.out+r.err, "nobody-sees")

	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("rk_another\n"), 0o600))
	run(t, around, "apps", "--api-key-file", file)
	assert.Equal(t, []string{"rk_another"}, got, "the file that is named counts first")

	got = nil
	require.NoError(t, os.WriteFile(file, []byte("rk_nobody-sees\nother: header"), 0o600))
	r = run(t, around, "apps", "--api-key-file", file)
	assert.Equal(t, 8, r.code)
	assert.Nil(t, got)
	assert.NotContains(t, r.err, "nobody-sees")
	assert.Equal(t, 8, run(t, around, "apps", "--api-key-file", file+".none").code)
}
