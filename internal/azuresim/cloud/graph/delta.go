package graph

import (
	"encoding/base64"
	"encoding/json"
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
	Sequence uint64    `json:"sequence"`
	Issued   time.Time `json:"issued"`
	Select   string    `json:"select,omitempty"`
}

func (t deltaToken) encode() string {
	b, _ := json.Marshal(t) // a struct of plain fields: it cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// delta lists what changed. The first page of all is empty, as any page of the
// real service may be.
// https://learn.microsoft.com/graph/api/application-delta
func (s *Service) delta(r *request) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	position, latest, err := s.readDelta(r.URL.Query())
	if err != nil {
		return nil, err
	}
	changes, sequence := s.directory.Changes(position.Sequence, s.readLag("delta"))
	if latest {
		return s.deltaPage(nil, deltaToken{Started: true, Sequence: sequence, Select: position.Select}, "$deltatoken")
	}
	if !position.Started {
		return s.deltaPage(nil, deltaToken{Started: true, Select: position.Select}, "$skiptoken")
	}
	if len(changes) > defaultPage {
		changes = changes[:defaultPage]
		return s.deltaPage(changes, deltaToken{Started: true, Sequence: changes[defaultPage-1].Sequence, Select: position.Select}, "$skiptoken")
	}
	return s.deltaPage(changes, deltaToken{Started: true, Sequence: sequence, Select: position.Select}, "$deltatoken")
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
	if s.clock.Now().Sub(position.Issued) > deltaLifetime {
		return position, false, &problem{status: http.StatusGone, code: "syncStateNotFound",
			message: "The sync state generation is not found; restart the synchronization.",
			header:  http.Header{"Location": {base + "applications/delta"}}}
	}
	return position, false, nil
}

func (s *Service) deltaPage(changes []entra.Change, next deltaToken, parameter string) (*answer, error) {
	var selection options
	if next.Select != "" {
		selection.selected, _ = readSelect(next.Select, applicationType) // it was checked when it was given
		selection.selected = append(selection.selected, "id")
	}
	next.Issued = s.clock.Now()
	property := map[string]string{"$skiptoken": "@odata.nextLink", "$deltatoken": "@odata.deltaLink"}[parameter]
	return ok(map[string]any{
		"@odata.context": metadata("applications"),
		property:         link("applications/delta", url.Values{parameter: {next.encode()}}),
		"value": showAll(changes, func(c entra.Change) map[string]any {
			if c.Removed {
				return map[string]any{"id": c.ObjectID, "@removed": map[string]string{"reason": "changed"}}
			}
			return selection.project(showApplication(c.Application))
		}),
	}), nil
}
