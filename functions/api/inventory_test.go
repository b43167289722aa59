package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// tenant is Graph as far as it lists applications: it has all changes in one page.
type tenant struct {
	changes []inventory.Change
	owners  map[string][]inventory.Owner
	fail    error
	rounds  int
}

func (t *tenant) Changes(_ context.Context, link string) (inventory.Changes, error) {
	t.rounds++
	if link != "" {
		return inventory.Changes{Next: link, Last: true}, t.fail
	}
	return inventory.Changes{Changes: t.changes, Next: "delta", Last: true}, t.fail
}

func (t *tenant) Owners(context.Context, []string) (map[string][]inventory.Owner, error) {
	return t.owners, nil
}

func (t *tenant) Issuers(context.Context, []string) (map[string][]string, error) { return nil, t.fail }

func (t *tenant) LastUsed(context.Context, []string) (map[string]map[string]time.Time, error) {
	return nil, t.fail
}

const annID = "aaaaaaaa-0000-4000-8000-000000000000"

// registered puts applications into the tenant, of which the n-th has a secret that
// ends an hour before n times ten days have passed, and the first is managed.
func (w *world) registered(count int) (appIDs []any) {
	w.t.Helper()
	w.must(201, "PUT", appPath, managed)
	w.tenant.owners = map[string][]inventory.Owner{}
	for n := range count {
		id := fmt.Sprintf("%x%07x-0000-4000-8000-000000000000", n%16, n)
		client := appID
		if n > 0 {
			client = fmt.Sprintf("%x%07x-aaaa-4000-8000-000000000000", n%16, n)
		}
		w.tenant.changes = append(w.tenant.changes, inventory.Change{
			ObjectID: id, AppID: new(client), Name: new(fmt.Sprintf("App %d", n)), Certificates: &[]inventory.Credential{},
			Secrets: &[]inventory.Credential{{
				Kind: rotation.Secret, KeyID: fmt.Sprintf("%08x-bbbb-4000-8000-000000000000", n), Name: "by hand",
				Start: w.now.AddDate(-1, 0, 0), End: w.now.Truncate(time.Second).AddDate(0, 0, 10*n).Add(-time.Hour),
			}},
		})
		w.tenant.owners[id] = []inventory.Owner{{ID: fmt.Sprintf("%08x-cccc-4000-8000-000000000000", n%2), Kind: "user"}}
		appIDs = append(appIDs, client)
	}
	w.must(202, "POST", "/api/inventory/refresh", "")
	return appIDs
}

func TestTheInventoryIsEmptyBeforeItIsRead(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, map[string]any{"items": []any{}, "next": nil, "freshness": map[string]any{"running": false}}, w.must(200, "GET", "/api/inventory", ""))
	refused := w.must(404, "GET", "/api/inventory/"+appID, "")
	assert.Equal(t, "the inventory has no app registration with this client id; it may be newer than the last synchronization", refused["detail"])
}

func TestTheInventoryAnswersWhatEnds(t *testing.T) {
	w := newWorld(t)
	ids := w.registered(8)
	for query, want := range map[string][]any{
		"?expiresWithin=30d":                           ids[1:4],
		"?expiresWithin=P30D":                          ids[1:4],
		"?expiresWithin=PT240H":                        ids[1:2],
		"?expiresWithin=P9DT25H":                       ids[1:2],
		"?expiresWithin=24h":                           nil,
		"?expired=true":                                ids[:1],
		"?expired=true&expiresWithin=12d":              ids[:2],
		"?managed=true":                                ids[:1],
		"?expiresWithin=60d&managed=false&kind=secret": ids[1:7],
		"?kind=certificate":                            nil,
		"?name=" + url.QueryEscape("app 3"):            ids[3:4],
		"?owner=00000001-CCCC-4000-8000-000000000000":  {ids[1], ids[3], ids[5], ids[7]},
		"?expiresWithin=45d&owner=00000001-cccc-4000-8000-000000000000": {ids[1], ids[3]},
		"?name=": ids,
	} {
		assert.Equal(t, want, w.walk("/api/inventory"+query, "&", "appId"), query)
	}
}

func TestOneRegistrationIsShownWithAllThatIsKnown(t *testing.T) {
	w := newWorld(t)
	w.registered(2)
	shown := w.must(200, "GET", "/api/inventory/"+appID, "")
	assert.Equal(t, true, shown["managed"])
	assert.Equal(t, []any{map[string]any{"id": "00000000-cccc-4000-8000-000000000000", "type": "user"}}, shown["owners"])
	credential := shown["credentials"].([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{
		"kind": "secret", "keyId": "00000000-bbbb-4000-8000-000000000000", "name": "by hand", "ours": false,
		"start": credential["start"], "end": "2026-02-28T23:00:00Z",
	}, credential)
	assert.Equal(t, false, shown["freshness"].(map[string]any)["running"])
	assert.NotEmpty(t, shown["freshness"].(map[string]any)["ended"])
}

func TestAnInventoryQuestionIsCheckedStrictly(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]string{
		"expiresWithin=30":     "query.expiresWithin: must be a time such as 30d, 12h, P30D, PT12H or P1DT12H",
		"expiresWithin=P1Y":    "query.expiresWithin: must be a time such as 30d, 12h, P30D, PT12H or P1DT12H",
		"expiresWithin=99999d": "query.expiresWithin: must be a time such as 30d, 12h, P30D, PT12H or P1DT12H",
		"owner=ann":            "query.owner: must be the object id of an owner, a GUID",
		"managed=yes":          "query.managed: must be one of true, false",
		"kind=key":             "query.kind: must be one of secret, certificate",
		"cursor=YXBw":          "query.cursor: must be the next of the page before",
	} {
		assert.Equal(t, want, w.must(422, "GET", "/api/inventory?"+query, "")["detail"], query)
	}
	w.registered(5)
	next := w.must(200, "GET", "/api/inventory?limit=2", "")["next"].(string)
	assert.Equal(t, "query.cursor: must be the next of the page before", w.must(422, "GET", "/api/inventory?expired=true&cursor="+next, "")["detail"], "one of another question")
}

func TestARefreshIsDoneAtOnce(t *testing.T) {
	w := newWorld(t)
	w.registered(1)
	w.must(202, "POST", "/api/inventory/refresh", "{}")
	assert.Equal(t, 2, w.tenant.rounds, "only what has changed")
	w.tenant.changes = nil
	fresh := w.must(202, "POST", "/api/inventory/refresh", `{"full":true}`)
	assert.Equal(t, false, fresh["running"])
	assert.Empty(t, w.must(200, "GET", "/api/inventory", "")["items"])
	assert.Equal(t, "body.ful: is not a field here; the fields are in /api/openapi.json", w.must(422, "POST", "/api/inventory/refresh", `{"ful":true}`)["detail"])
}

func TestARefreshThatIsDeniedSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.tenant.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("graph: 403"), Remedy: "grant rekey's identity Application.Read.All on Microsoft Graph"}
	const want = "graph: 403; grant rekey's identity Application.Read.All on Microsoft Graph"
	assert.Equal(t, want, w.must(502, "POST", "/api/inventory/refresh", "")["detail"])
	assert.Equal(t, want, w.must(200, "GET", "/api/inventory", "")["freshness"].(map[string]any)["problem"])
	w.tenant.fail = nil
	require.NotContains(t, w.must(202, "POST", "/api/inventory/refresh", ""), "problem")
}

// FuzzInventoryQuery asks with any parameters: the answer is a page or says which
// parameter is wrong.
func FuzzInventoryQuery(f *testing.F) {
	f.Add("30d", "true", annID, "secret", "App", "", true)
	f.Add("P1DT1H", "", "", "", "%", "YXBwLjAgMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw", false)
	f.Add("9999d", "no", "x", "x", "", "ZW5kcy45OTk5", false)
	f.Fuzz(func(t *testing.T, within, managed, owner, kind, name, cursor string, expired bool) {
		w := newWorld(t)
		query := url.Values{"expired": {fmt.Sprint(expired)}}
		for key, value := range map[string]string{"expiresWithin": within, "managed": managed, "owner": owner, "kind": kind, "name": name, "cursor": cursor} {
			if value != "" {
				query.Set(key, value)
			}
		}
		given := w.call("GET", "/api/inventory?"+query.Encode(), "")
		if given.status != 200 {
			assert.Equal(t, 422, given.status, given.body)
			assert.Contains(t, given.decoded(t)["detail"], "query.")
		}
	})
}
