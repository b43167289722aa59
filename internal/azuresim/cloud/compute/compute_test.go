package compute_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	operator = "aaaaaaaa-0000-0000-0000-000000000001"
	reader   = "bbbbbbbb-0000-0000-0000-000000000002"
	version  = "?api-version=2023-07-01"
)

type world struct {
	*cloudtest.Manager
	t       *testing.T
	compute *compute.Service
	id      string
	arrived []map[string]string
	prints  string
	exits   int
}

func start(t *testing.T, options compute.Options, seed compute.Machine) *world {
	t.Helper()
	w := &world{Manager: cloudtest.StartManager(t), t: t, prints: "done"}
	w.compute = compute.New(w.Clock, w.Service, options)
	seed.Subscription, seed.ResourceGroup, seed.Name = cloudtest.Subscription, "rg", "web-1"
	seed.Runs = func(parameters map[string]string) (string, int) {
		w.arrived = append(w.arrived, parameters)
		return w.prints, w.exits
	}
	w.id = w.compute.AddMachine(seed)
	w.Allow(operator, resourcemanager.VirtualMachineContributor, "/subscriptions/"+cloudtest.Subscription+"/resourceGroups/rg")
	w.Allow(reader, resourcemanager.Reader, "/subscriptions/"+cloudtest.Subscription)
	return w
}

func (w *world) call(who, method, path, body string) (int, map[string]any) {
	w.t.Helper()
	answer, text := w.Call(w.t, who, method, path, body)
	var fields map[string]any
	if text != "" {
		require.NoError(w.t, json.Unmarshal([]byte(text), &fields))
	}
	return answer.StatusCode, fields
}

func command(script, protected string) string {
	return fmt.Sprintf(`{"location":"westeurope","properties":{"source":{"script":%q},"asyncExecution":true,"timeoutInSeconds":600,
		"parameters":[{"name":"Where","value":"C:/app"}],"protectedParameters":[%s]}}`, script, protected)
}

const secretly = `{"name":"NewSecret","value":"hush"}`

func view(t *testing.T, body map[string]any) map[string]any {
	t.Helper()
	properties := body["properties"].(map[string]any)
	require.Contains(t, properties, "instanceView")
	return properties["instanceView"].(map[string]any)
}

func TestACommandRunsOnTheClock(t *testing.T) {
	w := start(t, compute.Options{Starting: 5 * time.Second, Takes: time.Minute, Deleting: 10 * time.Second}, compute.Machine{})
	path := w.id + "/runCommands/one"
	status, body := w.call(operator, "PUT", path+version, command("param($NewSecret, $Where)", secretly))
	require.Equal(t, 201, status)
	assert.Equal(t, "Creating", body["properties"].(map[string]any)["provisioningState"])
	look := func() map[string]any {
		status, body := w.call(operator, "GET", path+version+"&$expand=instanceView", "")
		require.Equal(t, 200, status)
		return view(t, body)
	}
	assert.Equal(t, "Pending", look()["executionState"])
	assert.Empty(t, w.arrived)
	w.Clock.Advance(5 * time.Second)
	assert.Equal(t, "Running", look()["executionState"])
	assert.Equal(t, []map[string]string{{"NewSecret": "hush", "Where": "C:/app"}}, w.arrived)
	w.Clock.Advance(time.Minute)
	ended := look()
	assert.Equal(t, "Succeeded", ended["executionState"])
	assert.Equal(t, "done", ended["output"])

	answer, _ := w.Call(t, operator, "DELETE", path+version, "")
	require.Equal(t, 202, answer.StatusCode)
	location := strings.TrimPrefix(answer.Header.Get("Location"), "https://management.azure.com")
	status, _ = w.call(operator, "GET", location, "")
	assert.Equal(t, 202, status)
	_, body = w.call(operator, "GET", path+version, "")
	assert.Equal(t, "Deleting", body["properties"].(map[string]any)["provisioningState"])
	w.Clock.Advance(10 * time.Second)
	status, _ = w.call(operator, "GET", location, "")
	assert.Equal(t, 200, status)
	status, body = w.call(operator, "GET", path+version, "")
	assert.Equal(t, 404, status)
	assert.Equal(t, "ResourceNotFound", body["error"].(map[string]any)["code"])
	status, _ = w.call(operator, "DELETE", path+version, "")
	assert.Equal(t, 204, status)
}

func TestAFailingScriptIsToldInTheInstanceViewAlone(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	w.prints, w.exits = "no such file", 3
	path := w.id + "/runCommands/one"
	_, _ = w.call(operator, "PUT", path+version, command("x", secretly))
	_, body := w.call(operator, "GET", path+version, "")
	properties := body["properties"].(map[string]any)
	assert.Equal(t, "Succeeded", properties["provisioningState"])
	assert.NotContains(t, properties, "instanceView")
	_, body = w.call(operator, "GET", path+version+"&$expand=instanceView", "")
	assert.Equal(t, "Failed", view(t, body)["executionState"])
	assert.InDelta(t, 3, view(t, body)["exitCode"], 0)
}

func TestAProtectedParameterIsShownNowhere(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	path := w.id + "/runCommands/one"
	_, put := w.Call(t, operator, "PUT", path+version, command("x", secretly))
	_, got := w.Call(t, operator, "GET", path+version+"&$expand=instanceView", "")
	_, listed := w.Call(t, operator, "GET", w.id+"/runCommands"+version, "")
	state, err := json.Marshal(w.compute.State())
	require.NoError(t, err)
	for _, text := range []string{put, got, listed, string(state)} {
		assert.NotContains(t, text, "hush")
		assert.Contains(t, text, `"one"`)
	}
	assert.Contains(t, got, "C:/app", "a plain one is")
	assert.Contains(t, string(state), fmt.Sprintf(`"NewSecret":"%x"`, sha256.Sum256([]byte("hush"))))
}

func TestEveryPutRunsTheScriptAgain(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	for range 2 {
		_, _ = w.call(operator, "PUT", w.id+"/runCommands/one"+version, command("x", secretly))
	}
	assert.Len(t, w.arrived, 2)
	assert.Equal(t, 2, w.compute.State().Machines[0].Commands[0].Executions)
}

func TestAScriptThatTakesTooLongIsTimedOut(t *testing.T) {
	w := start(t, compute.Options{Takes: time.Hour}, compute.Machine{})
	path := w.id + "/runCommands/one"
	_, _ = w.call(operator, "PUT", path+version, command("x", secretly))
	w.Clock.Advance(10 * time.Minute)
	_, body := w.call(operator, "GET", path+version+"&$expand=instanceView", "")
	assert.Equal(t, "TimedOut", view(t, body)["executionState"])
}

func TestOutputIsCutToItsEnd(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	w.prints = strings.Repeat("a", 5000) + "end"
	path := w.id + "/runCommands/one"
	_, _ = w.call(operator, "PUT", path+version, command("x", secretly))
	_, body := w.call(operator, "GET", path+version+"&$expand=instanceView", "")
	output := view(t, body)["output"].(string)
	assert.Len(t, output, 4096)
	assert.True(t, strings.HasSuffix(output, "aend"))
}

func TestRequestsAreChecked(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	path := w.id + "/runCommands/one"
	valid := command("x", secretly)
	for name, c := range map[string]struct {
		who, method, path, body string
		status                  int
		code                    string
	}{
		"reading is not running":        {reader, "PUT", path + version, valid, 403, "AuthorizationFailed"},
		"a machine must exist":          {operator, "PUT", w.id + "x/runCommands/one" + version, valid, 404, "ParentResourceNotFound"},
		"a machine that is asked for":   {operator, "GET", w.id + "x" + version, "", 404, "ResourceNotFound"},
		"a location is the machine's":   {operator, "PUT", path + version, strings.Replace(valid, "westeurope", "eastus", 1), 409, "InvalidResourceLocation"},
		"a location is required":        {operator, "PUT", path + version, `{"properties":{}}`, 400, "LocationRequired"},
		"a script is required":          {operator, "PUT", path + version, `{"location":"westeurope","properties":{}}`, 400, "InvalidParameter"},
		"a member has to be known":      {operator, "PUT", path + version, strings.Replace(valid, "asyncExecution", "async", 1), 400, "InvalidParameter"},
		"a parameter has a name":        {operator, "PUT", path + version, command("x", `{"value":"v"}`), 400, "InvalidParameter"},
		"an api-version has to be real": {operator, "GET", path + "?api-version=2019-01-01", "", 400, "NoRegisteredProviderFound"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := w.call(c.who, c.method, c.path, c.body)
			assert.Equal(t, c.status, status, body)
			assert.Equal(t, c.code, body["error"].(map[string]any)["code"])
		})
	}
	assert.Empty(t, w.arrived)
}

func TestAStoppedMachineTakesNoCommand(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{Stopped: true})
	status, body := w.call(operator, "PUT", w.id+"/runCommands/one"+version, command("x", secretly))
	assert.Equal(t, 409, status)
	assert.Equal(t, "OperationNotAllowed", body["error"].(map[string]any)["code"])
	_, text := w.Call(t, reader, "GET", w.id+"/instanceView"+version, "")
	assert.Contains(t, text, `"PowerState/deallocated"`)
	w.compute.SetStopped(w.id, false)
	_, text = w.Call(t, reader, "GET", w.id+version+"&$expand=instanceView", "")
	assert.Contains(t, text, `"PowerState/running"`)
	_, text = w.Call(t, reader, "GET", "/subscriptions/"+cloudtest.Subscription+"/providers/Microsoft.Compute/virtualMachines"+version+"&statusOnly=true", "")
	assert.Contains(t, text, `"PowerState/running"`)
}

func TestAnUnregisteredProviderTakesNoCommand(t *testing.T) {
	w := start(t, compute.Options{}, compute.Machine{})
	w.Unregister(cloudtest.Subscription, "Microsoft.Compute")
	status, body := w.call(operator, "PUT", w.id+"/runCommands/one"+version, command("x", secretly))
	assert.Equal(t, 409, status)
	assert.Equal(t, "MissingSubscriptionRegistration", body["error"].(map[string]any)["code"])
}

func TestParametersAreBoundAsPowerShellDoes(t *testing.T) {
	const advanced = "<# what it does #>\nparam(\n  [Parameter(Mandatory=$true)]\n  [string]$NewSecret,\n  [Parameter(Mandatory = $true)] [string] $Where\n)\nx"
	for name, c := range map[string]struct {
		script  string
		refusal string
		linux   bool
	}{
		"all that is declared":              {script: advanced},
		"a name that is not declared":       {script: "param([Parameter()][string]$Where)", refusal: "script.ps1 : A parameter cannot be found that matches parameter name 'NewSecret'."},
		"the same without attributes":       {script: "param([string]$Where)"},
		"a mandatory one that is missing":   {script: strings.Replace(advanced, "$Where\n", "$Where,\n[Parameter(Mandatory)]$Path\n", 1), refusal: "script.ps1 : Cannot process command because of one or more missing mandatory parameters: path."},
		"an optional one that is missing":   {script: "[CmdletBinding()]\nparam($NewSecret, $Where, [Parameter(Mandatory=$false)]$Path = (Get-Date))"},
		"names know no case":                {script: "param([Parameter()]$newsecret, [ValidateSet('a','b')]$WHERE)"},
		"a shell has an environment":        {script: "param([Parameter()][string]$Where)", linux: true},
		"a script without a block takes it": {script: "Write-Host $args"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, compute.Options{}, compute.Machine{Linux: c.linux})
			path := w.id + "/runCommands/one"
			status, _ := w.call(operator, "PUT", path+version, command(c.script, secretly))
			require.Equal(t, 201, status)
			_, body := w.call(operator, "GET", path+version+"&$expand=instanceView", "")
			assert.Equal(t, c.refusal, view(t, body)["error"])
			assert.Equal(t, c.refusal == "", len(w.arrived) == 1)
		})
	}
}

func FuzzBinding(f *testing.F) {
	for _, script := range []string{"param($a)", "param([Parameter(Mandatory)]$a,", "<#", "param((", "[CmdletBinding()]param($a)"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) { compute.Bind(script, map[string]string{"NewSecret": "x"}) })
}
