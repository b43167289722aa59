package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Receiver is whom a message is for.
type Receiver struct {
	Rule    rotation.Notification
	Address secret.Value // of a webhook, all of it
	Key     secret.Value // that signs
}

// hook is one way to post to addresses that people gave us.
type hook struct {
	name      string // in errors: "slack"
	transport http.RoundTripper
	hosts     []string // the only ones, or none for any that is public
}

// parse checks an address for this channel. What it says of a wrong one does not
// repeat it.
func (h hook) parse(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	if err != nil || len(address) > longestURL {
		return nil, errors.New("must be an address, https://…")
	}
	if wrong := outbound.PublicName(parsed); wrong != "" {
		return nil, errors.New(wrong)
	}
	for _, host := range h.hosts {
		if below(parsed.Hostname(), host) {
			return parsed, nil
		}
	}
	if len(h.hosts) > 0 {
		return nil, fmt.Errorf("must be an address of %s", list(h.hosts))
	}
	return parsed, nil
}

// longestURL is twice what the longest of these services' addresses have.
const longestURL = 2000

// post sends a body once. Errors name the host and nothing more of the address.
func (h hook) post(ctx context.Context, to Receiver, header http.Header, body []byte) error {
	address, err := h.parse(to.Address.Reveal())
	if err != nil {
		return &rotation.Fault{
			Class: rotation.Permanent, Err: fmt.Errorf("%s: the address that was kept %w", h.name, err), Remedy: "save the notification with its address",
		}
	}
	where := fmt.Sprintf("%s: post to %q", h.name, address.Hostname())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return rotation.Permanently("%s: the address makes no request", where)
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("User-Agent", "rekey")
	request.Header = header
	response, err := outbound.To(h.transport, address.Hostname()).Do(request)
	if err != nil {
		return unreachable(where, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 == 2 {
		return nil
	}
	return h.refusal(where, response, to)
}

// unreachable is an error of the connection. net/http's own quotes the address.
func unreachable(where string, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if private, ok := errors.AsType[*outbound.Private](err); ok {
		return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("%s: %w", where, private), Remedy: "give the address of a host on the internet"}
	}
	return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", where, err)}
}

func (h hook) refusal(where string, response *http.Response, to Receiver) error {
	said := secret.Without(secret.Without(firstWords(response), to.Address.Reveal()), to.Key.Reveal())
	f := &rotation.Fault{
		Class: h.classify(response.StatusCode),
		Err:   fmt.Errorf("%s: %d %s: %s", where, response.StatusCode, http.StatusText(response.StatusCode), said),
	}
	switch {
	case response.StatusCode == http.StatusGone:
		f.Remedy = "the receiver wants nothing more at this address: save the notification with another, or delete it"
	case response.StatusCode/100 == 3:
		f.Remedy = "no redirect is followed: save the notification with the address where this one leads"
	case f.Class == rotation.Throttled:
		f.After = httpfault.After(response.Header, time.Now())
	}
	return f
}

// classify says what a status means. A receiver that anybody wrote may refuse today
// what it takes tomorrow, whatever its status; only 410 is final there.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (h hook) classify(status int) rotation.Class {
	class := httpfault.Class(status)
	switch {
	case status == http.StatusGone:
		return rotation.Permanent
	case class == rotation.Permanent && len(h.hosts) == 0:
		return rotation.Transient
	}
	return class
}

// firstWords are the first words of an answer.
func firstWords(response *http.Response) string {
	const most, asRead = 200, 4 << 10
	text, _ := io.ReadAll(io.LimitReader(response.Body, asRead)) // what was read until then is enough
	if short := httpfault.Short(string(text), most); short != "" {
		return plain(short)
	}
	return "no explanation"
}

// encoded is a body that is made of our own types, which JSON knows.
func encoded(body any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
