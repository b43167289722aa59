package keyvault_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

func TestEveryWriteIsANewVersion(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	expires := time.Now().Add(time.Hour).Truncate(time.Second).UTC()

	first, err := c.SetSecret(t.Context(), "Db", azsecrets.SetSecretParameters{
		Value: new("one"), ContentType: new("text/plain"), Tags: map[string]*string{"appId": new("42")},
		SecretAttributes: &azsecrets.SecretAttributes{Expires: &expires},
	}, nil)
	require.NoError(t, err)
	assert.Equal(t, "one", *first.Value)
	assert.Equal(t, "https://safe.vault.azure.net/secrets/Db/"+first.ID.Version(), string(*first.ID))
	assert.Len(t, first.ID.Version(), 32)
	assert.Equal(t, "Recoverable+Purgeable", *first.Attributes.RecoveryLevel)
	assert.Equal(t, expires, first.Attributes.Expires.UTC())

	second := set(t, c, "db", "two")
	assert.NotEqual(t, first.ID.Version(), second.ID.Version())
	assert.Equal(t, "Db", second.ID.Name(), "a name is matched without case and kept as it was written")

	latest, err := c.GetSecret(t.Context(), "Db", "", nil)
	require.NoError(t, err)
	assert.Equal(t, "two", *latest.Value)
	assert.Nil(t, latest.Tags, "a new version does not inherit")

	older, err := c.GetSecret(t.Context(), "Db", first.ID.Version(), nil)
	require.NoError(t, err)
	assert.Equal(t, "one", *older.Value)
	assert.Equal(t, "42", *older.Tags["appId"])
	assert.Equal(t, "text/plain", *older.ContentType)
}

func TestUpdateChangesWhatIsGiven(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	made, err := c.SetSecret(t.Context(), "db", azsecrets.SetSecretParameters{
		Value: new("one"), ContentType: new("text/plain"), Tags: map[string]*string{"old": new("1")}}, nil)
	require.NoError(t, err)

	updated, err := c.UpdateSecretProperties(t.Context(), "db", made.ID.Version(), azsecrets.UpdateSecretPropertiesParameters{
		Tags:             map[string]*string{"new": new("2")},
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: new(false)},
	}, nil)
	require.NoError(t, err)
	assert.Nil(t, updated.Value, "an update does not show the value")
	assert.Equal(t, map[string]*string{"new": new("2")}, updated.Tags)
	assert.Equal(t, "text/plain", *updated.ContentType)

	_, err = c.GetSecret(t.Context(), "db", "", nil)
	refused(t, err, 403, "Forbidden", "SecretDisabled")

	_, err = c.UpdateSecretProperties(t.Context(), "db", "", azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: new(true), Expires: new(time.Now().Add(-time.Hour))}}, nil)
	require.NoError(t, err)
	_, err = c.GetSecret(t.Context(), "db", "", nil)
	assert.NoError(t, err, "an expired secret can be read")
}

func TestListsComeInPages(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	want := map[string]bool{}
	for range 30 {
		want[set(t, c, "many", "v").ID.Version()] = true
	}
	set(t, c, "another", "v")

	pages, items := 0, 0
	for pager := c.NewListSecretPropertiesVersionsPager("many", nil); pager.More(); pages++ {
		page, err := pager.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Value {
			items++
			delete(want, item.ID.Version())
		}
	}
	assert.Equal(t, 2, pages)
	assert.Equal(t, 30, items)
	assert.Empty(t, want, "versions nobody listed")

	page, err := c.NewListSecretPropertiesPager(nil).NextPage(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Value, 2)
	assert.Equal(t, "https://safe.vault.azure.net/secrets/another", string(*page.Value[0].ID))

	_, body := w.raw(t, "GET", "/secrets?api-version=7.4&maxresults=1", alice, "")
	var first struct {
		Value    []any
		NextLink string
	}
	require.NoError(t, json.Unmarshal([]byte(body), &first))
	assert.Len(t, first.Value, 1)
	assert.True(t, strings.HasPrefix(first.NextLink, "https://safe.vault.azure.net:443/secrets?api-version=7.4&$skiptoken="), first.NextLink)

	_, body = w.raw(t, "GET", "/secrets?api-version=7.4&maxresults=2", alice, "")
	assert.Contains(t, body, `"nextLink":null`, "a full page can be the last")
}

func TestDeletionIsSoft(t *testing.T) {
	w := start(t, keyvault.Options{DeletionDelay: time.Minute, RecoveryDelay: time.Minute})
	c := w.as(t, alice)
	set(t, c, "db", "one")
	again := azsecrets.SetSecretParameters{Value: new("two")}

	gone, err := c.DeleteSecret(t.Context(), "db", nil)
	require.NoError(t, err)
	assert.Equal(t, "https://safe.vault.azure.net/deletedsecrets/db", *gone.RecoveryID)
	assert.Equal(t, 90*24*time.Hour, gone.ScheduledPurgeDate.Sub(*gone.DeletedDate))

	_, err = c.GetSecret(t.Context(), "db", "", nil)
	refused(t, err, 404, "SecretNotFound", "")
	_, err = c.GetDeletedSecret(t.Context(), "db", nil)
	refused(t, err, 404, "SecretNotFound", "")
	_, err = c.SetSecret(t.Context(), "db", again, nil)
	refused(t, err, 409, "Conflict", "ObjectIsBeingDeleted")

	w.clock.Advance(time.Minute)
	_, err = c.GetDeletedSecret(t.Context(), "db", nil)
	require.NoError(t, err)
	_, err = c.SetSecret(t.Context(), "db", again, nil)
	refused(t, err, 409, "Conflict", "ObjectIsDeletedButRecoverable")

	_, err = c.RecoverDeletedSecret(t.Context(), "db", nil)
	require.NoError(t, err)
	_, err = c.SetSecret(t.Context(), "db", again, nil)
	refused(t, err, 409, "Conflict", "ObjectIsBeingRecovered")
	_, err = c.GetSecret(t.Context(), "db", "", nil)
	refused(t, err, 404, "SecretNotFound", "")

	w.clock.Advance(time.Minute)
	kept, err := c.GetSecret(t.Context(), "db", "", nil)
	require.NoError(t, err)
	assert.Equal(t, "one", *kept.Value)
	set(t, c, "db", "two")
}

func TestWhatIsPurgedIsGone(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	for _, name := range []string{"by-hand", "by-time"} {
		set(t, c, name, "one")
		_, err := c.DeleteSecret(t.Context(), name, nil)
		require.NoError(t, err)
	}
	page, err := c.NewListDeletedSecretPropertiesPager(nil).NextPage(t.Context())
	require.NoError(t, err)
	assert.Len(t, page.Value, 2)

	_, err = c.PurgeDeletedSecret(t.Context(), "by-hand", nil)
	require.NoError(t, err)
	set(t, c, "by-hand", "two")

	w.clock.Advance(90 * 24 * time.Hour)
	_, err = c.RecoverDeletedSecret(t.Context(), "by-time", nil)
	refused(t, err, 404, "SecretNotFound", "")

	w.access.change(func(a *access) { a.vault.PurgeProtection = true })
	_, err = c.DeleteSecret(t.Context(), "by-hand", nil)
	require.NoError(t, err)
	_, err = c.PurgeDeletedSecret(t.Context(), "by-hand", nil)
	refused(t, err, 403, "Forbidden", "ForbiddenByPolicy")
}

func TestRequestsAreChecked(t *testing.T) {
	w := start(t, keyvault.Options{})
	tags := make([]string, 16)
	for i := range tags {
		tags[i] = `"` + string(rune('a'+i)) + `":"v"`
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"an api-version is required":         {"GET", "/secrets", "", 400, "BadParameter"},
		"an api-version must be known":       {"GET", "/secrets?api-version=3.1", "", 400, "BadParameter"},
		"a page has at most 25 entries":      {"GET", "/secrets?api-version=7.4&maxresults=26", "", 400, "BadParameter"},
		"a page has at least one entry":      {"GET", "/secrets?api-version=7.4&maxresults=0", "", 400, "BadParameter"},
		"a skip token must be one of ours":   {"GET", "/secrets?api-version=7.4&$skiptoken=%25", "", 400, "BadParameter"},
		"a name has letters and digits":      {"PUT", "/secrets/my_db?api-version=7.4", `{"value":"v"}`, 400, "BadParameter"},
		"a name has at most 127 characters":  {"PUT", "/secrets/" + strings.Repeat("a", 128) + "?api-version=7.4", `{"value":"v"}`, 400, "BadParameter"},
		"a value is required":                {"PUT", "/secrets/db?api-version=7.4", `{"tags":{}}`, 400, "BadParameter"},
		"a body is required":                 {"PUT", "/secrets/db?api-version=7.4", ``, 400, "BadParameter"},
		"bytes count, not characters":        {"PUT", "/secrets/db?api-version=7.4", `{"value":"` + strings.Repeat("ö", 13*1024) + `"}`, 400, "BadParameter"},
		"a value has at most 25 KB":          {"PUT", "/secrets/db?api-version=7.4", `{"value":"` + strings.Repeat("v", 25*1024+1) + `"}`, 400, "BadParameter"},
		"a secret has at most 15 tags":       {"PUT", "/secrets/db?api-version=7.4", `{"value":"v","tags":{` + strings.Join(tags, ",") + `}}`, 400, "BadParameter"},
		"a tag has at most 256 characters":   {"PUT", "/secrets/db?api-version=7.4", `{"value":"v","tags":{"t":"` + strings.Repeat("v", 257) + `"}}`, 400, "BadParameter"},
		"it begins before it ends":           {"PUT", "/secrets/db?api-version=7.4", `{"value":"v","attributes":{"nbf":2,"exp":1}}`, 400, "BadParameter"},
		"what does not exist is not found":   {"GET", "/secrets/db?api-version=7.4", "", 404, "SecretNotFound"},
		"an operation must exist":            {"POST", "/secrets/db?api-version=7.4", "", 404, "NotFound"},
		"what does not exist is not updated": {"PATCH", "/secrets/db?api-version=7.4", "{}", 404, "SecretNotFound"},
		"versions of nothing are not listed": {"GET", "/secrets/db/versions?api-version=7.4", "", 404, "SecretNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := w.raw(t, c.method, c.path, alice, c.body)
			assert.Equal(t, c.status, resp.StatusCode, body)
			assert.Contains(t, body, `"code":"`+c.code+`"`)
		})
	}
	_, body := w.raw(t, "PUT", "/secrets/db?api-version=7.4", alice, `{"value":"`+strings.Repeat("v", 25*1024)+`"}`)
	assert.Contains(t, body, `"id":`, "25 KB are allowed")
}

func TestThrottlingIsPerVaultAndTenSeconds(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	for range 300 {
		set(t, c, "db", "v")
	}
	_, err := c.SetSecret(t.Context(), "db", azsecrets.SetSecretParameters{Value: new("v")}, nil)
	refused(t, err, 429, "Throttled", "")
	var response *azcore.ResponseError
	require.ErrorAs(t, err, &response)
	assert.NotEmpty(t, response.RawResponse.Header.Get("Retry-After"))

	_, err = c.GetSecret(t.Context(), "db", "", nil)
	require.NoError(t, err, "other calls have a limit of their own")
	w.clock.Advance(10 * time.Second)
	set(t, c, "db", "v")
}

func TestStateHidesValues(t *testing.T) {
	w := start(t, keyvault.Options{})
	set(t, w.as(t, alice), "db", "one")
	data, err := json.Marshal(w.service.State())
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("one"))
	assert.Contains(t, string(data), hex.EncodeToString(sum[:]))
	assert.NotContains(t, string(data), `"one"`)
	require.Len(t, w.service.State().Vaults["safe"].Secrets["db"].Versions, 1)
}

func TestANewVaultUnderAnOldNameIsEmpty(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.as(t, alice)
	set(t, c, "db", "one")
	w.access.change(func(a *access) { a.vault.Instance = "2" })
	_, err := c.GetSecret(t.Context(), "db", "", nil)
	refused(t, err, http.StatusNotFound, "SecretNotFound", "")
}
