package eventgrid

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// maxRequest is 1 MB, of one event or a batch.
// https://learn.microsoft.com/azure/event-grid/quotas-limits
const maxRequest = 1 << 20

// ServeHTTP cuts the connection when the host is not that of a topic.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := s.topicAt(r.Host)
	if to == nil {
		panic(http.ErrAbortHandler)
	}
	if err := s.publish(r, to); err != nil {
		s.writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-events
func (s *Service) publish(r *http.Request, to *topic) error {
	if r.URL.Path != "/api/events" {
		return refuse(http.StatusNotFound, "NotFound", "The path '%s' does not exist.", r.URL.Path)
	}
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "Events are published with POST.")
	}
	if err := s.authorize(r, to.Topic); err != nil {
		return err
	}
	if version := r.URL.Query().Get("api-version"); version != "" && version != "2018-01-01" {
		return refuse(http.StatusBadRequest, "BadRequest", "The api-version '%s' is not supported.", version)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The maximum size (%d) has been exceeded.", maxRequest)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "BadRequest", "The request's body could not be read: %v.", err)
	}
	events, err := parse(r.Header.Get("Content-Type"), body, to.Topic)
	if err != nil {
		return err
	}
	s.accept(to, events)
	return nil
}

func (s *Service) authorize(r *http.Request, to Topic) error {
	key := r.Header.Get("aeg-sas-key")
	switch {
	case key != "" && to.Key != "" && subtle.ConstantTimeCompare([]byte(key), []byte(to.Key)) == 1:
		return nil
	case key != "":
		return refuse(http.StatusUnauthorized, "Unauthorized", "The request authorization key is not authorized for %s.", strings.ToUpper(r.Host))
	case r.Header.Get("Authorization") == "":
		return refuse(http.StatusUnauthorized, "Unauthorized", "The request did not include aeg-sas-key or aeg-sas-token or Authorization header. Include any one of these headers.")
	}
	caller, err := s.auth.Authenticate(r, entra.EventGridAudience)
	if err != nil {
		return refuse(http.StatusUnauthorized, "Unauthorized", "The access token is not valid: %v.", err)
	}
	if !s.access.Allowed(caller.ObjectID, sendAction, to.ID) {
		return refuse(http.StatusForbidden, "Forbidden", "The principal associated with access token presented with the incoming request does not have permission to send data to %s.", to.ID)
	}
	return nil
}

func (s *Service) accept(to *topic, events []event) {
	now := s.clock.Now()
	s.mu.Lock()
	for i := range events {
		events[i].since = now
		to.received = append(to.received, events[i].in(to.Schema))
	}
	s.mu.Unlock()
	s.dispatch(to.ID, events)
}

func (s *Service) writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(refused.status)
	_ = json.NewEncoder(w).Encode(refused.body(s.clock.Now()))
}
