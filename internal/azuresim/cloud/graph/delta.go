package graph

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// deltaLifetime is how long a token of a directory object can be used.
// https://learn.microsoft.com/graph/delta-query-overview#token-duration
const deltaLifetime = 7 * 24 * time.Hour

// deltaToken is where a client stands; next and delta links carry it alike.
type deltaToken struct {
	Started  bool      `json:"started"`
	Round    uint64    `json:"round"`    // where the last round ended, or 0 in the first
	Sequence uint64    `json:"sequence"` // how far this one has come
	Issued   time.Time `json:"issued"`
	Select   string    `json:"select,omitempty"`
}

func (t deltaToken) encode() string {
	b, _ := json.Marshal(t) // a struct of plain fields: it cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// delta lists what changed. The first page of all is empty, as any page of the
// real service may be, and a page that goes on repeats an object of the one before.
// https://learn.microsoft.com/graph/api/application-delta
func (s *Service) delta(r *request) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	position, latest, err := s.readDelta(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if latest {
		return s.latestDelta(position)
	}
	if !position.Started {
		position.Started = true
		return s.deltaPage(nil, position, "$skiptoken")
	}
	changes, sequence, more := s.directory.Changes(position.Sequence, s.readLag("delta"), defaultPage)
	shown := wanted(changes, position)
	if more {
		position.Sequence = sequence - 1 // the next page begins with the last one of this
		return s.deltaPage(shown, position, "$skiptoken")
	}
	position.Round, position.Sequence = sequence, sequence
	return s.deltaPage(shown, position, "$deltatoken")
}

// latestDelta begins with what changes from now on.
func (s *Service) latestDelta(position deltaToken) (*answer, error) {
	for more := true; more; {
		_, position.Sequence, more = s.directory.Changes(position.Sequence, s.readLag("delta"), maxPage)
	}
	position.Started, position.Round = true, position.Sequence
	return s.deltaPage(nil, position, "$deltatoken")
}

// wanted shows changes as a client gets them that has seen the round before: what was
// made since as a whole, and of everything else the properties that were written. What
// changed in no property that is selected is left out.
// https://learn.microsoft.com/graph/delta-query-overview#resource-representation-in-the-delta-query-response
func wanted(changes []entra.Change, position deltaToken) []map[string]any {
	var selection options
	if position.Select != "" {
		selection.selected, _ = readSelect(position.Select, applicationType) // it was checked when it was given
		selection.selected = append(selection.selected, "id")
	}
	shown := []map[string]any{}
	for _, c := range changes {
		if c.Removed {
			shown = append(shown, map[string]any{"id": c.ObjectID, "@removed": map[string]string{"reason": "changed"}})
			continue
		}
		whole := selection.project(showApplication(c.Application))
		if c.Made <= position.Round {
			maps.DeleteFunc(whole, func(name string, _ any) bool { return name != "id" && c.Properties[name] <= position.Round })
			if len(whole) == 1 {
				continue
			}
		}
		whole["id"] = c.ObjectID
		shown = append(shown, whole)
	}
	return shown
}

// readDelta reads where the client stands. A token alone decides: it remembers
// the selection.
func (s *Service) readDelta(query url.Values) (position deltaToken, latest bool, err error) {
	given := query.Get("$skiptoken") + query.Get("$deltatoken")
	if given == "" || given == "latest" {
		if selected := query.Get("$select"); selected != "" {
			position.Select = selected
			_, err = readSelect(selected, applicationType)
		}
		return position, given == "latest", err
	}
	decoded, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil || json.Unmarshal(decoded, &position) != nil {
		return position, false, badRequest("Request_BadRequest", "Badly formed token.")
	}
	if !s.remembers(position) {
		return position, false, &problem{status: http.StatusGone, code: "syncStateNotFound",
			message: "The sync state generation is not found; restart the synchronization.",
			header:  http.Header{"Location": {base + "applications/delta"}}}
	}
	return position, false, nil
}

// ForgetDelta makes every token useless that was given out before.
func (s *Service) ForgetDelta() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = s.clock.Now()
}

// remembers reports whether a token can still be used.
func (s *Service) remembers(t deltaToken) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock.Now().Sub(t.Issued) <= deltaLifetime && t.Issued.After(s.forgotten)
}

func (s *Service) deltaPage(shown []map[string]any, next deltaToken, parameter string) (*answer, error) {
	next.Issued = s.clock.Now()
	property := map[string]string{"$skiptoken": "@odata.nextLink", "$deltatoken": "@odata.deltaLink"}[parameter]
	if shown == nil {
		shown = []map[string]any{}
	}
	return ok(map[string]any{
		"@odata.context": metadata("applications"),
		property:         link("applications/delta", url.Values{parameter: {next.encode()}}),
		"value":          shown,
	}), nil
}
