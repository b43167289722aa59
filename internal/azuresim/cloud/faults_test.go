package cloud_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
)

// counted is a service that knows how often its effect took place.
func counted(effects *atomic.Int32) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		effects.Add(1)
		w.WriteHeader(http.StatusCreated)
	})
}

func startFaulty(t *testing.T, c *clock.Clock, rules string) (*cloud.Cloud, *atomic.Int32) {
	t.Helper()
	var effects atomic.Int32
	front := cloudtest.Start(t, c)
	front.Handle("*.vault.azure.net", counted(&effects))
	status, body := face(t, front, http.MethodPut, "/sim/faults", rules)
	require.Equal(t, http.StatusOK, status, body)
	return front, &effects
}

const secretURL = "https://v.vault.azure.net/secrets/a/b"

func TestAFaultCanAnswerInsteadOfTheService(t *testing.T) {
	for name, one := range map[string]struct {
		rule, body string
		header     http.Header
	}{
		"with the code of the status": {
			`{"status":429}`,
			`{"error":{"code":"TooManyRequests","message":"This answer was asked for with PUT /sim/faults."}}` + "\n", nil},
		"with a code and times": {
			`{"status":429,"code":"Throttled","retryAfter":2.128,"headers":{"x-ms-retry-after-ms":"1"}}`,
			`{"error":{"code":"Throttled","message":"This answer was asked for with PUT /sim/faults."}}` + "\n",
			http.Header{"Retry-After": {"2.128"}, "X-Ms-Retry-After-Ms": {"1"}}},
		"with a body": {`{"status":429,"body":{"error":"slow_down"}}`, `{"error":"slow_down"}` + "\n", nil},
		"with text":   {`{"status":429,"body":"<html>"}`, "<html>\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			front, effects := startFaulty(t, clock.New(), "["+one.rule+"]")
			response, body := send(t, front.Client(), http.MethodGet, secretURL, "")
			assert.Equal(t, 429, response.StatusCode)
			assert.Equal(t, one.body, body)
			for name := range one.header {
				assert.Equal(t, one.header.Get(name), response.Header.Get(name))
			}
			assert.NotEmpty(t, response.Header.Get("X-Ms-Request-Id"))
			assert.Zero(t, effects.Load())
		})
	}
}

func TestAConnectionCanBeCutBeforeOrAfterTheEffect(t *testing.T) {
	for name, one := range map[string]struct {
		rule    string
		effects int32
		status  int
		kind    string
	}{
		"before": {`{"cut":true}`, 0, 0, "cut"},
		"after":  {`{"lose":true}`, 1, 201, "lose"},
	} {
		for _, protocol := range []string{"h2", "http/1.1"} {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				front, effects := startFaulty(t, clock.New(), "["+one.rule+"]")
				client := front.Client()
				if protocol == "http/1.1" {
					client.Transport.(*http.Transport).ForceAttemptHTTP2 = false
					client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{protocol}
				}
				response, err := client.Post(secretURL, "", nil)
				if err == nil {
					response.Body.Close()
				}
				require.Error(t, err)
				assert.Equal(t, one.effects, effects.Load())
				assert.EventuallyWithT(t, func(c *assert.CollectT) {
					_, calls := face(t, front, http.MethodGet, "/sim/calls", "")
					assert.JSONEq(c, fmt.Sprintf(`{"total":1,"calls":[{"host":"v.vault.azure.net","method":"POST","path":"/secrets/{name}/b","status":%d,"fault":%q,"count":1}]}`, one.status, one.kind), calls)
				}, 5*time.Second, time.Millisecond)
			})
		}
	}
}

func TestAFaultHitsOnlyWhatItNames(t *testing.T) {
	for name, one := range map[string]struct {
		rule string
		hit  bool
	}{
		"every call":                    {`{"status":500}`, true},
		"this host":                     {`{"status":500,"host":"v.vault.azure.net"}`, true},
		"a host in capitals":            {`{"status":500,"host":"V.vault.azure.net"}`, true},
		"hosts like this":               {`{"status":500,"host":"*.vault.azure.net"}`, true},
		"another host":                  {`{"status":500,"host":"w.vault.azure.net"}`, false},
		"this method":                   {`{"status":500,"method":"GET"}`, true},
		"another method":                {`{"status":500,"method":"PUT"}`, false},
		"this path":                     {`{"status":500,"path":"/secrets/a/b"}`, true},
		"a star that crosses slashes":   {`{"status":500,"path":"/secrets/*"}`, true},
		"a path that is not the prefix": {`{"status":500,"path":"/secrets"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			front, effects := startFaulty(t, clock.New(), "["+one.rule+"]")
			response, _ := send(t, front.Client(), http.MethodGet, secretURL, "")
			assert.Equal(t, one.hit, response.StatusCode == 500)
			assert.Equal(t, one.hit, effects.Load() == 0)
		})
	}
}

func TestAFaultIsUsedUpAfterItsCount(t *testing.T) {
	front, effects := startFaulty(t, clock.New(), `[{"status":503,"count":2},{"status":500,"count":1}]`)
	var statuses []int
	for range 4 {
		response, _ := send(t, front.Client(), http.MethodGet, secretURL, "")
		statuses = append(statuses, response.StatusCode)
	}
	assert.Equal(t, []int{503, 503, 500, 201}, statuses)
	assert.EqualValues(t, 1, effects.Load())
	_, rules := face(t, front, http.MethodGet, "/sim/faults", "")
	assert.JSONEq(t, `[{"status":503,"count":0},{"status":500,"count":0}]`, rules)
}

func TestAFaultHitsAShareOfTheCalls(t *testing.T) {
	front, effects := startFaulty(t, clock.New(), `[{"status":503,"rate":0.5}]`)
	client := front.Client()
	for range 100 {
		send(t, client, http.MethodGet, secretURL, "")
	}
	assert.InDelta(t, 50, effects.Load(), 25)
}

func TestLatencyPassesInSimulatedTime(t *testing.T) {
	c := clock.New()
	front, effects := startFaulty(t, c, `[{"latency":"1h"}]`)
	answered := make(chan int)
	go func() {
		response, err := front.Client().Get(secretURL)
		if assert.NoError(t, err) {
			response.Body.Close()
			answered <- response.StatusCode
		}
	}()
	assert.EventuallyWithT(t, func(collect *assert.CollectT) {
		c.Advance(time.Hour)
		select {
		case status := <-answered:
			assert.Equal(collect, 201, status)
		default:
			assert.Fail(collect, "not yet")
		}
	}, 5*time.Second, time.Millisecond)
	assert.EqualValues(t, 1, effects.Load())
}

func TestFaultsAreLifted(t *testing.T) {
	front, _ := startFaulty(t, clock.New(), `[{"status":503}]`)
	status, _ := face(t, front, http.MethodDelete, "/sim/faults", "")
	assert.Equal(t, http.StatusNoContent, status)
	response, _ := send(t, front.Client(), http.MethodGet, secretURL, "")
	assert.Equal(t, 201, response.StatusCode)
	_, rules := face(t, front, http.MethodGet, "/sim/faults", "")
	assert.JSONEq(t, `[]`, rules)
}

func TestMistakesInRulesAreAllNamed(t *testing.T) {
	front, _ := startFaulty(t, clock.New(), `[{"status":503}]`)
	for rules, want := range map[string]string{
		`[{}]`:                             `rule 0: the rule does nothing: set status, cut, lose or latency`,
		`[{"status":503},{"rate":2}]`:      `rule 1: rate: 2 is not above 0 and up to 1\nthe rule does nothing`,
		`[{"cut":true,"count":0}]`:         `rule 0: count: 0 is not 1 or more`,
		`[{"cut":true,"lose":true}]`:       `rule 0: status, cut and lose exclude each other`,
		`[{"status":700}]`:                 `rule 0: status: 700 is not between 200 and 599`,
		`[{"latency":"long"}]`:             `rule 0: latency: \"long\" is not a duration such as 250ms`,
		`[{"cut":true,"method":"get"}]`:    `rule 0: method: \"get\" is not in capitals`,
		`[{"cut":true,"code":"x"}]`:        `rule 0: retryAfter, headers, code and body need a status`,
		`[{"cut":true,"path":"["}]`:        `rule 0: path: \"[\" is not a glob`,
		`[{"status":429,"retryAfter":-1}]`: `rule 0: retryAfter: \"-1\" is not a number of seconds`,
		`[{"status":429,"speed":"slow"}]`:  `decode: json: unknown field \"speed\"`,
		`{"status":429}`:                   `decode: json: cannot unmarshal object`,
	} {
		status, body := face(t, front, http.MethodPut, "/sim/faults", rules)
		assert.Equal(t, http.StatusBadRequest, status, rules)
		assert.Contains(t, body, want)
	}
	_, rules := face(t, front, http.MethodGet, "/sim/faults", "")
	assert.JSONEq(t, `[{"status":503}]`, rules, "the rules in force stay")
}
