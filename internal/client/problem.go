package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Problem is a refusal: a problem document (https://www.rfc-editor.org/rfc/rfc9457),
// or an answer of whoever stands before the API.
type Problem struct {
	Status int
	Detail string
	Errors []Wrong
	// Document is all that was answered.
	Document []byte
}

// Wrong is one field that is wrong.
type Wrong struct {
	Location string `json:"location"` // as the request spells it: body.…, path.…, query.… or header.…
	Message  string `json:"message"`
	Line     int    `json:"line"` // of a document that was sent, where the API says it
}

func (w Wrong) String() string {
	text := w.Location + ": " + w.Message
	if w.Line > 0 {
		text = fmt.Sprintf("line %d: %s", w.Line, text)
	}
	return text
}

func (p *Problem) Error() string {
	detail, wrong := p.Detail, p.Errors
	switch {
	case len(wrong) > 0 && detail == inOneLine(wrong):
		detail = "the request is not right"
	case len(wrong) == 1 && strings.HasSuffix(detail, wrong[0].String()):
		wrong = nil
	}
	lines := []string{fmt.Sprintf("%s (%d)", detail, p.Status)}
	for _, w := range wrong {
		lines = append(lines, "  "+w.String())
	}
	return strings.Join(lines, "\n")
}

func inOneLine(all []Wrong) string {
	lines := make([]string, len(all))
	for i, w := range all {
		lines[i] = w.String()
	}
	return strings.Join(lines, "; ")
}

// problemOf reads a refusal. What is no problem document is told by its status alone:
// it may be a page of whoever stands before the API.
func problemOf(response *http.Response, body []byte) *Problem {
	var document struct {
		Detail string  `json:"detail"`
		Errors []Wrong `json:"errors"`
	}
	p := &Problem{Status: response.StatusCode, Detail: "the server answered " + http.StatusText(response.StatusCode), Document: body}
	switch {
	case response.StatusCode/100 == 3:
		p.Detail = "the server leads elsewhere, which is not followed; is the address right, and does it take a program's credential?"
	case json.Unmarshal(body, &document) == nil && document.Detail != "":
		p.Detail, p.Errors = document.Detail, document.Errors
	}
	return p
}

// Unreachable says that no answer of the API came.
type Unreachable struct{ Err error }

func (u *Unreachable) Error() string { return u.Err.Error() }

// Unwrap returns the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

func (c *Client) unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &Unreachable{fmt.Errorf("client: %s is out of reach: %w", c.base.Host, err)}
}

// NoCredential says that nothing could be had that says who calls.
type NoCredential struct{ Err error }

func (n *NoCredential) Error() string { return n.Err.Error() }

// Unwrap returns the cause.
func (n *NoCredential) Unwrap() error { return n.Err }
