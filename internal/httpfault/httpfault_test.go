package httpfault_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAStatusHasAClass(t *testing.T) {
	for status, class := range map[int]rotation.Class{
		302: rotation.Transient, 400: rotation.Permanent, 401: rotation.Denied, 403: rotation.Denied, 404: rotation.NotFound,
		405: rotation.Permanent, 408: rotation.Transient, 409: rotation.Conflict, 410: rotation.NotFound, 412: rotation.Conflict,
		413: rotation.Permanent, 429: rotation.Throttled, 500: rotation.Transient, 503: rotation.Transient, 599: rotation.Transient,
	} {
		assert.Equal(t, class.String(), httpfault.Class(status).String(), status)
	}
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestRetryAfterIsRead(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, "2.5": 2500 * time.Millisecond, "0": 0, "1e9": 24 * time.Hour, "+Inf": 24 * time.Hour,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		after, ok := httpfault.RetryAfter(http.Header{"Retry-After": {text}}, now)
		assert.True(t, ok, text)
		assert.Equal(t, want, after, text)
	}
	for _, text := range []string{"", "-1", "NaN", "soon", "-Inf"} {
		after, ok := httpfault.RetryAfter(http.Header{"Retry-After": {text}}, now)
		assert.False(t, ok, text)
		assert.Zero(t, after, text)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7")
	f.Add("Sun, 01 Mar 2026 12:01:00 GMT")
	f.Fuzz(func(t *testing.T, text string) {
		after, _ := httpfault.RetryAfter(http.Header{"Retry-After": {text}}, now)
		assert.GreaterOrEqual(t, after, time.Duration(0))
		assert.LessOrEqual(t, after, 24*time.Hour)
	})
}

func TestAnAnswerIsReadToAnEnd(t *testing.T) {
	const most = 8 << 20
	for name, c := range map[string]struct {
		length int
		want   error
	}{
		"nothing": {0, nil}, "as much as there may be": {most, nil}, "a byte more": {most + 1, httpfault.ErrTooLarge}, "much more": {3 * most, httpfault.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, c.length)) }))
			t.Cleanup(server.Close)
			client := &http.Client{Transport: httpfault.Bounded(http.DefaultTransport)}
			response, err := client.Get(server.URL)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			assert.ErrorIs(t, err, c.want)
			assert.Len(t, body, min(c.length, most))
			body, err = httpfault.ReadAll(bytes.NewReader(make([]byte, c.length)))
			assert.ErrorIs(t, err, c.want)
			assert.Len(t, body, min(c.length, most))
		})
	}
}
