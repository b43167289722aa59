package functionshost_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

const webhook = "/runtime/webhooks/eventgrid?functionName=nearexpiry"

func decode(t *testing.T, document string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(document), into))
}

func TestEventGridDelivers(t *testing.T) {
	host := start(t, standard(), nil)
	for name, body := range map[string]string{
		"the Event Grid schema":  `[{"id":"1","data":{"a":1}},{"id":"2"}]`,
		"a batch of CloudEvents": `[{"specversion":"1.0","id":"1","data":{"a":1}},{"specversion":"1.0","id":"2"}]`,
		"one CloudEvent":         `{"specversion":"1.0","id":"1","data":{"a":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := host.send(t, "POST", webhook, body, "aeg-event-type", "Notification")
			assert.Equal(t, http.StatusAccepted, resp.StatusCode)
			ids := map[string]string{}
			for range strings.Count(body, `"id"`) {
				seen := host.next(t)
				assert.Equal(t, "/nearexpiry", seen.URI)
				call := seen.envelope(t)
				var event struct{ ID string }
				decode(t, string(call.Data["event"]), &event)
				ids[event.ID] = string(call.Metadata["data"])
				assert.Contains(t, string(call.Metadata["sys"]), `"MethodName":"nearexpiry"`)
			}
			assert.Equal(t, `{"a":1}`, ids["1"])
			assert.Len(t, ids, strings.Count(body, `"id"`))
		})
	}
}

func TestEventsOfABatchRunAtTheSameTime(t *testing.T) {
	host := start(t, standard(), nil)
	answered := make(chan int, 1)
	go func() { answered <- host.notify(t, `1"},{"id":"do:hang"},{"id":"do:hang`) }()
	for range 3 {
		host.next(t)
	}
	host.Kill()
	assert.Equal(t, http.StatusInternalServerError, <-answered)
}

func TestEventGridWebhook(t *testing.T) {
	host := start(t, standard(), nil)
	for name, c := range map[string]struct {
		method, target, kind, body string
		status                     int
		answer                     string
	}{
		"the handshake":               {"POST", webhook, "SubscriptionValidation", `[{"data":{"validationCode":"c-1"}}]`, 200, "{\"validationResponse\":\"c-1\"}\n"},
		"a handshake without a code":  {"POST", webhook, "SubscriptionValidation", `[{"data":{}}]`, 400, "the event carries no validationCode\n"},
		"one failing event of two":    {"POST", webhook, "Notification", `[{"id":"1"},{"id":"do:fail"}]`, 500, "an invocation failed\n"},
		"the wrong content type":      {"POST", webhook, "Notification", `[{"id":"do:html"}]`, 500, "an invocation failed\n"},
		"the end of the subscription": {"POST", webhook, "Unsubscribe", `[]`, 202, ""},
		"another kind":                {"POST", webhook, "", `[]`, 400, "aeg-event-type is missing or unknown\n"},
		"no event":                    {"POST", webhook, "Notification", `[1]`, 400, "an event must be a JSON object\n"},
		"an unknown function":         {"POST", "/runtime/webhooks/eventgrid?functionName=sweep", "Notification", `[]`, 404, "cannot find function: \"sweep\"\n"},
		"another method":              {"GET", webhook, "", ``, 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp, answer := host.send(t, c.method, c.target, c.body, "aeg-event-type", c.kind)
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Equal(t, c.answer, answer)
		})
	}
	resp, _ := host.send(t, "OPTIONS", webhook, "", "WebHook-Request-Origin", "eventgrid.azure.net")
	assert.Equal(t, "eventgrid.azure.net", resp.Header.Get("WebHook-Allowed-Origin"))
}

// timerCall is a timer's value as the handler saw it.
type timerCall struct {
	ScheduleStatus *struct{ Last, Next, LastUpdated string }
	IsPastDue      bool
}

func (r *running) nextTimer(t *testing.T) timerCall {
	t.Helper()
	seen := r.next(t)
	assert.Equal(t, "/sweep", seen.URI)
	var timer timerCall
	decode(t, string(seen.envelope(t).Data["timer"]), &timer)
	return timer
}

func TestTimerFiresWhenSimulatedTimeGetsThere(t *testing.T) {
	host := start(t, standard(), nil)
	now := host.clock.Now()
	three := time.Date(now.Year(), now.Month(), now.Day(), 3, 0, 0, 0, time.UTC)
	if !three.After(now) {
		three = three.AddDate(0, 0, 1)
	}
	host.clock.Advance(three.Sub(now) + time.Second)
	first := host.nextTimer(t)
	require.NotNil(t, first.ScheduleStatus)
	assert.Equal(t, "0001-01-01T00:00:00", first.ScheduleStatus.Last)
	assert.Equal(t, three.Format(time.RFC3339), first.ScheduleStatus.Next)
	assert.False(t, first.IsPastDue)

	require.Eventually(t, func() bool { // until the next run is planned
		host.clock.Advance(24 * time.Hour)
		return len(host.seen) > 0
	}, 10*time.Second, 20*time.Millisecond)
	second := host.nextTimer(t)
	assert.Contains(t, second.ScheduleStatus.Last, three.Format("2006-01-02T03:00:0"))
}

func TestATimerThatMissedARunIsPastDue(t *testing.T) {
	host := start(t, standard(), nil)
	host.clock.Advance(72 * time.Hour)
	assert.True(t, host.nextTimer(t).IsPastDue)
}

func TestTimersOnStartup(t *testing.T) {
	for name, c := range map[string]struct {
		schedule  string
		monitor   string
		monitored bool
	}{
		"with a monitor":           {"0 0 3 * * *", `"useMonitor":true`, true},
		"a monitor is the default": {"0 0 3 * * *", `"useMonitor":null`, true},
		"without a monitor":        {"0 0 3 * * *", `"useMonitor":false`, false},
		"too frequent for one":     {"*/30 * * * * *", `"useMonitor":true`, false},
		"a time span":              {"01:00:00", `"useMonitor":true`, true},
	} {
		t.Run(name, func(t *testing.T) {
			files := standard()
			files["sweep/function.json"] = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"timer","schedule":"` + c.schedule + `","runOnStartup":true,` + c.monitor + `}]}`
			host := start(t, files, nil)
			timer := host.nextTimer(t)
			assert.Equal(t, c.monitored, timer.ScheduleStatus != nil)
			assert.False(t, timer.IsPastDue)
		})
	}
}

func TestTimerRunsNeverOverlap(t *testing.T) {
	files := standard()
	files["sweep/function.json"] = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"do:hang","schedule":"* * * * * *","runOnStartup":true}]}`
	host := start(t, files, nil)
	host.next(t)
	for range 5 {
		host.clock.Advance(time.Minute)
		resp, _ := host.send(t, "GET", "/page", "")
		assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
		assert.Equal(t, "/page", host.next(t).URI)
	}
	assert.Empty(t, host.seen)
}

func TestDisabledFunctionsStaySilent(t *testing.T) {
	host := start(t, standard(), func(o *functionshost.Options) {
		o.Settings["AzureWebJobs.nearexpiry.Disabled"] = "true"
	})
	resp, _ := host.send(t, "POST", webhook, `[]`, "aeg-event-type", "Notification")
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
}
