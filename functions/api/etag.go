package api

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Conditions are the headers that make a request depend on what is there.
// If-None-Match knows only the form that asks for creation.
type Conditions struct {
	IfMatch     string `header:"If-Match" doc:"The ETag of the last GET: the request fails with 412 if it was changed since; * is any that exists"`
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"* creates, and fails with 412 if it exists"`
}

// etagOf makes an entity tag of the store's own, which may be a weak one or hold
// quotes: https://www.rfc-editor.org/rfc/rfc9110#name-etag
func etagOf(stored string) string {
	return `"` + base64.RawURLEncoding.EncodeToString([]byte(stored)) + `"`
}

// stored returns the store's ETag that If-Match names, or empty without one.
// What no GET ever gave matches nothing.
func stored(ifMatch string) (string, error) {
	if ifMatch == "" || ifMatch == "*" {
		return ifMatch, nil
	}
	inner, opened := strings.CutPrefix(ifMatch, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	tag, err := base64.RawURLEncoding.DecodeString(inner)
	if !opened || !closed || err != nil || len(tag) == 0 {
		return "", preconditionFailed("header.If-Match", "must be * or one ETag exactly as GET answered it, quotes included")
	}
	return string(tag), nil
}

func preconditionFailed(location, message string) error {
	return problem(http.StatusPreconditionFailed, validationFailed, &huma.ErrorDetail{Location: location, Message: message})
}

// changedMeanwhile is the answer to an If-Match that names an older version.
func changedMeanwhile() error {
	return preconditionFailed("header.If-Match", "it was changed since, or does not exist; GET it again and repeat with the new ETag")
}

// existsAlready is the answer to If-None-Match: * where something is there.
func existsAlready() error {
	return preconditionFailed("header.If-None-Match", "it exists already; leave the header out to replace it")
}

// etag returns what the store's ETag must be for the request to go on: empty for
// anything, "*" for any that exists, Absent for none.
func (c Conditions) etag(exists bool) (string, error) {
	if c.IfNoneMatch == "*" && exists {
		return "", existsAlready()
	}
	if c.IfNoneMatch == "*" {
		return engine.Absent, nil
	}
	return stored(c.IfMatch)
}
