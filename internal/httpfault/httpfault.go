// Package httpfault says what an HTTP answer means for what happens next, for
// every service that has no meaning of its own for it.
//
// Facts come from https://www.rfc-editor.org/rfc/rfc9110#name-status-codes and
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
package httpfault

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Class returns the class of an answer that is no success. What is neither the
// caller's mistake nor a known refusal may have taken effect, and is transient.
func Class(status int) rotation.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound, http.StatusGone:
		return rotation.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return rotation.Conflict
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusRequestTimeout:
		return rotation.Transient
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return rotation.Permanent
	}
	return rotation.Transient
}

// longestWait is the most that Retry-After is believed.
const longestWait = 24 * time.Hour

// RetryAfter reads the header: seconds, also with a fraction, or a date. Ok is
// false where it says nothing that can be read.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func RetryAfter(header http.Header, now time.Time) (after time.Duration, ok bool) {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds >= 0) { // NaN is not either
			return 0, false
		}
		return time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, min(at.Sub(now), longestWait)), true
}

// After is RetryAfter where it does not matter whether there was one.
func After(header http.Header, now time.Time) time.Duration {
	after, _ := RetryAfter(header, now)
	return after
}
