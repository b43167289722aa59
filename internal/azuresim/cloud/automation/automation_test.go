package automation_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	operator = "aaaaaaaa-0000-0000-0000-000000000001"
	starter  = "bbbbbbbb-0000-0000-0000-000000000002"
	reader   = "cccccccc-0000-0000-0000-000000000003"
	version  = "?api-version=2023-11-01"
	body     = `{"properties":{"runbook":{"name":"Deliver"},"parameters":{"SecretId":"https://v.vault.azure.net/secrets/s/1","Region":"\"1\""},"runOn":"office"}}`
)

type world struct {
	*cloudtest.Manager
	t       *testing.T
	service *automation.Service
	id      string
	arrived []map[string]string
	exits   int
}

func start(t *testing.T, options automation.Options) *world {
	t.Helper()
	w := &world{Manager: cloudtest.StartManager(t), t: t}
	w.service = automation.New(w.Clock, w.Service, options)
	w.id = w.service.AddAccount(automation.Account{
		Subscription: cloudtest.Subscription, ResourceGroup: "rg", Name: "ops", WorkerGroups: []string{"office"},
		Runbooks: []automation.Runbook{
			{Name: "Deliver", Parameters: map[string]bool{"SecretId": true, "Region": false}, Runs: func(p map[string]string) (string, int) {
				w.arrived = append(w.arrived, p)
				return "hello", w.exits
			}},
			{Name: "Draft", State: "New"},
			{Name: "Workflow", Ends: "Suspended"},
		},
	})
	w.Allow(operator, resourcemanager.AutomationOperator, w.id)
	w.Allow(starter, resourcemanager.AutomationJobOperator, w.id)
	w.Allow(reader, resourcemanager.Reader, "/subscriptions/"+cloudtest.Subscription)
	return w
}

func (w *world) call(who, method, path, body string) (int, map[string]any) {
	w.t.Helper()
	answer, text := w.Call(w.t, who, method, path, body)
	var fields map[string]any
	if text != "" {
		require.NoError(w.t, json.Unmarshal([]byte(text), &fields), text)
	}
	return answer.StatusCode, fields
}

func (w *world) status(job string) any {
	w.t.Helper()
	status, answer := w.call(operator, "GET", w.id+"/jobs/"+job+version, "")
	require.Equal(w.t, 200, status)
	return answer["properties"].(map[string]any)["status"]
}

func TestAJobGoesThroughItsStates(t *testing.T) {
	w := start(t, automation.Options{Queued: 10 * time.Second, Takes: time.Minute})
	status, answer := w.call(starter, "PUT", w.id+"/jobs/one"+version, body)
	require.Equal(t, 201, status)
	assert.Equal(t, "New", answer["properties"].(map[string]any)["status"])
	assert.Equal(t, "New", w.status("one"))
	w.Clock.Advance(5 * time.Second)
	assert.Equal(t, "Activating", w.status("one"))
	assert.Empty(t, w.arrived)
	w.Clock.Advance(5 * time.Second)
	assert.Equal(t, "Running", w.status("one"))
	assert.Equal(t, []map[string]string{{"SecretId": "https://v.vault.azure.net/secrets/s/1", "Region": "1"}}, w.arrived)
	_, text := w.Call(t, starter, "GET", w.id+"/jobs/one/output"+version, "")
	assert.Empty(t, text)
	w.Clock.Advance(time.Minute)
	assert.Equal(t, "Completed", w.status("one"))
	resp, text := w.Call(t, starter, "GET", w.id+"/jobs/one/output"+version, "")
	assert.Equal(t, "hello", text)
	assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	_, text = w.Call(t, reader, "GET", w.id+"/jobs/one/streams"+version, "")
	assert.Contains(t, text, `"summary":"hello"`)
}

func TestAJobsParametersAreReadByEveryReader(t *testing.T) {
	w := start(t, automation.Options{})
	_, _ = w.call(starter, "PUT", w.id+"/jobs/one"+version, body)
	_, text := w.Call(t, reader, "GET", w.id+"/jobs/one"+version, "")
	assert.Contains(t, text, "https://v.vault.azure.net/secrets/s/1")
}

func TestAJobsNameIsTakenOnce(t *testing.T) {
	w := start(t, automation.Options{})
	_, _ = w.call(starter, "PUT", w.id+"/jobs/one"+version, body)
	status, answer := w.call(starter, "PUT", w.id+"/jobs/ONE"+version, body)
	assert.Equal(t, 409, status)
	assert.Equal(t, map[string]any{"code": "Conflict", "message": "Job with specified id already exists. Job id: ONE"}, answer)
	assert.Len(t, w.arrived, 1)
	assert.Len(t, w.service.State().Accounts[0].Jobs, 1)
}

func TestAJobThatIsStoppedInTimeHasNoEffect(t *testing.T) {
	w := start(t, automation.Options{Queued: time.Minute, Stops: 5 * time.Second})
	_, _ = w.call(starter, "PUT", w.id+"/jobs/one"+version, body)
	status, _ := w.call(starter, "POST", w.id+"/jobs/one/stop"+version, "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "Stopping", w.status("one"))
	w.Clock.Advance(time.Hour)
	assert.Equal(t, "Stopped", w.status("one"))
	assert.Empty(t, w.arrived)
	status, _ = w.call(starter, "POST", w.id+"/jobs/one/stop"+version, "")
	assert.Equal(t, 409, status)
}

func TestAFailedJobSaysWhy(t *testing.T) {
	w := start(t, automation.Options{})
	w.exits = 1
	_, _ = w.call(starter, "PUT", w.id+"/jobs/one"+version, body)
	_, answer := w.call(starter, "GET", w.id+"/jobs/one"+version, "")
	properties := answer["properties"].(map[string]any)
	assert.Equal(t, "Failed", properties["status"])
	assert.Equal(t, "hello", properties["exception"])
	_, _ = w.call(starter, "PUT", w.id+"/jobs/two"+version, `{"properties":{"runbook":{"name":"Workflow"}}}`)
	assert.Equal(t, "Suspended", w.status("two"))
}

func TestRunbooksAndAccountsAreListed(t *testing.T) {
	w := start(t, automation.Options{})
	_, text := w.Call(t, operator, "GET", "/subscriptions/"+cloudtest.Subscription+"/providers/Microsoft.Automation/automationAccounts"+version, "")
	assert.Contains(t, text, `"name":"ops"`)
	_, text = w.Call(t, operator, "GET", w.id+"/runbooks"+version, "")
	assert.Contains(t, text, `"isMandatory":true`)
	_, text = w.Call(t, operator, "GET", w.id+"/runbooks/draft"+version, "")
	assert.Contains(t, text, `"state":"New"`)
}

func TestRequestsAreChecked(t *testing.T) {
	w := start(t, automation.Options{})
	job := func(text string) string { return `{"properties":{` + text + `}}` }
	for name, c := range map[string]struct {
		who, method, path, body string
		status                  int
		code                    string
	}{
		"reading is not starting":       {reader, "PUT", "/jobs/one", body, 403, "AuthorizationFailed"},
		"starting is not choosing":      {starter, "GET", "/runbooks", "", 403, "AuthorizationFailed"},
		"an account must exist":         {reader, "GET", "x", "", 404, "ResourceNotFound"},
		"a runbook must exist":          {operator, "GET", "/runbooks/none", "", 404, "NotFound"},
		"a job must exist":              {operator, "GET", "/jobs/none", "", 404, "NotFound"},
		"a runbook is named":            {operator, "PUT", "/jobs/one", job(``), 400, "BadRequest"},
		"a runbook to start must exist": {operator, "PUT", "/jobs/one", job(`"runbook":{"name":"none"}`), 404, "NotFound"},
		"a draft does not start":        {operator, "PUT", "/jobs/one", job(`"runbook":{"name":"Draft"}`), 400, "BadRequest"},
		"a parameter is missing":        {operator, "PUT", "/jobs/one", job(`"runbook":{"name":"Deliver"}`), 400, "BadRequest"},
		"a parameter is not declared":   {operator, "PUT", "/jobs/one", job(`"runbook":{"name":"Deliver"},"parameters":{"SecretId":"x","Other":"y"}`), 400, "BadRequest"},
		"a group of workers must exist": {operator, "PUT", "/jobs/one", job(`"runbook":{"name":"Workflow"},"runOn":"moon"`), 400, "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := w.call(c.who, c.method, w.id+c.path+version, c.body)
			assert.Equal(t, c.status, status, answer)
			if inner, enveloped := answer["error"].(map[string]any); enveloped {
				answer = inner
			}
			assert.Equal(t, c.code, answer["code"])
		})
	}
	assert.Empty(t, w.arrived)
}
