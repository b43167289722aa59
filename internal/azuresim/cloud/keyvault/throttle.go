package keyvault

import (
	"net/http"
	"strconv"
	"time"
)

// https://learn.microsoft.com/azure/key-vault/general/service-limits
const (
	throttleWindow   = 10 * time.Second
	creationsAllowed = 300
	othersAllowed    = 4000
)

// throttle counts one vault's calls in windows that begin with a call.
type throttle struct {
	opened    time.Time
	creations int
	others    int
}

func (t *throttle) admit(h http.Header, now time.Time, creates bool) error {
	if now.Sub(t.opened) >= throttleWindow {
		*t = throttle{opened: now}
	}
	counter, allowed := &t.others, othersAllowed
	if creates {
		counter, allowed = &t.creations, creationsAllowed
	}
	if *counter < allowed {
		*counter++
		return nil
	}
	left := t.opened.Add(throttleWindow).Sub(now)
	h.Set("Retry-After", strconv.Itoa(max(1, int((left+time.Second-1)/time.Second))))
	return &refusal{status: http.StatusTooManyRequests, code: "Throttled", message: "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"}
}
