package resourcemanager

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// budget is a token bucket, one for each subscription, caller and kind of call.
// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
type budget struct {
	left float64
	at   time.Time
}

type limit struct {
	kind   string // as in the header's name
	bucket float64
	refill float64 // a second
}

func limitOf(method string) limit {
	switch method {
	case http.MethodGet, http.MethodHead:
		return limit{"reads", 250, 25}
	case http.MethodDelete:
		return limit{"deletes", 200, 10}
	}
	return limit{"writes", 200, 10}
}

// spend takes one call from its budget and says what is left of it.
func (s *Service) spend(c *call) error {
	subscription := c.path["subscription"] + scopeSubscription(c.path["scope"])
	if subscription == "" || s.options.Unthrottled {
		return nil
	}
	of := limitOf(c.request.Method)
	key := of.kind + " " + subscription + " " + c.caller.ObjectID
	b := s.budgets[key]
	if b == nil {
		b = &budget{left: of.bucket, at: c.now}
		s.budgets[key] = b
	}
	b.left = min(of.bucket, b.left+of.refill*c.now.Sub(b.at).Seconds())
	b.at = c.now
	if b.left < 1 {
		c.header.Set("x-ms-ratelimit-remaining-subscription-"+of.kind, "0")
		c.header.Set("Retry-After", strconv.Itoa(int(math.Ceil((1-b.left)/of.refill))))
		return refuse(http.StatusTooManyRequests, "SubscriptionRequestsThrottled", "Number of '%s' requests for subscription '%s' exceeded the limit. Please try again after the time in the Retry-After header.", of.kind, subscription)
	}
	b.left--
	c.header.Set("x-ms-ratelimit-remaining-subscription-"+of.kind, strconv.Itoa(int(b.left)))
	return nil
}
