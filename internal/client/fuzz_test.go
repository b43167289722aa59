package client_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/client"
)

// wire answers every request alike.
type wire struct {
	status int
	body   string
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: w.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(w.body)), Request: r}, nil
}

// FuzzAnswer has any answer taken for a list: it is one, or an error of a known kind.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"items":[{"a":1},2],"next":null}`)
	f.Add(200, `{"items":[1],"next":"x"}`)
	f.Add(422, `{"detail":"body.a: x","errors":[{"location":"body.a","message":"x"}]}`)
	f.Add(302, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 { // net/http gives no other in the end
			return
		}
		c, err := client.New(client.Options{Server: "https://rekey.example", Transport: wire{status, body}, Timeout: time.Minute, Now: time.Now})
		require.NoError(t, err)
		list, err := c.List(t.Context(), "/api/x", nil, 1, 0)
		if err == nil {
			assert.Equal(t, 2, status/100)
			assert.NotEmpty(t, list.Document)
			return
		}
		problem, refused := errors.AsType[*client.Problem](err)
		_, unreachable := errors.AsType[*client.Unreachable](err)
		assert.True(t, refused && problem.Status == status || unreachable, err)
		assert.NotEmpty(t, err.Error())
	})
}
