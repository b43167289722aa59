package graph_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

const (
	mailbox  = "rekey@contoso.example"
	mimeMail = "From: <rekey@contoso.example>\r\nTo: <ops@contoso.example>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nhello\r\n"
	jsonMail = `{"message":{"subject":"hello","body":{"contentType":"Text","content":"you"},"toRecipients":[{"emailAddress":{"address":"ops@contoso.example"}}]},"saveToSentItems":false}`
)

func TestMailIsSentInBothForms(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{Limits: true})
	n.graph.AddMailbox(mailbox)
	sender, _, secret := n.client("sender", graph.RoleMailSend)
	token := n.bearer(sender.AppID, secret)
	for _, form := range []struct{ mediaType, body string }{
		{"text/plain", base64.StdEncoding.EncodeToString([]byte(mimeMail))}, {"application/json", jsonMail},
	} {
		response := n.send(t, token, "Rekey@contoso.example", form.mediaType, form.body)
		assert.Equal(t, http.StatusAccepted, response.StatusCode)
	}
	mails := n.graph.Mails()
	require.Len(t, mails, 2)
	assert.Equal(t, "café", mails[0].Subject)
	assert.Equal(t, []string{"ops@contoso.example"}, mails[0].To)
	assert.Equal(t, mimeMail, string(mails[0].MIME))
	assert.Equal(t, graph.Mail{Mailbox: mailbox, To: []string{"ops@contoso.example"}, Subject: "hello", Text: "you"}, mails[1])
}

func TestMailIsRefused(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{Limits: true})
	n.graph.AddMailbox(mailbox)
	app, _, secret := n.client("sender", graph.RoleMailSend)
	sender, stranger := n.bearer(app.AppID, secret), n.bearer(n.rotator.AppID, n.secret)
	for name, c := range map[string]struct {
		token, mailbox, mediaType, body string
		status                          int
	}{
		"without the permission":         {stranger, mailbox, "application/json", jsonMail, 403},
		"as a mailbox that is not there": {sender, "nobody@contoso.example", "application/json", jsonMail, 404},
		"to nobody":                      {sender, mailbox, "application/json", `{"message":{}}`, 400},
		"to what is no address":          {sender, mailbox, "application/json", strings.Replace(jsonMail, "ops@", "", 1), 400},
		"with an unknown property":       {sender, mailbox, "application/json", `{"mesage":{}}`, 400},
		"in MIME that is not base64":     {sender, mailbox, "text/plain", mimeMail, 400},
		"in another form":                {sender, mailbox, "text/html", "x", 400},
	} {
		assert.Equal(t, c.status, n.send(t, c.token, c.mailbox, c.mediaType, c.body).StatusCode, name)
	}
	assert.Empty(t, n.graph.Mails())
}

func (n *tenant) send(t *testing.T, token, from, mediaType, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.microsoft.com/v1.0/users/"+from+"/sendMail", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := n.cloud.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response
}
