package notify

import (
	"context"
	"net/http"
)

// TeamsChannel posts an Adaptive Card to a webhook of the Workflows app, "Post to a
// channel when a webhook request is received". The connectors of Office 365 and their
// cards are retired.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
// https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams
type TeamsChannel struct{ hook }

var _ Sender = (*TeamsChannel)(nil)

// teamsHosts are those of flows that an HTTP request starts: the newer address ends in
// the environment's host, the older one in the region's.
// https://learn.microsoft.com/power-automate/oauth-authentication
var teamsHosts = []string{"*.api.powerplatform.com", "*.logic.azure.com"}

// NewTeams returns the channel.
func NewTeams(transport http.RoundTripper) *TeamsChannel {
	return &TeamsChannel{hook{"teams", transport, teamsHosts}}
}

// card is what we use of Adaptive Cards 1.4. What others chose stands in text runs
// alone: every other element reads its text as Markdown, with links and all.
// https://adaptivecards.io/explorer/TextRun.html
type card struct {
	Schema  string     `json:"$schema"`
	Type    string     `json:"type"`
	Version string     `json:"version"`
	Body    []richText `json:"body"`
	Actions []action   `json:"actions,omitempty"`
}

type richText struct {
	Type      string    `json:"type"`
	Inlines   []textRun `json:"inlines"`
	Separator bool      `json:"separator,omitempty"`
}

type textRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
}

type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Send implements Sender.
func (t *TeamsChannel) Send(ctx context.Context, to Receiver, m Message) error {
	return t.post(ctx, to, http.Header{}, encoded(map[string]any{
		"type": "message",
		"attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": cardOf(m),
		}},
	}))
}

func cardOf(m Message) card {
	title := textRun{Type: "TextRun", Text: m.Title, Weight: "Bolder", Size: "Large"}
	c := card{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []richText{paragraph(title), paragraph(run(m.Text))},
	}
	for i, f := range m.Facts {
		line := paragraph(bold(f.Name+": "), run(f.Value))
		line.Separator = i == 0
		c.Body = append(c.Body, line)
	}
	if m.Todo != "" {
		c.Body = append(c.Body, paragraph(bold("What to do: "), run(m.Todo)))
	}
	if m.Link != "" {
		c.Actions = []action{{"Action.OpenUrl", "Open in rekey", m.Link}}
	}
	return c
}

func paragraph(inlines ...textRun) richText { return richText{Type: "RichTextBlock", Inlines: inlines} }
func run(text string) textRun               { return textRun{Type: "TextRun", Text: text} }
func bold(text string) textRun              { return textRun{Type: "TextRun", Text: text, Weight: "Bolder"} }
