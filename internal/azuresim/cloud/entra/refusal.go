package entra

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// refusal is an error of the token endpoint.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
type refusal struct {
	status int
	oauth  string
	code   int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("AADSTS%d: %s", r.code, r.text) }

func invalidClient(code int, format string, args ...any) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf(format, args...)}
}

func invalidRequest(code int, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", code, fmt.Sprintf(format, args...)}
}

func unauthorizedClient(code int, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "unauthorized_client", code, fmt.Sprintf(format, args...)}
}

// answer writes the body, in which the description repeats the ids.
func (r *refusal) answer(w http.ResponseWriter, now time.Time, correlationID string) {
	trace := w.Header().Get("X-Ms-Request-Id")
	if trace == "" {
		trace = uuid.NewString()
	}
	if correlationID == "" {
		correlationID = uuid.NewString()
	}
	stamp := now.UTC().Format("2006-01-02 15:04:05Z")
	description := fmt.Sprintf("%s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", r.Error(), trace, correlationID, stamp)
	writeJSON(w, r.status, map[string]any{
		"error":             r.oauth,
		"error_description": description,
		"error_codes":       []int{r.code},
		"timestamp":         stamp,
		"trace_id":          trace,
		"correlation_id":    correlationID,
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", r.code),
	})
}
