package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

type shownFinding struct{ Check, AppID, Subject, Severity, Finding, Remedy string }

type shownDiagnosis struct {
	OK     bool
	Checks []struct {
		Check, What string
		Findings    []shownFinding
	}
	Applications struct{ Items []shownFinding }
}

// words are the findings, each as check, severity, words and remedy.
func (d shownDiagnosis) words() (all []string) {
	for _, c := range d.Checks {
		for _, f := range c.Findings {
			all = append(all, fmt.Sprintf("%s: %s: %s; %s", f.Check, f.Severity, f.Finding, f.Remedy))
		}
	}
	return all
}

func (s *Stack) diagnosis(t *testing.T, query string) (d shownDiagnosis) {
	t.Helper()
	s.read(t, "/api/doctor"+query, &d)
	return d
}

// TestTheDoctorNamesWhatIsBroken breaks several things at once, and puts them right.
func TestTheDoctorNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Settings["REKEY_DOCTOR_SCHEDULE"] = "* * * * * *" })
	app := s.manage(t, 0, fast(nil), rbacVault)
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	assert.Empty(t, s.diagnosis(t, "").words())
	assert.Empty(t, s.diagnosis(t, "?app="+app).words())

	broken := s.Azure.Directory
	registered, _ := broken.ApplicationByAppID(app, 0)
	disowned := registered
	disowned.Owners = nil
	broken.PutApplication(disowned)
	s.Azure.Graph.SetPolicy(graph.Policy{ID: "p", NoPasswords: true})
	name := s.secretName(t, app)
	require.NoError(t, s.vaultCall(t.Context(), http.MethodDelete, "https://"+rbacVault+".vault.azure.net/secrets/"+name, nil, nil))
	for _, vault := range s.Tenant.vaults {
		s.Azure.EventGrid.Unsubscribe(vault, "rekey")
	}
	want := []string{
		"ownership: error: rekey's identity is no owner of the application: it can neither add nor remove a credential; az ad app owner add --id " + app + " --owner-object-id " + s.Tenant.Identity.ObjectID,
		`policies: error: the app management policy "Default app management tenant policy" forbids client secrets of this application: rekey can add none; assign the application an app management policy of its own in which passwordAddition is disabled, or rotate certificates`,
		fmt.Sprintf(`targets: warning: the secret %q of vault %q was deleted: the next delivery recovers it, with its older versions, before it writes; delete the target if nobody needs it any more; ask for a rotation if somebody does`, name, rbacVault),
		fmt.Sprintf(`nearexpiry: warning: no Event Grid subscription brings Microsoft.KeyVault.SecretNearExpiry of vault %q to rekey: the timer alone looks after the target; az eventgrid event-subscription create --name rekey --source-resource-id <the id of vault %s> --endpoint-type azurefunction --endpoint <the function app's id>/functions/nearexpiry --included-event-types Microsoft.KeyVault.SecretNearExpiry`, rbacVault, rbacVault),
	}
	eventually(t, "all of it found", func() bool { return assert.ObjectsAreEqual(want, s.diagnosis(t, "?app="+app).words()) })
	all := s.diagnosis(t, "")
	assert.Equal(t, []string{`policies: warning: the tenant's app management policy "Default app management tenant policy" forbids client secrets of every application without a policy of its own; assign the applications that rekey manages an app management policy of their own in which passwordAddition is disabled, or rotate certificates`}, all.words())
	assert.Len(t, all.Applications.Items, len(want))

	broken.PutApplication(registered)
	s.Azure.Graph.SetPolicy(graph.Policy{})
	require.NoError(t, s.vaultCall(t.Context(), http.MethodPost, "https://"+rbacVault+".vault.azure.net/deletedsecrets/"+name+"/recover", nil, nil))
	topic := groupID + "/providers/Microsoft.EventGrid/systemTopics/apps"
	s.Azure.EventGrid.AddSystemTopic(eventgrid.SystemTopic{ID: topic, Source: s.Tenant.vaults[0]})
	subscription := eventgrid.Subscription{
		Name: "again", Source: s.Tenant.vaults[0], SystemTopic: topic, EventTypes: nearExpiryTypes(),
		Endpoint: s.Endpoints.Host + "/runtime/webhooks/eventgrid?functionName=nearexpiry",
	}
	require.NoError(t, s.Azure.EventGrid.Subscribe(t.Context(), subscription))
	eventually(t, "only the subscription's age is left", func() bool {
		left := s.diagnosis(t, "?app="+app).words()
		return len(left) == 1 && strings.Contains(left[0], `nearexpiry: warning: the Event Grid subscription to vault "contoso-apps" is younger`)
	})
	s.done(t, s.ask(t, app, `{"kind":"secret"}`))
	eventually(t, "nothing left", func() bool {
		return len(s.diagnosis(t, "?app="+app).words()) == 0 && len(s.diagnosis(t, "").words()) == 0
	})
	assert.Equal(t, []string{"1 finding nearexpiry", "1 finding ownership", "1 finding policies", "1 finding policies of the tenant", "1 finding targets",
		"1 resolved nearexpiry", "1 resolved ownership", "1 resolved policies", "1 resolved policies of the tenant", "1 resolved targets"}, s.doctorsLines(t))
}

// doctorsLines counts the doctor's lines in the log of the tenant, by what they say.
func (s *Stack) doctorsLines(t *testing.T) (all []string) {
	t.Helper()
	store, err := tablestore.FromConnectionString(s.Endpoints.Tables, tablestore.Options{CallTimeout: 10 * time.Second})
	require.NoError(t, err)
	counts := map[string]int{}
	for _, day := range []time.Time{time.Now().Add(-time.Hour), time.Now()} {
		for row, err := range store.Query(t.Context(), engine.Range{Table: engine.TableLog, Partition: day.UTC().Format(time.DateOnly)}) {
			require.NoError(t, err)
			if what := row.Properties["what"]; what != "finding" && what != "resolved" {
				continue
			}
			check, _, _ := strings.Cut(row.Properties["detail"].(string), ":")
			if row.Properties["appId"] == "" {
				check += " of the tenant"
			}
			counts[fmt.Sprint(row.Properties["what"], " ", check)]++
		}
		if day.UTC().Format(time.DateOnly) == time.Now().UTC().Format(time.DateOnly) {
			break // both are the same day
		}
	}
	for what, n := range counts {
		all = append(all, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(all)
	return all
}

// TestTheDoctorNamesTheMissingPermission has checks say why they could not be run.
func TestTheDoctorNamesTheMissingPermission(t *testing.T) {
	s := startStack(t, func(o *Options) { o.Apps = 1 })
	app := s.manage(t, 0, fast(nil), rbacVault)
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	identity, _ := s.Azure.Directory.ServicePrincipal(s.Tenant.Identity.ObjectID, 0)
	identity.Roles = []string{entra.RoleApplicationReadWriteOwnedBy}
	s.Azure.Directory.PutServicePrincipal(identity)
	s.Host.Kill() // a token is kept for as long as the process lasts
	assert.Contains(t, strings.Join(s.diagnosis(t, "").words(), "\n"), "Policy.Read.All")
}
