package keyvault

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
// https://learn.microsoft.com/azure/key-vault/secrets/about-secrets
const (
	maxValue       = 25 * 1024
	maxContentType = 255
	maxTags        = 15
	maxTag         = 256
	maxBody        = 1 << 20
)

var objectName = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

// secretParameters is the body of a set and of an update; what is left out of an
// update stays as it is, and tags are replaced as a whole.
type secretParameters struct {
	Value       *string           `json:"value"`
	ContentType *string           `json:"contentType"`
	Tags        map[string]string `json:"tags"`
	Attributes  *attributes       `json:"attributes"`
}

func readParameters(r *http.Request) (secretParameters, error) {
	var p secretParameters
	if err := readBody(r, &p); err != nil {
		return p, err
	}
	return p, p.check()
}

func readBody(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{status: http.StatusUnsupportedMediaType, code: "UnsupportedMediaType", message: "The request's Content-Type must be application/json."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return &refusal{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLarge", message: "The request's body is too large."}
	}
	if err != nil {
		return badParameter("The request's body could not be read: %v", err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badParameter("The request's body is not valid JSON: %v", err)
	}
	return nil
}

func (p secretParameters) check() error {
	switch {
	case p.Value != nil && len(*p.Value) > maxValue:
		return badParameter("The value is too long: a secret holds at most %d bytes.", maxValue)
	case p.ContentType != nil && len(*p.ContentType) > maxContentType:
		return badParameter("The contentType is too long: at most %d characters.", maxContentType)
	}
	return checkTags(p.Tags)
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return badParameter("Too many tags: an object has at most %d.", maxTags)
	}
	for name, value := range tags {
		if name == "" || len(name) > maxTag || len(value) > maxTag {
			return badParameter("A tag's name has 1 to %d characters, its value at most %[1]d.", maxTag)
		}
	}
	return nil
}

// apply needs checked parameters; the version is unchanged when it returns an error.
func (p secretParameters) apply(v *version, now time.Time) error {
	notBefore, expires, enabled := v.notBefore, v.expires, v.enabled
	if a := p.Attributes; a != nil {
		notBefore, expires = either(a.NotBefore, notBefore), either(a.Expires, expires)
		enabled = *either(a.Enabled, &enabled)
	}
	if notBefore != nil && expires != nil && *notBefore >= *expires {
		return badParameter("The attribute exp must be later than nbf.")
	}
	v.notBefore, v.expires, v.enabled, v.updated = notBefore, expires, enabled, now
	v.contentType = *either(p.ContentType, &v.contentType)
	if p.Tags != nil {
		v.tags = p.Tags
	}
	return nil
}

func either[T any](given, otherwise *T) *T {
	if given != nil {
		return given
	}
	return otherwise
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func checkName(name string) error {
	if !objectName.MatchString(name) {
		return badParameter("The request URI contains an invalid name: %s", strings.ToValidUTF8(name, "?"))
	}
	return nil
}
