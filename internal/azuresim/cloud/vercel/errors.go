package vercel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// refusal is an error answer. https://vercel.com/docs/rest-api/errors
type refusal struct {
	status int
	fields map[string]any // of the object "error"
}

func (e *refusal) Error() string {
	return fmt.Sprintf("vercel: %d %v: %v", e.status, e.fields["code"], e.fields["message"])
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, map[string]any{"code": code, "message": fmt.Sprintf(format, args...)}}
}

func (e *refusal) with(field string, value any) *refusal {
	e.fields[field] = value
	return e
}

func badRequest(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "bad_request", format, args...)
}

func forbidden(format string, args ...any) *refusal {
	return refuse(http.StatusForbidden, "forbidden", format, args...)
}

func notFound(format string, args ...any) *refusal {
	return refuse(http.StatusNotFound, "not_found", format, args...)
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = refuse(http.StatusInternalServerError, "internal_server_error", "%v", err)
	}
	writeJSON(w, refused.status, map[string]any{"error": refused.fields})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are structs of this package
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
