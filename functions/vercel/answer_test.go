package vercel_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// says answers every request with the same.
type says struct {
	status int
	body   []byte
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

func FuzzWhateverIsAnsweredIsTakenOrClassified(f *testing.F) {
	f.Add(200, []byte(`{"envs":[{"id":"a","key":"DB","target":"production"}],"deployments":[],"readyState":"READY"}`))
	f.Add(200, []byte(`{"envs":[],"pagination":{"next":1e400}}`))
	f.Add(400, []byte(`{"err":{"code":"ENV_CONFLICT"}}`))
	f.Add(503, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		w := &world{t: t, token: "token-of-the-group", group: rotation.Group{Active: true, Applications: []string{shopID}, Team: "team_acme", Token: "t"}}
		w.target = vercel.New(vercel.Config{Groups: w, Transport: says{status, body}})
		w.app.AppID = shopID
		d := w.delivery(in("production", "production"))
		d.Credential.Value = secret.New(value)
		_, err := w.target.Deploy(t.Context(), d)
		if err != nil {
			assert.NotContains(t, err.Error(), w.token)
			assert.NotContains(t, err.Error(), value)
		}
	})
}
