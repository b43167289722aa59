package httpfault_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
