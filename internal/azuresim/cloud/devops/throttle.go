package devops

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// windowLength is the sliding window of the real service; this one jumps.
// https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
const windowLength = 5 * time.Minute

// window counts the calls of one caller in one organization.
type window struct {
	began time.Time
	calls int
}

// spend counts one call. Beyond the limit an answer says when to come back; far
// beyond it there is none.
func (s *Service) spend(c *call) error {
	if s.options.Unthrottled || c.org == nil {
		return nil
	}
	key := c.org.id + " " + c.caller.ObjectID
	w := s.windows[key]
	if w == nil || c.now.Sub(w.began) >= windowLength {
		w = &window{began: c.now}
		s.windows[key] = w
	}
	w.calls++
	if w.calls <= s.options.Calls {
		return nil
	}
	ends := w.began.Add(windowLength)
	wait := strconv.Itoa(int(math.Ceil(ends.Sub(c.now).Seconds())))
	for name, value := range map[string]string{
		"Retry-After": wait, "X-RateLimit-Resource": "Service/TSTUs", "X-RateLimit-Delay": wait,
		"X-RateLimit-Limit": strconv.Itoa(s.options.Calls), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(ends.Unix(), 10),
	} {
		c.header.Set(name, value)
	}
	if w.calls <= 2*s.options.Calls {
		return nil
	}
	return refuse(http.StatusTooManyRequests, "RequestBlockedException",
		"TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource Service/TSTUs in namespace %s.", c.caller.ObjectID)
}
