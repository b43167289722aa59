package vercel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// codeConflict says that a variable of that name is in one of the environments.
const codeConflict = "ENV_CONFLICT"

// problem is what Vercel answers when it refuses.
// https://vercel.com/docs/rest-api/errors
type problem struct {
	Code         string `json:"code"`
	Message      string `json:"message"`
	InvalidToken bool   `json:"invalidToken"`
}

// parseProblem reads the object that stands under "error", and sometimes under "err".
func parseProblem(body []byte) problem {
	var answer struct {
		Error json.RawMessage `json:"error"`
		Err   json.RawMessage `json:"err"`
	}
	var p problem
	if json.Unmarshal(body, &answer) != nil {
		return p // a gateway's page: the status has to do
	}
	if json.Unmarshal(answer.Error, &p) != nil {
		_ = json.Unmarshal(answer.Err, &p)
	}
	return p
}

// refused makes a fault of an answer that is a refusal.
func (c *client) refused(doing string, response *http.Response, body []byte) error {
	p := parseProblem(body)
	f := &rotation.Fault{
		Class: classify(response.StatusCode, p.Code),
		Err:   fmt.Errorf("vercel: %s: %s", doing, c.words(response.StatusCode, p)),
	}
	after, given := httpfault.RetryAfter(response.Header, c.now())
	if response.StatusCode == http.StatusServiceUnavailable && given {
		f.Class = rotation.Throttled
	}
	if f.Class == rotation.Throttled {
		f.After = after
	}
	f.Remedy = remedy(f.Class, p)
	return f
}

// classify knows the one code that means more than its status: somebody else made
// the variable meanwhile.
func classify(status int, code string) rotation.Class {
	if code == codeConflict {
		return rotation.Conflict
	}
	return httpfault.Class(status)
}

func remedy(class rotation.Class, p problem) string {
	switch {
	case p.InvalidToken:
		return "the group's access token is expired or revoked: save the group with a new one"
	case class == rotation.Denied:
		return "the group's access token may not do this in its team: save the group with a token that may"
	}
	return ""
}

// words are status, code and message in one line, without what was sent.
func (c *client) words(status int, p problem) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, c.said(p)))
}

const longestMessage = 400

func (c *client) said(p problem) string {
	if p.Code == "" && p.Message == "" {
		return ""
	}
	text := []rune(c.silenced(p.Code + ": " + strings.Join(strings.Fields(c.silenced(p.Message)), " ")))
	if len(text) > longestMessage {
		text = append(text[:longestMessage], '…')
	}
	return string(text)
}

// silenced takes out of a text what nobody may see: Vercel, or a proxy on the way
// to it, may repeat what it was sent.
func (c *client) silenced(text string) string {
	for _, hidden := range append([]secret.Value{c.token}, c.hidden...) {
		if !hidden.IsZero() {
			text = strings.ReplaceAll(text, hidden.Reveal(), hidden.String())
		}
	}
	return text
}

// nonsense is the error of an answer that is not what the reference says: what it
// was about may have taken effect.
func nonsense(doing, missing string) error {
	return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("vercel: %s: %w", doing, errors.New("the answer has no "+missing))}
}
