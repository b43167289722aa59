package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// letters are the dead letters of a bus, of which Peek gives out two at most.
type letters struct {
	all      []deadletter.Letter
	replayed []string
	err      error
}

func (l *letters) Peek(_ context.Context, e deadletter.Entity, from int64, most int) (found []deadletter.Letter, err error) {
	for _, letter := range l.all {
		if letter.Entity == e && letter.SequenceNumber >= from && len(found) < min(most, 2) {
			found = append(found, letter)
		}
	}
	return found, l.err
}

func (l *letters) Replay(ctx context.Context, e deadletter.Entity, number int64) (deadletter.Letter, error) {
	letter, err := l.Discard(ctx, e, number)
	if err == nil {
		l.replayed = append(l.replayed, letter.MessageID)
	}
	return letter, err
}

func (l *letters) Discard(_ context.Context, e deadletter.Entity, number int64) (letter deadletter.Letter, err error) {
	i := slices.IndexFunc(l.all, func(l deadletter.Letter) bool { return l.Entity == e && l.SequenceNumber == number })
	if l.err != nil || i < 0 {
		return letter, fmt.Errorf("dead letters of %q: %w", e, orUnknown(l.err))
	}
	letter = l.all[i]
	l.all = slices.Delete(l.all, i, i+1)
	return letter, nil
}

func orUnknown(err error) error {
	if err == nil {
		return deadletter.ErrUnknown
	}
	return err
}

func (w *world) bury(e deadletter.Entity, body string) {
	n := int64(len(w.letters.all) + 1)
	w.letters.all = append(w.letters.all, deadletter.Letter{
		Entity: e, SequenceNumber: n, MessageID: fmt.Sprintf("m%d", n), EnqueuedAt: w.now, Reason: "MaxDeliveryCountExceeded",
		Description: "it could not be read", DeliveryCount: 10, Body: []byte(body),
	})
}

var (
	requests = deadletter.Entity{Name: "requests"}
	rotated  = deadletter.Entity{Name: "rotated", Subscription: "place"}
)

const delivery = `{"type":"dev.rekey.deploy","data":{"rotation":"` + appID + `.secret.1","target":"vault"}}`

func TestDeadLettersAreListedWithTheirReason(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.bury(requests, `{}`)
	}
	w.bury(rotated, delivery)
	all := w.must(200, "GET", "/api/deadletters", "")["items"].([]any)
	require.Len(t, all, 4)
	assert.Equal(t, map[string]any{
		"entity": "rotated.place", "sequenceNumber": 4.0, "messageId": "m4", "enqueuedAt": w.letters.all[3].EnqueuedAt.Format(time.RFC3339Nano),
		"reason": "MaxDeliveryCountExceeded", "description": "it could not be read", "deliveryCount": 10.0,
		"type": "dev.rekey.deploy", "appId": appID, "kind": "secret", "rotation": appID + ".secret.1", "target": "vault",
	}, all[3])
	for _, limit := range []int{1, 2, 3, 4} {
		var paged []any
		for path := fmt.Sprintf("/api/deadletters?limit=%d", limit); path != ""; {
			page := w.must(200, "GET", path, "")
			paged = append(paged, page["items"].([]any)...)
			path = ""
			if next, ok := page["next"].(string); ok {
				path = fmt.Sprintf("/api/deadletters?limit=%d&cursor=%s", limit, next)
			}
			require.LessOrEqual(t, len(paged), 4)
		}
		assert.Equal(t, all, paged, "pages of %d", limit)
	}
	assert.Len(t, w.must(200, "GET", "/api/deadletters?entity=rotated.place", "")["items"], 1)
	for path, words := range map[string]string{
		"/api/deadletters?entity=x":                                    "query.entity: must be one of requests, rotated.place",
		"/api/deadletters?cursor=eA":                                   "query.cursor: must be the next",
		"/api/deadletters?entity=requests&cursor=cm90YXRlZC5wbGFjZSMx": "query.cursor: must be the next",
	} {
		a := w.call("GET", path, "")
		assert.Equal(t, 422, a.status)
		assert.Contains(t, a.body, words)
	}
}

func TestADeadLetterIsShown(t *testing.T) {
	w := newWorld(t)
	w.bury(requests, delivery)
	w.bury(requests, "plain <text>")
	w.bury(requests, "\xff\xfe")
	get := func(n int) map[string]any {
		return w.must(200, "GET", fmt.Sprintf("/api/deadletters/requests/%d", n), "")
	}
	var body any
	require.NoError(t, json.Unmarshal([]byte(delivery), &body))
	assert.Equal(t, body, get(1)["body"])
	assert.Equal(t, "plain <text>", get(2)["text"])
	assert.Equal(t, []any{nil, nil, 2.0}, []any{get(3)["body"], get(3)["text"], get(3)["size"]})
	assert.Equal(t, 404, w.call("GET", "/api/deadletters/requests/4", "").status)
	assert.Equal(t, 404, w.call("GET", "/api/deadletters/nowhere/1", "").status)
	assert.Equal(t, 422, w.call("GET", "/api/deadletters/requests/x", "").status)
}

func TestADeadLetterIsReplayedOrDiscarded(t *testing.T) {
	w := newWorld(t)
	w.bury(rotated, delivery)
	w.bury(rotated, `{"data":{"appId":"../not a guid"}}`)
	w.must(200, "POST", "/api/deadletters/rotated.place/1/replay", "", "X-Correlation-Id", "mine")
	w.must(200, "POST", "/api/deadletters/rotated.place/2/discard", "")
	assert.Equal(t, []string{"m1"}, w.letters.replayed)
	assert.Empty(t, w.letters.all)
	assert.Equal(t, 404, w.call("POST", "/api/deadletters/rotated.place/1/replay", "").status)

	lines := w.must(200, "GET", "/api/log", "")["items"].([]any)
	require.Len(t, lines, 2)
	discarded, replayed := lines[0].(map[string]any), lines[1].(map[string]any)
	delete(replayed, "at")
	assert.Equal(t, map[string]any{
		"appId": appID, "kind": "secret", "rotation": appID + ".secret.1", "target": "vault", "what": "replayed", "actor": "anybody", "failure": false, "correlation": "mine",
		"detail": "dead letter 1 of rotated.place, which had been given up: MaxDeliveryCountExceeded: it could not be read",
	}, replayed)
	assert.Equal(t, []any{"discarded", nil}, []any{discarded["what"], discarded["appId"]})
}

func TestWhatKeepsADeadLetterIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		words  string
	}{
		"somebody else has it":       {deadletter.ErrTaken, 409, "somebody else is at this dead letter"},
		"too many before it":         {deadletter.ErrBehind, 409, "replay or discard those first"},
		"no right to receive":        {&rotation.Fault{Class: rotation.Denied, Err: fmt.Errorf("servicebus: refused"), Remedy: "give it the role"}, 502, "give it the role"},
		"a bus that is out of reach": {&rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("servicebus: cut")}, 503, "servicebus: cut"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.letters.err = c.err
			a := w.call(http.MethodPost, "/api/deadletters/requests/1/discard", "")
			assert.Equal(t, c.status, a.status)
			assert.Contains(t, a.body, c.words)
		})
	}
}

// FuzzDeadLetters shows, replays and lists letters of any form.
func FuzzDeadLetters(f *testing.F) {
	f.Add(delivery, "cm90YXRlZC5wbGFjZSMx", "requests", "1")
	f.Add("\xff", "cmVxdWVzdHMjOTk5OTk5OTk5OTk5OTk5OTk5", "rotated.place", "9223372036854775808")
	f.Add(`{"data":{"appId":"`+appID+`","kind":"?","rotation":"a.b.c"}}`, "", "", "-1")
	f.Fuzz(func(t *testing.T, body, cursor, entity, number string) {
		w := newWorld(t)
		w.bury(requests, body)
		for _, o := range []struct {
			operation
			values []string
			query  string
		}{
			{operation{"GET", "/api/deadletters"}, nil, "cursor=" + cursor},
			{operation{"GET", "/api/deadletters/{entity}/{n}"}, []string{entity, number}, ""},
			{operation{"GET", "/api/deadletters/requests/1"}, nil, ""},
			{operation{"POST", "/api/deadletters/requests/1/replay"}, nil, ""},
		} {
			a, sent := w.request(o.operation, o.values, o.query, "", nil)
			if sent && a.status != 200 {
				assert.Contains(t, []int{400, 404, 405, 422}, a.status, a.body)
				assertProblem(t, a)
			}
		}
	})
}
