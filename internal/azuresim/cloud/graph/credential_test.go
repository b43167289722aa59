package graph_test

import (
	"encoding/base64"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

func TestAddPasswordShowsTheSecretOnce(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	added := c.do("POST", "/applications/"+app.ObjectID+"/addPassword", map[string]any{"passwordCredential": map[string]any{
		"displayName": "new", "startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2027-02-23T00:00:00.1234567Z"}})
	require.Equal(t, http.StatusOK, added.status, added.body)
	secret, _ := added.body["secretText"].(string)
	keyID, _ := added.body["keyId"].(string)
	assert.Len(t, secret, 40)
	delete(added.body, "secretText")
	want := map[string]any{"customKeyIdentifier": nil, "displayName": "new", "hint": secret[:3], "keyId": keyID,
		"startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2027-02-23T00:00:00.1234567Z"}
	shown := added.body
	assert.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential", shown["@odata.context"])
	delete(shown, "@odata.context")
	assert.Equal(t, want, shown)

	want["secretText"] = nil
	assert.Equal(t, []any{want}, c.do("GET", "/applications/"+app.ObjectID, nil).body["passwordCredentials"])
}

func TestAPasswordLivesTwoYearsUnlessToldOtherwise(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	for _, body := range []any{nil, map[string]any{}, map[string]any{"passwordCredential": nil}} {
		added := n.raw().do("POST", "/applications/"+app.ObjectID+"/addPassword", body).body
		begin, err := time.Parse(time.RFC3339Nano, added["startDateTime"].(string))
		require.NoError(t, err)
		assert.WithinDuration(t, n.clock.Now(), begin, time.Minute)
		assert.Zero(t, begin.Nanosecond()%100, "seven digits of a second")
		end, err := time.Parse(time.RFC3339Nano, added["endDateTime"].(string))
		require.NoError(t, err)
		assert.Equal(t, begin.AddDate(2, 0, 0), end)
	}
}

// entry is a keyCredential as a client sends it.
type entry map[string]any

func entryFor(t *testing.T, lifetime time.Duration) entry {
	t.Helper()
	now := time.Now()
	cert := quickCertificate(t, now.Add(-time.Hour), now.Add(lifetime))
	return entry{"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(cert.Raw)}
}

func (e entry) with(name string, value any) entry {
	changed := entry{}
	for k, v := range e {
		changed[k] = v
	}
	changed[name] = value
	return changed
}

func TestAPatchReplacesTheListOfKeys(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	patch := func(entries ...entry) reply {
		return c.do("PATCH", path, map[string]any{"keyCredentials": append([]entry{}, entries...)})
	}
	keys := func() []any { return c.do("GET", path, nil).body["keyCredentials"].([]any) }
	first := entryFor(t, time.Hour).with("keyId", "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00").with("displayName", "first")
	second := entryFor(t, time.Hour)

	require.Equal(t, http.StatusNoContent, patch(first).status)
	kept := keys()[0].(map[string]any)
	assert.Equal(t, "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00", kept["keyId"], "the keyId is the client's to choose")
	assert.Equal(t, "first", kept["displayName"])
	assert.Regexp(t, `^[0-9A-F]{40}$`, kept["customKeyIdentifier"])
	assert.Nil(t, kept["key"])

	require.Equal(t, http.StatusNoContent, patch(entry(kept), second).status)
	both := keys()
	require.Len(t, both, 2)
	assert.Equal(t, kept, both[0], "an old entry with keyId and without key is kept")

	require.Equal(t, http.StatusNoContent, patch(entry(both[1].(map[string]any))).status)
	assert.Equal(t, both[1:], keys(), "what is left out is removed")

	require.Equal(t, http.StatusNoContent, patch().status)
	assert.Empty(t, keys())
}

func TestKeysAreShownToASelectiveGetOfOneApplication(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	path, sent := "/applications/"+app.ObjectID, entryFor(t, time.Hour)
	require.Equal(t, http.StatusNoContent, c.do("PATCH", path, map[string]any{"keyCredentials": []entry{sent}}).status)
	key := func(from map[string]any) any { return from["keyCredentials"].([]any)[0].(map[string]any)["key"] }
	assert.Equal(t, sent["key"], key(c.do("GET", path+"?$select=keyCredentials", nil).body))
	assert.Nil(t, key(c.do("GET", path, nil).body))
	listed := c.do("GET", "/applications?$select=id,keyCredentials&$filter=id%20eq%20'"+app.ObjectID+"'", nil).body["value"].([]any)[0]
	assert.Nil(t, key(listed.(map[string]any)))
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	const id, schema = "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00", "Property keyCredentials in payload has a value that does not match schema."
	good := entryFor(t, time.Hour).with("keyId", id)
	require.Equal(t, http.StatusNoContent, c.do("PATCH", path, map[string]any{"keyCredentials": []entry{good}}).status)
	other := entryFor(t, time.Hour)
	for name, one := range map[string]struct {
		list    any
		message string
	}{
		"no list":                         {nil, schema},
		"a list of something else":        {[]string{"a"}, schema},
		"an unknown property":             {[]entry{other.with("thumbprint", "x")}, schema},
		"a key that is not base64":        {[]entry{other.with("key", "%")}, schema},
		"a keyId that is none":            {[]entry{other.with("keyId", "x")}, schema},
		"a key that is no certificate":    {[]entry{other.with("key", "AAAA")}, `The value of the property "key" in one of your credentials is not a valid X.509 certificate.`},
		"a new entry without a key":       {[]entry{other.with("key", nil)}, `A new key credential needs a value for the property "key".`},
		"another usage":                   {[]entry{other.with("usage", "Encrypt")}, `The value for the property "usage" in one of your credentials is invalid. Acceptable values are Sign, Verify.`},
		"another type":                    {[]entry{other.with("type", "Symmetric")}, `The value for the property "type" in one of your credentials is invalid. Acceptable values are AsymmetricX509Cert.`},
		"an end after the certificate's":  {[]entry{other.with("endDateTime", "2099-01-01T00:00:00Z")}, "Key credential end date is invalid."},
		"a start before it":               {[]entry{other.with("startDateTime", "2001-01-01T00:00:00Z")}, "Key credential start date is invalid."},
		"an expired certificate":          {[]entry{entryFor(t, -time.Minute)}, "Key credential end date is invalid."},
		"another key under an old keyId":  {[]entry{good.with("key", other["key"])}, "Update to existing credential with KeyId '" + id + "' is not allowed."},
		"the same keyId twice":            {[]entry{good, good}, "The keyId '" + id + "' occurs more than once."},
		"the same new keyId twice, later": {[]entry{good.with("keyId", "c0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"), other.with("keyId", "c0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00")}, "The keyId 'c0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00' occurs more than once."},
	} {
		t.Run(name, func(t *testing.T) {
			given := c.do("PATCH", path, map[string]any{"keyCredentials": one.list})
			assert.Equal(t, http.StatusBadRequest, given.status)
			assert.Equal(t, one.message, given.message())
		})
	}
	assert.Len(t, c.do("GET", path, nil).body["keyCredentials"], 1, "a refused list changes nothing")
}

func TestATenantsPolicyIsKept(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{Policy: graph.Policy{ID: "p", NoPasswords: true, MaxKeyLifetime: 24 * time.Hour}})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	refused := c.do("POST", path+"/addPassword", nil)
	assert.Equal(t, http.StatusBadRequest, refused.status)
	assert.Equal(t, "CredentialTypeNotAllowedAsPerAppPolicy", refused.code())
	assert.Equal(t, "Credential type not allowed as per assigned policy 'p'.", refused.message())

	const tooLong = "Credential lifetime exceeds the max value allowed as per assigned policy 'p'."
	refused = c.do("PATCH", path, map[string]any{"keyCredentials": []entry{entryFor(t, 24*time.Hour)}})
	assert.Equal(t, tooLong, refused.message())
	require.Equal(t, http.StatusNoContent, c.do("PATCH", path, map[string]any{"keyCredentials": []entry{entryFor(t, 22*time.Hour)}}).status)

	n.graph.SetPolicy(graph.Policy{ID: "p", MaxPasswordLifetime: 366 * 24 * time.Hour})
	refused = c.do("POST", path+"/addPassword", nil)
	assert.Equal(t, "CredentialInvalidLifetimeAsPerAppPolicy", refused.code())
	assert.Equal(t, []any{map[string]any{"code": "InvalidKeyEndDate", "message": tooLong, "target": "EndDate"}}, refused.body["error"].(map[string]any)["details"])
	end := n.clock.Now().AddDate(1, 0, 0).Format(time.RFC3339)
	assert.Equal(t, http.StatusOK, c.do("POST", path+"/addPassword", map[string]any{"passwordCredential": map[string]any{"endDateTime": end}}).status)
}

func TestAnApplicationHoldsSoManyCredentials(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{MaxCredentials: 2})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	require.Equal(t, http.StatusOK, c.do("POST", path+"/addPassword", nil).status)
	require.Equal(t, http.StatusNoContent, c.do("PATCH", path, map[string]any{"keyCredentials": []entry{entryFor(t, time.Hour)}}).status)
	full := c.do("POST", path+"/addPassword", nil)
	assert.Equal(t, http.StatusForbidden, full.status)
	assert.Equal(t, "Directory_ResourceSizeExceeded", full.code())
}

// Of writes that overlap one stays, some answer success and are lost, the rest is refused.
func TestOverlappingWritesAreLostOrRefused(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{WriteLatency: time.Hour})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	const parallel = 12
	var group sync.WaitGroup
	answers := make(chan reply, parallel)
	for range parallel {
		group.Go(func() { answers <- c.do("POST", path+"/addPassword", nil) })
	}
	refused := 0
	for range parallel / 2 { // they are refused at once; the others wait
		given := <-answers
		assert.Equal(t, http.StatusBadRequest, given.status)
		assert.Equal(t, "Directory_ConcurrencyViolation", given.code())
		assert.Contains(t, given.message(), "concurrent requests")
		refused++
	}
	go func() {
		group.Wait()
		close(answers)
	}()
	stop := n.pass(time.Hour)
	defer stop()
	succeeded := 0
	for given := range answers {
		assert.Equal(t, http.StatusOK, given.status)
		succeeded++
	}
	assert.Equal(t, parallel/2, succeeded)
	assert.Len(t, c.do("GET", path, nil).body["passwordCredentials"], 1, "the last one undid the others")
}

func TestWritesInARowNeedAPause(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{WriteWindow: time.Hour})
	app, other := n.owned("shop"), n.owned("other")
	c := n.raw()
	path := "/applications/" + app.ObjectID + "/addPassword"
	require.Equal(t, http.StatusBadRequest, c.do("POST", "/applications/"+app.ObjectID+"/removePassword", map[string]any{"keyId": app.AppID}).status)
	require.Equal(t, http.StatusOK, c.do("POST", path, nil).status, "what changed nothing opens no window")
	assert.Equal(t, "Directory_ConcurrencyViolation", c.do("POST", path, nil).code())
	assert.Equal(t, http.StatusOK, c.do("POST", "/applications/"+other.ObjectID+"/addPassword", nil).status)
	n.clock.Advance(time.Hour)
	assert.Equal(t, http.StatusOK, c.do("POST", path, nil).status)
}

func TestAWriteToWhatIsDeletedMeanwhileFails(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{WriteLatency: time.Hour})
	app := n.owned("shop")
	c := n.raw()
	answers := make(chan reply)
	for range 2 {
		go func() { answers <- c.do("POST", "/applications/"+app.ObjectID+"/addPassword", nil) }()
	}
	require.Equal(t, "Directory_ConcurrencyViolation", (<-answers).code(), "so the other one is under way")
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/applications/"+app.ObjectID, nil).status)
	stop := n.pass(time.Hour)
	defer stop()
	assert.Equal(t, http.StatusNotFound, (<-answers).status)
}
