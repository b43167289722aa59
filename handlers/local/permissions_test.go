package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

// TestEveryPermissionIsNeededAndNamed holds infra's page of permissions against what
// the product does: each outside call that it makes stands there, what stands there is
// made, and nobody without the permission may make it.
func TestEveryPermissionIsNeededAndNamed(t *testing.T) {
	t.Parallel()
	book := &callBook{first: map[string]cloud.Exchange{}}
	e := startEverything(t, func(o *Options) {
		o.Access, o.Azure = true, func(a *azuresim.Azure) { a.Cloud.Record(book.note) }
		o.Latency.Jobs = 100 * time.Millisecond
	})
	e.notifyEverybody(t)
	e.useEverything(t)
	e.overtake(t, book)
	e.makeEveryChoice(t)
	status, text := e.as(t, http.MethodGet, e.path, "", e.bearer(t, "owner")...)
	require.Equal(t, http.StatusForbidden, status, text)
	require.NoError(t, e.call(t.Context(), http.MethodPost, "/api/inventory/refresh", map[string]any{}))
	require.NoError(t, e.get(t.Context(), "/api/advice", &struct{}{}))
	e.askTheDoctor(t)
	made := book.calls()
	assert.ElementsMatch(t, permissionsPage(t), slices.Collect(maps.Keys(made)))
	e.refuseNobody(t, made)
}

// useEverything does what one rotation to one target of each kind does not: steps of
// every kind, and a name in a vault that was deleted.
func (e *everything) useEverything(t *testing.T) {
	t.Helper()
	storage := e.Azure.Scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "scripts"})
	runner := e.Azure.Scripts.AddIdentity(deploymentscripts.Identity{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "runner"})
	e.put(t, "/api/tasks/notify", map[string]any{"name": "Notify", "steps": []any{
		map[string]any{"name": "tell", "runbook": map[string]any{"account": e.Tenant.places.account, "runbook": "Deliver", "vault": rbacVault, "secretName": runbookSecret}},
		map[string]any{"name": "notify", "powershell": map[string]any{"where": "container", "script": "param($NewSecret)", "container": map[string]any{
			"resourceGroup": groupID, "location": "westeurope", "storageAccount": storage, "identity": runner}}},
	}})
	for id, body := range map[string]map[string]any{
		"backup": e.Tenant.places.inVault("secret", rbacVault, map[string]any{"name": runbookSecret}), "notify": e.Tenant.places.task("notify"),
	} {
		e.put(t, e.path+"/targets/"+id, body)
	}
	e.rotate(t)
	for _, object := range []string{"secrets/" + runbookSecret, "certificates/web-shop-certificate"} {
		require.NoError(t, e.vaultCall(t.Context(), http.MethodDelete, "https://"+rbacVault+".vault.azure.net/"+object, nil, nil))
	}
	e.rotate(t)
	e.retire(t)
}

// overtake asks for a rotation while nobody can hear how the job of the one before
// gets on, so that it is stopped.
func (e *everything) overtake(t *testing.T, book *callBook) {
	t.Helper()
	jobs := cloud.Fault{Host: "management.azure.com", Method: http.MethodGet, Path: "/subscriptions/*/resourceGroups/*/providers/Microsoft.Automation/automationAccounts/*/jobs/*", Status: http.StatusServiceUnavailable}
	e.face(t, http.MethodPut, "/sim/faults", []cloud.Fault{jobs}, nil)
	older := e.ask(t, e.app, `{"kind":"secret"}`)
	eventually(t, "a job that nobody hears of", func() bool {
		for _, d := range e.rotation(t, older).Deployments {
			if d.Target == "notify" && d.State == "running" {
				return true
			}
		}
		return false
	})
	newer := e.ask(t, e.app, `{"kind":"secret"}`)
	eventually(t, "the older job stopped", func() bool {
		for name := range book.calls() {
			if strings.HasSuffix(name, "/jobs/{name}/stop") {
				return true
			}
		}
		return false
	})
	e.face(t, http.MethodPut, "/sim/faults", []cloud.Fault{}, nil)
	e.done(t, newer)
}

// makeEveryChoice asks for all that can be chosen.
func (e *everything) makeEveryChoice(t *testing.T) {
	t.Helper()
	chosen := "&appId=" + e.app + "&kind=secret&organization=" + organization + "&project="
	for _, choice := range []string{
		"keyvault/choices?setting=vault", "apiconnection/choices?setting=connection" + chosen,
		"automation/choices?setting=vm", "automation/choices?setting=account", "automation/choices?setting=runbook&account=" + url.QueryEscape(e.Tenant.places.account),
		"devops/choices?setting=organization", "devops/choices?setting=project" + chosen, "devops/choices?setting=serviceConnection" + chosen + project,
		"vercel/choices?setting=project" + chosen, "vercel/choices?setting=environments" + chosen + "web-shop",
	} {
		var answer any
		e.read(t, "/api/integrations/"+choice, &answer)
	}
}

// askTheDoctor has every check made, also of events that come by a system topic.
func (e *everything) askTheDoctor(t *testing.T) {
	t.Helper()
	e.Azure.EventGrid.AddSystemTopic(eventgrid.SystemTopic{ID: groupID + "/providers/Microsoft.EventGrid/systemTopics/apps", Source: e.Tenant.vaults[0]})
	e.diagnosis(t, "")
	e.diagnosis(t, "?app="+e.app)
}

// callBook keeps the first exchange of each kind.
type callBook struct {
	mu    sync.Mutex
	first map[string]cloud.Exchange
}

func (b *callBook) note(x cloud.Exchange) {
	if !regexp.MustCompile(`(net|com|example)(:443)?$`).MatchString(x.Request.Host) {
		return // the platform's identity endpoint
	}
	if strings.HasSuffix(x.Request.Host, ".vault.azure.net") && strings.HasPrefix(x.Request.UserAgent(), "Go-http-client") {
		return // vaultCall's, not the product's
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name := callName(x.Request)
	if before, known := b.first[name]; !known || before.Status >= 300 {
		b.first[name] = x
	}
}

func (b *callBook) calls() map[string]cloud.Exchange {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.first)
}

// callName names a call as the page does.
func callName(r *http.Request) string {
	return r.Method + " " + hostName(r.Host) + pathName(r.URL.Path)
}

func hostName(host string) string {
	switch {
	case host == stagingVault+".vault.azure.net":
		return "{staging}.vault.azure.net"
	case strings.HasSuffix(host, ".vault.azure.net"):
		return "{vault}.vault.azure.net"
	case strings.HasSuffix(host, ".eventgrid.azure.net"):
		return "{topic}.eventgrid.azure.net"
	case strings.HasSuffix(host, ".api.powerplatform.com:443"):
		return "{environment}.api.powerplatform.com"
	case strings.HasSuffix(host, ".receiver.example"):
		return "{receiver}"
	}
	return host
}

// named is what follows a word in paths. {scope} is whatever stands before the last
// provider.
var named = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`^/.*(/providers/Microsoft\.Authorization/)`), "/{scope}$1"},
	{regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`), "{id}"},
	{regexp.MustCompile(`(?i)/(resourceGroups|vaults|virtualMachines|automationAccounts|storageAccounts|userAssignedIdentities|connections|locations|managedApis|systemTopics)/[^/]+`), "/$1/{name}"},
	{regexp.MustCompile(`/(runCommands|deploymentScripts|runbooks|jobs|secrets|certificates|deletedsecrets|deletedcertificates)/[^/]+`), "/$1/{name}"},
	{regexp.MustCompile(`/secrets/\{name\}/[0-9a-f]{32}$`), "/secrets/{name}/{version}"},
	{regexp.MustCompile(`^/(v\d+)/(projects|deployments|teams)/[^/]+`), "/$1/$2/{id}"},
	{regexp.MustCompile(`/env/[^/]+`), "/env/{id}"},
	{regexp.MustCompile(`^/` + organization + `/`), "/{organization}/"},
	{regexp.MustCompile(`^/\{organization\}/(` + project + `|\{id\})/`), "/{organization}/{project}/"},
	{regexp.MustCompile(`/subscriptions/\{id\}/providers/Microsoft\.[A-Za-z]+$`), "/subscriptions/{id}/providers/{namespace}"},
	{regexp.MustCompile(`^/v1.0/users/[^/]+/`), "/v1.0/users/{mailbox}/"},
	{regexp.MustCompile(`^/services/.+|^/hooks/.+`), "/{hook}"},
	{regexp.MustCompile(`^/powerautomate/.+`), "/{flow}"},
	{regexp.MustCompile(`/$`), ""},
}

func pathName(path string) string {
	for _, n := range named {
		path = n.form.ReplaceAllString(path, n.name)
	}
	return path
}

// permissionsPage reads the calls of the page.
func permissionsPage(t *testing.T) (calls []string) {
	t.Helper()
	page, err := os.ReadFile("../../infra/README.md")
	require.NoError(t, err)
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:GET|PUT|POST|PATCH|DELETE) [^`]+)` \\|").FindAllSubmatch(page, -1) {
		calls = append(calls, string(row[1]))
	}
	require.Greater(t, len(calls), 40)
	return calls
}

// refuseNobody repeats every call in the name of somebody who has no permission.
func (e *everything) refuseNobody(t *testing.T, made map[string]cloud.Exchange) {
	t.Helper()
	nobody := e.Azure.Directory.AddManagedIdentity("nobody")
	stranger := e.Azure.Vercel.AddToken(vercel.Token{Text: strings.Repeat("stranger", 3), Teams: []string{e.Azure.Vercel.AddTeam(vercel.Team{Slug: "strangers"})}})
	for name, x := range made {
		bearer := strings.TrimPrefix(x.Request.Header.Get("Authorization"), "Bearer ")
		if bearer == "" { // a credential is its own permission
			assert.Contains(t, []string{"login.microsoftonline.com", "hooks.slack.com", "{environment}.api.powerplatform.com", "{receiver}"}, hostName(x.Request.Host), name)
			continue
		}
		if bearer = e.tokenOf(t, nobody.AppID, bearer); bearer == "" {
			bearer = stranger
		}
		status, body := e.repeat(t, x, bearer)
		shows := status < 300 && !regexp.MustCompile(`^(null|\{("count":0,)?"value":\[\](,"count":0)?\})\s*$`).MatchString(body)
		if strings.HasSuffix(name, "/$batch") { // each call in it has a status of its own
			shows = strings.Contains(body, `"status":200`)
		}
		assert.False(t, shows, "%s as nobody: %d %s", name, status, body)
	}
}

// tokenOf is a token of another identity for the same resource, or nothing where the
// token is not one of Entra ID.
func (e *everything) tokenOf(t *testing.T, clientID, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var c struct{ Aud string }
	require.NoError(t, json.Unmarshal(claims, &c))
	query := url.Values{"api-version": {"2019-08-01"}, "resource": {c.Aud}, "client_id": {clientID}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.Endpoints.IdentityEndpoint+"?"+query.Encode(), nil)
	require.NoError(t, err)
	request.Header.Set("X-IDENTITY-HEADER", e.Endpoints.IdentityHeader)
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, fetch(e.client, request, &answer))
	return answer.Token
}

func (e *everything) repeat(t *testing.T, x cloud.Exchange, bearer string) (status int, body string) {
	t.Helper()
	address := url.URL{Scheme: "https", Host: x.Request.Host, Path: x.Request.URL.Path, RawPath: x.Request.URL.RawPath, RawQuery: x.Request.URL.RawQuery}
	query := address.Query()
	if query.Has("teamId") {
		query.Set("teamId", team)
		address.RawQuery = query.Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), x.Request.Method, address.String(), bytes.NewReader(x.Body))
	require.NoError(t, err)
	request.Header = x.Request.Header.Clone()
	request.Header.Set("Authorization", "Bearer "+bearer)
	answer, err := e.Azure.Cloud.Client().Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}
