package devops_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
)

func TestWithoutAGoodTokenThereIsASignInPage(t *testing.T) {
	w := start(t, devops.Options{})
	w.token = "stale"
	for name, want := range map[string]struct {
		headers []string
		status  int
	}{
		"a program that says nothing":        {nil, http.StatusNonAuthoritativeInfo},
		"a browser":                          {[]string{"Accept", "text/html,*/*"}, http.StatusFound},
		"a program that suppresses the page": {[]string{"X-TFS-FedAuthRedirect", "Suppress"}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.send(t, http.MethodGet, "/Fabrikam/_apis/projects", nil, want.headers...)
			assert.Equal(t, want.status, got.StatusCode)
			assert.Contains(t, got.Header.Get("Content-Type"), "text/html")
			assert.Equal(t, tenant, got.Header.Get("X-Vss-Resourcetenant"), "whose principals are let in")
		})
	}
}

func TestAnOrganizationLetsItsMembersInAlone(t *testing.T) {
	w := start(t, devops.Options{})
	const other = "11111111-2222-4333-8444-555555555555"
	w.service.AddOrganization(devops.Organization{Name: "Contoso", TenantID: other})
	w.service.AddMember("Contoso", w.caller.ObjectID)
	w.service.AddOrganization(devops.Organization{Name: "Closed"})
	for org, resource := range map[string]string{"Contoso": other, "Closed": tenant} {
		got := w.send(t, http.MethodGet, "/"+org+"/_apis/projects", nil)
		assert.Equal(t, http.StatusUnauthorized, got.StatusCode)
		assert.Equal(t, "TF400813: The user '"+w.caller.ObjectID+"' is not authorized to access this resource.", got.message())
		assert.Equal(t, resource, got.Header.Get("X-Vss-Resourcetenant"))
	}
	got := w.send(t, http.MethodGet, "/nowhere/_apis/projects", nil)
	assert.Equal(t, http.StatusNotFound, got.StatusCode)
	assert.Contains(t, got.text, "<html")

	accounts := w.send(t, http.MethodGet, "https://"+devops.ProfileHost+"/_apis/profile/profiles/me", nil)
	accounts = w.send(t, http.MethodGet, "https://"+devops.ProfileHost+"/_apis/Accounts?memberId="+accounts.object["id"].(string), nil)
	assert.Equal(t, float64(1), accounts.object["count"], "the one of this tenant that it is a member of")
}

func TestVersionsAreChecked(t *testing.T) {
	w := start(t, devops.Options{})
	for given, want := range map[string]int{
		"7.1": 200, "7.1-preview": 200, "7.1-preview.4": 200, "5.0": 200, "7.2-preview.4": 200,
		"7.2": 400, "8.0": 400, "7.1-preview.9": 400, "latest": 400,
	} {
		path := "/Fabrikam/_apis/projects"
		assert.Equal(t, want, w.send(t, http.MethodGet, path+"?api-version="+given, nil).StatusCode, given)
		assert.Equal(t, want, w.send(t, http.MethodGet, path, nil, "Accept", "application/json;api-version="+given).StatusCode, given)
	}
	got := w.send(t, http.MethodPut, "/Fabrikam/_apis/serviceendpoint/endpoints/"+w.connection, map[string]any{})
	assert.Contains(t, got.message(), `No api-version was supplied for the "PUT" request.`)
}

func TestManyCallsAreSlowedDownAndThenRefused(t *testing.T) {
	w := start(t, devops.Options{Calls: 2})
	var statuses []int
	var waits []string
	for range 5 {
		got := w.send(t, http.MethodGet, "/Fabrikam/_apis/projects", nil)
		statuses, waits = append(statuses, got.StatusCode), append(waits, got.Header.Get("Retry-After"))
	}
	assert.Equal(t, []int{200, 200, 200, 200, 429}, statuses)
	assert.Equal(t, []string{"", ""}, waits[:2])
	assert.NotEmpty(t, waits[2], "also on an answer that is one")
	w.clock.Advance(5 * time.Minute)
	require.Equal(t, 200, w.send(t, http.MethodGet, "/Fabrikam/_apis/projects", nil).StatusCode)
}

func TestWhatIsNotThereIsNotThere(t *testing.T) {
	w := start(t, devops.Options{})
	hidden := w.add(devops.Connection{Name: "hidden"})
	for name, path := range map[string]string{
		"a connection without a role":  "/Fabrikam/Web/_apis/serviceendpoint/endpoints/" + hidden,
		"a connection of another":      "/Fabrikam/Shop%20floor/_apis/serviceendpoint/endpoints/" + w.connection,
		"a connection that nobody has": "/Fabrikam/Web/_apis/serviceendpoint/endpoints/" + tenant,
	} {
		got := w.send(t, http.MethodGet, path, nil)
		assert.Equal(t, 200, got.StatusCode, name)
		assert.Equal(t, "null\n", got.text, name)
	}
	got := w.send(t, http.MethodGet, "/Fabrikam/Nothing/_apis/serviceendpoint/endpoints", nil)
	assert.Equal(t, 404, got.StatusCode)
	assert.Contains(t, got.message(), "TF200016: The following project does not exist: Nothing.")
	assert.Equal(t, 404, w.write(t, hidden, map[string]any{}).StatusCode)
	assert.Equal(t, 404, w.send(t, http.MethodDelete, "/Fabrikam/_apis/projects", nil).StatusCode)
}

func TestAnActionFilterTellsWhatTheCallerMayDo(t *testing.T) {
	w := start(t, devops.Options{})
	for role, manages := range map[devops.Role]bool{devops.Reader: false, devops.User: false, devops.Administrator: true} {
		w.service.SetRole("Fabrikam", w.connection, w.caller.ObjectID, role)
		got := w.send(t, http.MethodGet, "/Fabrikam/Web/_apis/serviceendpoint/endpoints/"+w.connection+"?actionFilter=manage", nil)
		assert.Equal(t, manages, got.object != nil, "role %d", role)
	}
}
