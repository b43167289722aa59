package hooks

import (
	"encoding/json"
	"net/http"
	"slices"
)

// mostCard is the size that a card in Teams may have.
// https://learn.microsoft.com/microsoftteams/limits-specifications-teams#feature-limits
const mostCard = 28 << 10

// flowMessage is what the template's trigger takes.
type flowMessage struct {
	Type        string `json:"type"`
	Attachments []struct {
		ContentType string       `json:"contentType"`
		Content     adaptiveCard `json:"content"`
	} `json:"attachments"`
}

type adaptiveCard struct {
	Type    string            `json:"type"`
	Version string            `json:"version"`
	Body    []json.RawMessage `json:"body"`
}

func (s *Service) flow(w http.ResponseWriter, r *http.Request, body []byte) {
	refuse := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusNotFound, "NotFound", "There is no such operation.")
	case r.URL.Query().Get("sig") == "":
		refuse(http.StatusUnauthorized, "DirectApiAuthorizationRequired", "The request must be authenticated only by Shared Access scheme.")
	case !s.knows(r):
		refuse(http.StatusUnauthorized, "AuthorizationFailed", "The authentication credentials are not valid.")
	case r.Header.Get("Content-Type") == "":
		refuse(http.StatusBadRequest, "TriggerInputSchemaMismatch", "The input has no content type.")
	default:
		var m flowMessage
		if err := json.Unmarshal(body, &m); err != nil || !m.valid(len(body)) {
			refuse(http.StatusBadRequest, "TriggerInputSchemaMismatch", "The input body must have attachments, each an Adaptive Card of at most 28 KB.")
			return
		}
		s.keep(r, body)
		w.WriteHeader(http.StatusAccepted)
	}
}

// versions are those of Adaptive Cards that Teams shows.
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference#adaptive-card
var versions = []string{"1.0", "1.1", "1.2", "1.3", "1.4", "1.5"}

func (m flowMessage) valid(size int) bool {
	if m.Type != "message" || len(m.Attachments) == 0 || size > mostCard {
		return false
	}
	for _, a := range m.Attachments {
		c := a.Content
		if a.ContentType != "application/vnd.microsoft.card.adaptive" || c.Type != "AdaptiveCard" || len(c.Body) == 0 || !slices.Contains(versions, c.Version) {
			return false
		}
	}
	return true
}
