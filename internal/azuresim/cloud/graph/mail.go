package graph

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// RoleMailSend lets an application send as any mailbox of the tenant.
// https://learn.microsoft.com/graph/permissions-reference#mailsend
const RoleMailSend = "Mail.Send"

// Outlook's limit for one application and one mailbox.
// https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
const (
	mailCalls       = 10_000
	mailCallsWindow = 10 * time.Minute
)

// Mail is one that was accepted.
type Mail struct {
	Mailbox string
	To      []string
	Subject string
	MIME    []byte // as it was sent; nil where it was sent in JSON
	Text    string // the body of one that was sent in JSON
}

// AddMailbox gives the tenant a mailbox. Its address is a user's principal name.
func (s *Service) AddMailbox(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mailboxes = append(s.mailboxes, strings.ToLower(address))
}

// Mails are those that were accepted, in their order.
func (s *Service) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// MailState shows what was accepted, without its bodies.
func (s *Service) MailState() any {
	type shown struct {
		Mailbox string   `json:"mailbox"`
		To      []string `json:"to"`
		Subject string   `json:"subject"`
	}
	all := []shown{}
	for _, m := range s.Mails() {
		all = append(all, shown{m.Mailbox, m.To, m.Subject})
	}
	return all
}

// users answers for mailboxes: sendMail is all that is simulated of them.
func (s *Service) users(r *request, target resource) (*answer, error) {
	if target.key.id == "" {
		return nil, noSegment(target.collection)
	}
	if strings.TrimPrefix(target.rest, "microsoft.graph.") != "sendMail" {
		return nil, noSegment(target.rest)
	}
	if r.Method != http.MethodPost {
		return nil, notAllowed(r.Method)
	}
	if !slices.Contains(r.token.Roles, RoleMailSend) {
		return nil, &problem{status: http.StatusForbidden, code: "ErrorAccessDenied", message: "Access is denied. Check credentials and try again."}
	}
	sent, err := readMail(r)
	if err != nil {
		return nil, err
	}
	sent.Mailbox = strings.ToLower(target.key.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.mailboxes, sent.Mailbox) {
		return nil, &problem{status: http.StatusNotFound, code: "ErrorInvalidUser", message: "The requested user '" + target.key.id + "' is invalid."}
	}
	s.mails = append(s.mails, sent)
	return &answer{status: http.StatusAccepted}, nil
}

// readMail reads both forms that sendMail takes.
// https://learn.microsoft.com/graph/api/user-sendmail
func readMail(r *request) (Mail, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && mediaType == "text/plain":
		return readMIME(r.body)
	case err == nil && mediaType == "application/json":
		return readMessage(r.body)
	}
	return Mail{}, badRequest("RequestBodyRead", "The request's Content-Type must be application/json, or text/plain for MIME.")
}

func readMIME(body []byte) (Mail, error) {
	text, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil {
		return Mail{}, badRequest("ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")
	}
	message, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return Mail{}, badRequest("ErrorMimeContentInvalid", "The MIME content is invalid.")
	}
	to, err := message.Header.AddressList("To")
	if err != nil || len(to) == 0 {
		return Mail{}, noRecipients()
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return Mail{}, badRequest("ErrorMimeContentInvalid", "The MIME content is invalid.")
	}
	sent := Mail{Subject: subject, MIME: text}
	for _, a := range to {
		sent.To = append(sent.To, a.Address)
	}
	return sent, nil
}

// recipient, itemBody and message are what is simulated of those of Graph.
type recipient struct {
	EmailAddress struct {
		Address string `json:"address"`
		Name    string `json:"name"`
	} `json:"emailAddress"`
}

type itemBody struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

type outgoing struct {
	Message struct {
		Subject      string      `json:"subject"`
		Body         itemBody    `json:"body"`
		ToRecipients []recipient `json:"toRecipients"`
	} `json:"message"`
	SaveToSentItems *bool `json:"saveToSentItems"`
}

func readMessage(body []byte) (Mail, error) {
	var o outgoing
	if err := decode(body, &o); err != nil {
		return Mail{}, err
	}
	if kind := strings.ToLower(o.Message.Body.ContentType); kind != "" && kind != "text" && kind != "html" {
		return Mail{}, badRequest("RequestBodyRead", "Requested value '"+o.Message.Body.ContentType+"' was not found.")
	}
	sent := Mail{Subject: o.Message.Subject, Text: o.Message.Body.Content}
	for _, to := range o.Message.ToRecipients {
		if _, err := mail.ParseAddress(to.EmailAddress.Address); err != nil {
			return Mail{}, badRequest("ErrorInvalidRecipients", "At least one recipient isn't valid.")
		}
		sent.To = append(sent.To, to.EmailAddress.Address)
	}
	if len(sent.To) == 0 {
		return Mail{}, noRecipients()
	}
	return sent, nil
}

func noRecipients() *problem {
	return badRequest("ErrorInvalidRecipients", "At least one recipient is required.")
}

// mailLimit is the one that a call to a mailbox falls under.
func (l *limits) mailLimit(token entra.Token, mailbox string) limit {
	return limit{"Mailbox/" + token.AppID + "/" + strings.ToLower(mailbox), "MailboxLimitExceeded", 1, mailCalls, mailCallsWindow}
}
