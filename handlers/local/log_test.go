package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

type shownLine struct{ AppID, Rotation, Target, What, Detail, Actor, Correlation string }

// lines reads the log with a filter, newest first, to its end.
func (s *Stack) lines(t *testing.T, query string) (lines []shownLine) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []shownLine
			Next  *string
		}
		s.read(t, "/api/log?"+query+cursor, &page)
		if lines = append(lines, page.Items...); page.Next == nil {
			return lines
		}
		cursor = "&cursor=" + *page.Next
	}
}

// sends one request with an id and returns its answer.
func (s *Stack) sends(t *testing.T, method, path, body string, headers map[string]string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, text
}

// TestOneLogTellsOfEverything rotates two applications under one id, and reads in the
// log of the tenant all that followed from it, in each form.
func TestOneLogTellsOfEverything(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Apps = 2 })
	apps := []string{s.manage(t, 0, fast(map[string]any{"enabled": false}), rbacVault), s.manage(t, 1, fast(map[string]any{"enabled": false}), rbacVault)}
	const id = "leak-2026-03"
	for n, app := range apps {
		s.put(t, "/api/applications/"+app, fast(nil))
		eventually(t, "a first rotation of "+app, func() bool { return s.latest(t, app).State == "completed" })
		response, body := s.sends(t, http.MethodPost, "/api/applications/"+app+"/rotations", `{"kind":"secret"}`, map[string]string{"X-Correlation-Id": id})
		require.Equal(t, http.StatusAccepted, response.StatusCode, string(body))
		assert.Equal(t, id, response.Header.Get("X-Correlation-Id"), n)
		s.done(t, s.latest(t, app).ID)
	}
	followed := map[string][]string{}
	for _, line := range s.lines(t, "correlation="+id) {
		followed[line.AppID] = append(followed[line.AppID], line.What)
	}
	require.Len(t, followed, 2)
	for app, whats := range followed {
		assert.Subset(t, whats, []string{"requested", "staged", "verified", "published", "deployed", "completed"}, app)
		for _, line := range s.lines(t, "rotation="+s.latest(t, app).ID) {
			assert.Equal(t, id, line.Correlation, "%s of %s", line.What, app)
		}
	}
	s.checkExports(t, len(s.lines(t, "")))
}

// checkExports reads all of the log as NDJSON and as CSV, by the links to the next page.
func (s *Stack) checkExports(t *testing.T, want int) {
	t.Helper()
	for accept, count := range map[string]func([]byte) int{
		"application/x-ndjson": func(text []byte) (n int) {
			for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); n++ {
				var line shownLine
				require.NoError(t, json.Unmarshal(scan.Bytes(), &line))
				require.NotEmpty(t, line.What)
			}
			return n
		},
		"text/csv": func(text []byte) int {
			rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			require.NoError(t, err)
			return len(rows) - 1
		},
	} {
		got, pages := 0, 0
		for path := "/api/log?limit=7&to=2100-01-01T00:00:00Z"; path != ""; pages++ {
			response, text := s.sends(t, http.MethodGet, path, "", map[string]string{"Accept": accept})
			require.Equal(t, http.StatusOK, response.StatusCode, string(text))
			got += count(text)
			link, more := strings.CutSuffix(response.Header.Get("Link"), `>; rel="next"`)
			if path = ""; more {
				path = strings.TrimPrefix(link, "<")
			}
		}
		assert.Equal(t, want, got, accept)
		assert.Greater(t, pages, 2, accept)
	}
}

// TestADeadLetterIsListedReplayedAndDiscarded gives the handler what it cannot read.
func TestADeadLetterIsListedReplayedAndDiscarded(t *testing.T) {
	t.Parallel()
	s, app := startRotated(t)
	client := s.bus(t)
	const poison = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.deploy","data":{"rotation":"nonsense","target":"vault"}}`
	post(t, client, engine.TopicRotated, "poison-1", poison, map[string]any{"integration": "keyvault"})
	post(t, client, engine.QueueRequests, "poison-2", "no JSON", nil)
	type letter struct {
		Entity, MessageID, Reason, Target, Text string
		SequenceNumber                          json.Number
		DeliveryCount                           int
	}
	letters := func() []letter {
		var page struct{ Items []letter }
		s.read(t, "/api/deadletters", &page)
		return page.Items
	}
	eventually(t, "both given up", func() bool { return len(letters()) == 2 })
	dead := letters()
	assert.Contains(t, s.diagnosis(t, "").words(), "deadletters: warning: messages of rotated.keyvault were given up and lie in its dead-letter queue: 1; "+
		"read why at /api/deadletters, put that right, and replay or discard them")
	assert.Equal(t, []string{"rotation-requests", "poison-2", "MaxDeliveryCountExceeded"}, []string{dead[0].Entity, dead[0].MessageID, dead[0].Reason})
	assert.Equal(t, []string{"rotated.keyvault", "poison-1", "vault"}, []string{dead[1].Entity, dead[1].MessageID, dead[1].Target})
	unreadable := s.lines(t, "what=unreadable&failure=true")
	require.Len(t, unreadable, 2, "why is in the log, once for each")
	assert.Contains(t, unreadable[0].Detail+unreadable[1].Detail, `message "poison-2": servicebus: not a CloudEvent in JSON`)

	path := func(l letter) string { return "/api/deadletters/" + l.Entity + "/" + l.SequenceNumber.String() }
	var shown letter
	s.read(t, path(dead[0]), &shown)
	assert.Equal(t, "no JSON", shown.Text)

	require.NoError(t, s.call(t.Context(), http.MethodPost, path(dead[0])+"/discard", nil))
	require.NoError(t, s.call(t.Context(), http.MethodPost, path(dead[1])+"/replay", nil))
	eventually(t, "the replayed one given up again", func() bool { return len(letters()) == 1 && letters()[0].SequenceNumber != dead[1].SequenceNumber })
	assert.Equal(t, "poison-1", letters()[0].MessageID, "the same message")
	require.NoError(t, s.call(t.Context(), http.MethodPost, path(letters()[0])+"/discard", nil))
	assert.Empty(t, letters())
	for what, count := range map[string]int{"replayed": 1, "discarded": 2} {
		assert.Len(t, s.lines(t, "what="+what+"&actor=anybody"), count)
	}
	assert.Equal(t, "completed", s.latest(t, app).State, "nothing else came of it")
	_, text := s.sends(t, http.MethodGet, "/api/dependencies?format=mermaid", "", nil)
	assert.Contains(t, string(text), `p0[("Key Vault: `+rbacVault+`")]`)
}
