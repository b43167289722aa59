package notify

import (
	"context"
	"net/http"
	"strings"
)

// SlackChannel posts to an incoming webhook of Slack, in Block Kit.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
// https://docs.slack.dev/messaging/formatting-message-text#escaping
type SlackChannel struct{ hook }

var _ Sender = (*SlackChannel)(nil)

// NewSlack returns the channel.
func NewSlack(transport http.RoundTripper) *SlackChannel {
	return &SlackChannel{hook{"slack", transport, []string{"hooks.slack.com"}}}
}

// block is what we use of Block Kit. https://docs.slack.dev/reference/block-kit/blocks
type block struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"` // of plain text: whether :words: become pictures
}

// Slack's limits. https://docs.slack.dev/reference/block-kit/blocks/section-block
const (
	mostHeader = 150
	mostFields = 10
)

// Send implements Sender. What others chose stands in plain text alone, where no sign
// changes how it looks.
func (s *SlackChannel) Send(ctx context.Context, to Receiver, m Message) error {
	blocks := []block{
		{Type: "header", Text: plainText(firstRunes(m.Title, mostHeader))},
		{Type: "section", Text: plainText(m.Text)},
	}
	var fields []slackText
	for _, f := range m.Facts {
		fields = append(fields, *plainText(f.Name + "\n" + f.Value))
	}
	if len(fields) > 0 {
		blocks = append(blocks, block{Type: "section", Fields: fields[:min(len(fields), mostFields)]})
	}
	if m.Todo != "" {
		blocks = append(blocks, block{Type: "section", Text: plainText("What to do: " + m.Todo)})
	}
	if m.Link != "" {
		blocks = append(blocks, block{Type: "section", Text: &slackText{Type: "mrkdwn", Text: "<" + escaped(m.Link) + "|Open in rekey>"}})
	}
	return s.post(ctx, to, http.Header{}, encoded(map[string]any{"text": escaped(m.Subject()), "mrkdwn": false, "blocks": blocks}))
}

func plainText(text string) *slackText {
	return &slackText{Type: "plain_text", Text: escaped(text), Emoji: new(false)}
}

// escaped takes from a text what Slack reads as a mention, a link or a command: each
// of them begins with <.
func escaped(text string) string { return slackEscapes.Replace(text) }

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func firstRunes(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
