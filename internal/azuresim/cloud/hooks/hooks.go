// Package hooks is whoever receives webhooks in the simulated cloud: Slack's incoming
// webhooks, flows of the Workflows app of Teams, and receivers that anybody could have
// written. Each keeps what it accepted.
//
// It promises that
//   - an address is known only after somebody made it, and what differs in it is an
//     unknown one: all of it is the secret, as it is at Slack and in a flow's signature;
//   - Slack takes a JSON object with text or blocks, of the kinds and within the lengths
//     that it documents, and answers "ok"; what it refuses it names in a word, as plain
//     text;
//   - a flow takes an object with attachments that are Adaptive Cards, and answers 202
//     before it has posted any; the MessageCards of the retired connectors are refused;
//   - a receiver takes any body and answers 204, or what it was told to answer.
//
// Facts: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
// https://docs.slack.dev/reference/block-kit/blocks,
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
// and https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams. Where
// they are silent: Slack refuses a body beyond 100 kB, a flow one beyond the 28 kB
// that a card may have, and a flow checks a card when it is called.
package hooks

import (
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// The hosts.
const (
	SlackHost = "hooks.slack.com"
	// TeamsHost and OlderTeamsHost are patterns: a flow's address begins with its own part.
	TeamsHost      = "*.environment.api.powerplatform.com"
	OlderTeamsHost = "*.westeurope.logic.azure.com"
	// ReceiverHost is where the receivers are that anybody could have written.
	ReceiverHost = "*.receiver.example"
)

// Received is one request that was accepted.
type Received struct {
	Host, Path string // without the query, which holds a flow's signature
	Header     http.Header
	Body       []byte
}

// Service answers for all of those hosts. Its methods may be called from any goroutine.
type Service struct {
	mu       sync.Mutex
	known    map[string]bool
	received []Received
	answers  map[string][]int // by receiver: what it answers to the next requests
}

// New returns a service that knows no address.
func New() *Service {
	return &Service{known: map[string]bool{}, answers: map[string][]int{}}
}

// AddSlack makes an incoming webhook and returns its address.
func (s *Service) AddSlack() string {
	return s.add("https://" + SlackHost + "/services/T00000001/B00000001/" + rand.Text()[:24])
}

// AddFlow makes a flow that posts to a channel and returns the address that starts it.
func (s *Service) AddFlow() string {
	return s.add("https://default72f988bf86f141af91ab2d7cd011db.47.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/" +
		strings.ToLower(rand.Text()) + "/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + rand.Text())
}

// AddOlderFlow makes one whose address is spelled as it was before.
func (s *Service) AddOlderFlow() string {
	return s.add("https://prod-42.westeurope.logic.azure.com:443/workflows/" + strings.ToLower(rand.Text()) +
		"/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + rand.Text())
}

// AddReceiver makes a receiver and returns its address. It answers these statuses in
// turn, and 204 from then on.
func (s *Service) AddReceiver(name string, statuses ...int) string {
	address := s.add("https://" + name + ".receiver.example/hooks/" + rand.Text())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[strings.TrimPrefix(address, "https://")] = statuses
	return address
}

func (s *Service) add(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[strings.Replace(strings.TrimPrefix(address, "https://"), ":443/", "/", 1)] = true
	return address
}

// Received are the requests that a host accepted, in their order.
func (s *Service) Received(host string) (all []Received) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.received {
		if r.Host == host {
			all = append(all, r)
		}
	}
	return all
}

// State counts what each host accepted. What it is opens the address.
func (s *Service) State() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for _, r := range s.received {
		counts[r.Host]++
	}
	return counts
}

const mostRead = 1 << 20

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostRead))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	host := strings.TrimSuffix(r.Host, ":443")
	switch {
	case host == SlackHost:
		s.slack(w, r, body)
	case strings.HasSuffix(host, ".receiver.example"):
		s.receiver(w, r, body)
	default:
		s.flow(w, r, body)
	}
}

// knows reports whether an address was made.
func (s *Service) knows(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[strings.TrimSuffix(r.Host, ":443")+r.URL.RequestURI()]
}

func (s *Service) keep(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, Received{strings.TrimSuffix(r.Host, ":443"), r.URL.Path, r.Header.Clone(), slices.Clone(body)})
}

func (s *Service) receiver(w http.ResponseWriter, r *http.Request, body []byte) {
	if !s.knows(r) || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	if status := s.next(r.Host + r.URL.RequestURI()); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	s.keep(r, body)
	w.WriteHeader(http.StatusNoContent)
}

// next takes what a receiver is to answer out of its list.
func (s *Service) next(address string) (status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.answers[address]; len(left) > 0 {
		status, s.answers[address] = left[0], left[1:]
	}
	return status
}

// Hosts are the patterns of all of the service's hosts.
func Hosts() []string { return []string{SlackHost, TeamsHost, OlderTeamsHost, ReceiverHost} }
