package hooks_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/hooks"
)

func start(t *testing.T) (*hooks.Service, *cloud.Cloud) {
	t.Helper()
	s, front := hooks.New(), cloudtest.Start(t, clock.New())
	for _, host := range hooks.Hosts() {
		front.Handle(host, s)
	}
	return s, front
}

func post(t *testing.T, front *cloud.Cloud, address, body string) (status int, said string) {
	t.Helper()
	response, err := front.Client().Post(address, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestSlack(t *testing.T) {
	s, front := start(t)
	address := s.AddSlack()
	for body, want := range map[string]string{
		`{"text":"hello"}`: "ok",
		`{"blocks":[{"type":"header","text":{"type":"plain_text","text":"A","emoji":false}}]}`: "ok",
		`{"text":`:                     "invalid_payload",
		`{"text":"a","unknown":1}`:     "invalid_payload",
		`{"text":""}`:                  "no_text",
		`{"blocks":[{"type":"card"}]}`: "invalid_blocks",
		`{"blocks":[{"type":"header","text":{"type":"mrkdwn","text":"A"}}]}`:                                       "invalid_blocks",
		`{"blocks":[{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("A", 151) + `"}}]}`:    "invalid_blocks",
		`{"blocks":[{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10) + `{}]}]}`: "invalid_blocks",
		`{"blocks":[{"type":"section","text":{"type":"plain_text","text":"A","verbatim":true}}]}`:                  "invalid_blocks",
	} {
		_, said := post(t, front, address, body)
		assert.Equal(t, want, said, body)
	}
	status, said := post(t, front, address+"x", `{"text":"hello"}`)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Equal(t, "invalid_token", said)
	assert.Len(t, s.Received(hooks.SlackHost), 2)
}

func TestFlows(t *testing.T) {
	s, front := start(t)
	const valid = `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":{"type":"AdaptiveCard","version":"1.4","body":[{}]}}]}`
	for name, address := range map[string]string{"an address": s.AddFlow(), "an older address": s.AddOlderFlow()} {
		status, said := post(t, front, address, valid)
		assert.Equal(t, http.StatusAccepted, status, "%s: %s", name, said)
		for what, body := range map[string]string{
			"a card of the retired connectors": `{"@type":"MessageCard","text":"hello"}`,
			"no attachment":                    `{"type":"message","attachments":[]}`,
			"a version that nobody shows":      strings.Replace(valid, "1.4", "2.0", 1),
			"a card that is too large":         strings.Replace(valid, "{}", `"`+strings.Repeat("x", 28<<10)+`"`, 1),
		} {
			status, _ := post(t, front, address, body)
			assert.Equal(t, http.StatusBadRequest, status, what)
		}
		status, _ = post(t, front, address+"x", valid)
		assert.Equal(t, http.StatusUnauthorized, status, "another signature")
		status, _ = post(t, front, strings.Split(address, "&sig=")[0], valid)
		assert.Equal(t, http.StatusUnauthorized, status, "no signature")
	}
}

func TestReceiversAnswerWhatTheyAreTold(t *testing.T) {
	s, front := start(t)
	address := s.AddReceiver("shop", 500, 429)
	for _, want := range []int{500, 429, 204, 204} {
		status, _ := post(t, front, address, `{}`)
		assert.Equal(t, want, status)
	}
	status, _ := post(t, front, address+"x", `{}`)
	assert.Equal(t, http.StatusNotFound, status)
	assert.Len(t, s.Received("shop.receiver.example"), 2)
	assert.Equal(t, map[string]int{"shop.receiver.example": 2}, s.State())
}
