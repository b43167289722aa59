package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	_ "embed"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// MailChannel sends through Microsoft Graph, as the mailbox that the rule names.
type MailChannel struct {
	credential azcore.TokenCredential
	client     *http.Client
}

var _ Sender = (*MailChannel)(nil)

const graph = "graph.microsoft.com"

// NewMail returns the channel.
func NewMail(credential azcore.TokenCredential, transport http.RoundTripper) *MailChannel {
	return &MailChannel{credential, outbound.To(transport, graph)}
}

// Send implements Sender. The mail is sent in MIME, which holds it as text and as HTML.
// https://learn.microsoft.com/graph/api/user-sendmail
func (c *MailChannel) Send(ctx context.Context, to Receiver, m Message) error {
	where := fmt.Sprintf("graph: send mail as %q", to.Rule.Mailbox)
	token, err := c.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://" + graph + "/.default"}})
	if err != nil {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: sign in: %s", where, httpfault.Short(err.Error(), 300))}
	}
	text, err := mimeOf(to.Rule, m)
	if err != nil {
		return rotation.Permanently("%s: %w", where, err)
	}
	address := "https://" + graph + "/v1.0/users/" + url.PathEscape(to.Rule.Mailbox) + "/sendMail"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(base64.StdEncoding.EncodeToString(text)))
	if err != nil {
		return rotation.Permanently("%s: %w", where, err)
	}
	request.Header.Set("Content-Type", "text/plain")
	request.Header.Set("Authorization", "Bearer "+token.Token)
	response, err := c.client.Do(request)
	if err != nil {
		return unreachable(where, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusAccepted {
		return nil
	}
	return mailRefusal(where, response)
}

// mailRefusal reads Graph's error. https://learn.microsoft.com/graph/errors
func mailRefusal(where string, response *http.Response) error {
	var envelope struct {
		Error struct{ Code, Message string }
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil {
		_ = json.Unmarshal(body, &envelope) // what is not JSON has no words
	}
	f := &rotation.Fault{Class: httpfault.Class(response.StatusCode), Err: fmt.Errorf("%s: %d %s: %s", where, response.StatusCode,
		httpfault.Code(plain(envelope.Error.Code)), httpfault.Short(plain(envelope.Error.Message), 300))}
	switch f.Class {
	case rotation.Denied:
		f.Remedy = "grant rekey's identity Mail.Send, for this mailbox alone: Exchange Online's RBAC for Applications does"
	case rotation.NotFound:
		f.Remedy = "name a mailbox of this tenant"
	case rotation.Throttled:
		f.After = httpfault.After(response.Header, time.Now())
	case rotation.Transient, rotation.Conflict, rotation.Permanent:
	}
	return f
}

//go:embed mail.html
var mailPage string

var mailTemplate = template.Must(template.New("mail").Parse(mailPage))

// mimeOf writes a mail. Its id is the same for every try, so that a mail system that
// knows it already may drop the second.
func mimeOf(rule rotation.Notification, m Message) ([]byte, error) {
	var b, page bytes.Buffer
	if err := mailTemplate.Execute(&page, m); err != nil {
		return nil, err
	}
	parts := multipart.NewWriter(&b)
	for _, line := range []string{
		"From: <" + rule.Mailbox + ">",
		"To: <" + strings.Join(rule.To, ">, <") + ">",
		"Subject: " + mime.QEncoding.Encode("utf-8", "[rekey] "+m.Subject()),
		"Message-ID: <" + messageID(rule.ID, m.Event.ID) + "@rekey.invalid>",
		"Auto-Submitted: auto-generated",
		"MIME-Version: 1.0",
		"Content-Type: multipart/alternative; boundary=" + parts.Boundary(),
		"",
	} {
		b.WriteString(line + "\r\n")
	}
	err := errors.Join(
		part(parts, "text/plain", m.Plain()),
		part(parts, "text/html", page.String()),
		parts.Close(),
	)
	return b.Bytes(), err
}

func part(parts *multipart.Writer, mediaType, text string) error {
	w, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {mediaType + "; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(w)
	_, err = io.WriteString(q, text)
	return errors.Join(err, q.Close())
}
