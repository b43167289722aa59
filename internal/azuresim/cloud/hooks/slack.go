package hooks

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Slack's limits. https://docs.slack.dev/reference/block-kit/blocks
const (
	mostSlackBody = 100 << 10
	mostBlocks    = 50
	mostHeader    = 150
	mostSection   = 3000
	mostFields    = 10
	mostField     = 2000
)

// slackMessage is what is simulated of a message.
type slackMessage struct {
	Text   string       `json:"text"`
	Mrkdwn *bool        `json:"mrkdwn"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text"`
	Fields []slackText `json:"fields"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`
	Verbatim *bool  `json:"verbatim"`
}

func (s *Service) slack(w http.ResponseWriter, r *http.Request, body []byte) {
	refuse := func(status int, word string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, word)
	}
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusMethodNotAllowed, "method_not_allowed")
	case !strings.HasPrefix(r.URL.Path, "/services/"):
		refuse(http.StatusNotFound, "no_service")
	case !s.knows(r):
		refuse(http.StatusForbidden, "invalid_token")
	case len(body) > mostSlackBody:
		refuse(http.StatusRequestEntityTooLarge, "message_too_long")
	default:
		if word := wrongWith(body); word != "" {
			refuse(http.StatusBadRequest, word)
			return
		}
		s.keep(r, body)
		refuse(http.StatusOK, "ok")
	}
}

// wrongWith is Slack's word for what is wrong with a message, or nothing.
func wrongWith(body []byte) string {
	var m slackMessage
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return "invalid_payload"
	}
	if m.Text == "" && len(m.Blocks) == 0 {
		return "no_text"
	}
	if len(m.Blocks) > mostBlocks || slices.ContainsFunc(m.Blocks, func(b slackBlock) bool { return !b.valid() }) {
		return "invalid_blocks"
	}
	return ""
}

func (b slackBlock) valid() bool {
	switch b.Type {
	case "header":
		return b.Text != nil && b.Text.Type == "plain_text" && b.Text.valid(mostHeader) && len(b.Fields) == 0
	case "section":
		if b.Text == nil && len(b.Fields) == 0 || b.Text != nil && !b.Text.valid(mostSection) || len(b.Fields) > mostFields {
			return false
		}
		return !slices.ContainsFunc(b.Fields, func(t slackText) bool { return !t.valid(mostField) })
	}
	return false
}

func (t slackText) valid(most int) bool {
	length := utf8.RuneCountInString(t.Text)
	if length < 1 || length > most {
		return false
	}
	switch t.Type {
	case "plain_text":
		return t.Verbatim == nil
	case "mrkdwn":
		return t.Emoji == nil
	}
	return false
}
