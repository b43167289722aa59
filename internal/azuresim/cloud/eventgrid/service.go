package eventgrid

import (
	"cmp"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const sendAction = "Microsoft.EventGrid/events/send/action"

// Authenticator tells who calls. An error means that the token is not good for
// the audience, for whatever reason.
type Authenticator interface {
	Authenticate(r *http.Request, audience string) (entra.Caller, error)
}

// Access reports whether a role assignment in effect grants the principal a data
// action on a resource.
type Access interface {
	Allowed(objectID, dataAction, resourceID string) bool
}

// Options say how events are delivered. All of them may be left out.
type Options struct {
	Client          *http.Client  // to webhooks; without proxy and redirects when left out
	ResponseTimeout time.Duration // for a webhook to answer; 30 s when left out
	RetryScale      float64       // by which the waits between attempts are multiplied; 1 when left out
}

// Service is Event Grid. Its methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	auth    Authenticator
	access  Access
	options Options

	mu            sync.Mutex
	topics        map[string]*topic // by lower-case host
	raised        []json.RawMessage // system events, in the Event Grid schema
	subscriptions []*subscription
	systemTopics  []SystemTopic
}

// New returns an Event Grid without topics and subscriptions.
func New(clk *clock.Clock, auth Authenticator, access Access, options Options) *Service {
	if options.Client == nil {
		options.Client = &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	options.ResponseTimeout = cmp.Or(options.ResponseTimeout, 30*time.Second)
	options.RetryScale = cmp.Or(options.RetryScale, 1)
	return &Service{clock: clk, auth: auth, access: access, options: options, topics: map[string]*topic{}}
}
