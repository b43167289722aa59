//go:build specs

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
)

// descriptions are the official ones, by the hosts that they speak of. Graph and
// Vercel are not among them: the one is described in CSDL, the other in words.
var descriptions = map[string][]string{
	`^management\.azure\.com$`: {
		"arm-keyvault/2023-07-01/keyvault.json",
		"arm-authorization/2022-04-01/authorization-RoleAssignmentsCalls.json",
		"arm-web-connections/2016-06-01/logicAppsManagementClient.json",
		"arm-automation/stable/2019-06-01/job.json",
		"arm-automation/stable/2019-06-01/runbook.json",
		"arm-compute-runcommand/ComputeRP/stable/2023-07-01/runCommand.json",
		"arm-deploymentscripts/2023-08-01/deploymentScripts.json",
	},
	`\.vault\.azure\.net$`: {
		"keyvault-dataplane/7.4/secrets.json",
		"keyvault-dataplane/7.4/certificates.json",
	},
	`^dev\.azure\.com$|^app\.vssps\.visualstudio\.com$`: {
		"azure-devops/serviceEndpoint/7.1/serviceEndpoint.json",
		"azure-devops/core/7.1/core.json",
		"azure-devops/profile/7.1/profile.json",
		"azure-devops/account/7.1/accounts.json",
	},
}

// deviations are what may differ from the descriptions, and why. The patterns
// match "METHOD host path: what is wrong".
var deviations = []struct{ pattern, why string }{
	{`/roleAssignments.*/properties/condition(Version)?": Value is not nullable`, "Resource Manager answers null where there is no condition; SDKs read both"},
	{`^(GET|PUT) dev\.azure\.com.*/authorization/parameters/\w+": Value is not nullable`, "Azure DevOps shows a secret as null, as the vendor's own examples do"},
	{`^POST dev\.azure\.com.*/endpointproxy.*value must be an array`, "two operations share this path and differ in a parameter; the description of the other one is found"},
}

// specsFolder is where the descriptions are, outside the repository.
func specsFolder() string { return os.Getenv("REKEY_SPECS") }

type judge struct {
	operations map[*regexp.Regexp][]routers.Router

	mu        sync.Mutex
	exchanges []cloud.Exchange
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	j := &judge{operations: map[*regexp.Regexp][]routers.Router{}}
	for host, files := range descriptions {
		for _, file := range files {
			router, _, err := loadDescription(filepath.Join(specsFolder(), file))
			require.NoError(t, err, file)
			pattern := regexp.MustCompile(host)
			j.operations[pattern] = append(j.operations[pattern], router)
		}
	}
	return j
}

func (j *judge) record(e cloud.Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges = append(j.exchanges, e)
}

// TestWhatIsSaidIsDescribed runs rotations to every integration and holds each
// request and each answer against the vendors' descriptions.
func TestWhatIsSaidIsDescribed(t *testing.T) {
	if _, err := os.Stat(specsFolder()); err != nil {
		t.Skip("left out: REKEY_SPECS names no folder with the official descriptions")
	}
	openapi3filter.RegisterBodyDecoder("application/pkcs12", openapi3filter.FileBodyDecoder)
	j := newJudge(t)
	e := startEverything(t, func(o *Options) {
		o.Azure = func(a *azuresim.Azure) { a.Cloud.Record(j.record) }
	})
	e.rotate(t)
	e.retire(t)
	j.mu.Lock()
	defer j.mu.Unlock()
	judged, wrong := map[string]int{}, map[string]int{}
	for _, e := range j.exchanges {
		described, err := j.judge(t.Context(), e)
		if !described {
			continue
		}
		judged[e.Request.Method+" "+e.Request.Host]++
		if err != nil && !allowed(e, err) {
			wrong[describe(e, err)]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(judged)) {
		t.Logf("%4d  %s", judged[what], what)
	}
	assert.NotEmpty(t, judged)
	for _, what := range slices.Sorted(maps.Keys(wrong)) {
		assert.Fail(t, what)
	}
}

func describe(e cloud.Exchange, err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return fmt.Sprintf("%s %s%s %d: %s", e.Request.Method, e.Request.Host, e.Request.URL.Path, e.Status, text[:min(len(text), 600)])
}

func allowed(e cloud.Exchange, err error) bool {
	return slices.ContainsFunc(deviations, func(d struct{ pattern, why string }) bool {
		return regexp.MustCompile(d.pattern).MatchString(describe(e, err))
	})
}

// judge holds one exchange against the descriptions. An exchange of which none
// speaks is not described.
func (j *judge) judge(ctx context.Context, e cloud.Exchange) (described bool, err error) {
	for host, operations := range j.operations {
		if !host.MatchString(e.Request.Host) {
			continue
		}
		for _, router := range operations {
			request := asked(e)
			route, path, err := router.FindRoute(request)
			if err != nil {
				continue
			}
			return true, judged(ctx, e, request, route, path)
		}
	}
	return false, nil
}

// asked is the request as it was sent, to be read again.
func asked(e cloud.Exchange) *http.Request {
	r := e.Request.Clone(e.Request.Context())
	r.Body = io.NopCloser(bytes.NewReader(e.Body))
	r.ContentLength = int64(len(e.Body))
	r.URL.Path = strings.TrimSuffix(strings.ReplaceAll(r.URL.Path, "//", "/"), "/")
	return r
}

func judged(ctx context.Context, e cloud.Exchange, r *http.Request, route *routers.Route, path map[string]string) error {
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: false,
		ExcludeReadOnlyValidations: true, ExcludeWriteOnlyValidations: true,
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: path, Route: route, Options: options}
	// A call that the service refuses may be refused for its form.
	if e.Status < 300 {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.Status, Header: e.Header, Options: options,
		Body: io.NopCloser(bytes.NewReader(e.AnswerBody)),
	}
	if err := openapi3filter.ValidateResponse(ctx, output); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
