package keyvault_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

var testKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// signed is a certificate of the test key that ends then.
func signed(t testing.TB, end time.Time) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := testKey()
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(end.UnixNano()), Subject: pkix.Name{CommonName: "orders"},
		NotBefore: end.AddDate(0, -6, 0), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return key, made
}

func pfx(t testing.TB, key *rsa.PrivateKey, c *x509.Certificate, password string) *string {
	t.Helper()
	der, err := pkcs12.Modern.Encode(key, c, nil, password)
	require.NoError(t, err)
	return new(base64.StdEncoding.EncodeToString(der))
}

func asPEM(t testing.TB, key *rsa.PrivateKey, c *x509.Certificate) *string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return new(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
}

func (w *world) certificatesAs(t *testing.T, who string) *azcertificates.Client {
	t.Helper()
	client, err := azcertificates.NewClient("https://safe.vault.azure.net", credential(who), &azcertificates.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.client, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	require.NoError(t, err)
	return client
}

// imported puts a certificate into the vault that ends then.
func (w *world) imported(t *testing.T, name string, end time.Time) azcertificates.ImportCertificateResponse {
	t.Helper()
	key, c := signed(t, end)
	made, err := w.certificatesAs(t, alice).ImportCertificate(t.Context(), name, azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: pfx(t, key, c, "")}, nil)
	require.NoError(t, err)
	return made
}

func TestAnImportedCertificateIsReadBack(t *testing.T) {
	w := start(t, keyvault.Options{})
	c := w.certificatesAs(t, alice)
	end := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	key, x := signed(t, end)
	made, err := c.ImportCertificate(t.Context(), "web", azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: pfx(t, key, x, "word"), Password: new("word"), Tags: map[string]*string{"a": new("1")},
		CertificateAttributes: &azcertificates.CertificateAttributes{Expires: new(end.AddDate(1, 0, 0))},
		CertificatePolicy: &azcertificates.CertificatePolicy{
			KeyProperties:    &azcertificates.KeyProperties{Exportable: new(true), KeyType: new(azcertificates.KeyTypeRSA), KeySize: new(int32(2048)), ReuseKey: new(false)},
			SecretProperties: &azcertificates.SecretProperties{ContentType: new("application/x-pkcs12")},
		}}, nil)
	require.NoError(t, err)
	got, err := c.GetCertificate(t.Context(), "web", "", nil)
	require.NoError(t, err)
	assert.Equal(t, made.Certificate, got.Certificate)
	assert.Equal(t, x.Raw, got.CER)
	assert.Len(t, got.X509Thumbprint, 20)
	assert.Equal(t, end, got.Attributes.Expires.UTC(), "the certificate's own end")
	assert.Equal(t, x.NotBefore, got.Attributes.NotBefore.UTC())
	assert.Equal(t, "CN=orders", *got.Policy.X509CertificateProperties.Subject)
	assert.EqualValues(t, 6, *got.Policy.X509CertificateProperties.ValidityInMonths)
	assert.Equal(t, "Unknown", *got.Policy.IssuerParameters.Name)
	assert.Equal(t, "1", *got.Tags["a"])
	assert.Equal(t, got.ID.Version(), got.SID.Version())

	policy, err := c.GetCertificatePolicy(t.Context(), "web", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2048, *policy.KeyProperties.KeySize)
	state := w.service.State().Vaults["safe"]
	assert.Len(t, state.Certificates["web"].Versions[0].Thumbprint, 40)
	assert.Empty(t, state.Secrets)
}

func TestACertificatesSecretHoldsItsKey(t *testing.T) {
	w := start(t, keyvault.Options{})
	key, x := signed(t, time.Now().AddDate(1, 0, 0))
	for name, c := range map[string]struct {
		value       *string
		contentType string
		exportable  bool
		check       func(t *testing.T, value string)
	}{
		"a PFX": {pfx(t, key, x, ""), "application/x-pkcs12", true, func(t *testing.T, value string) {
			der, err := base64.StdEncoding.DecodeString(value)
			require.NoError(t, err)
			private, c, err := pkcs12.Decode(der, "")
			require.NoError(t, err)
			assert.True(t, key.Equal(private))
			assert.Equal(t, x.Raw, c.Raw)
		}},
		"a PEM": {asPEM(t, key, x), "application/x-pem-file", true, func(t *testing.T, value string) {
			assert.Equal(t, *asPEM(t, key, x), value)
		}},
		"a PEM that keeps its key": {asPEM(t, key, x), "application/x-pem-file", false, func(t *testing.T, value string) {
			assert.Contains(t, value, "BEGIN CERTIFICATE")
			assert.NotContains(t, value, "PRIVATE")
		}},
		"a PFX that keeps its key": {pfx(t, key, x, ""), "application/x-pkcs12", false, func(t *testing.T, value string) {
			der, err := base64.StdEncoding.DecodeString(value)
			require.NoError(t, err)
			_, _, err = pkcs12.Decode(der, "")
			assert.Error(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.certificatesAs(t, alice).ImportCertificate(t.Context(), "web", azcertificates.ImportCertificateParameters{
				Base64EncodedCertificate: c.value,
				CertificatePolicy: &azcertificates.CertificatePolicy{
					KeyProperties:    &azcertificates.KeyProperties{Exportable: &c.exportable},
					SecretProperties: &azcertificates.SecretProperties{ContentType: &c.contentType},
				}}, nil)
			require.NoError(t, err)
			secret, err := w.as(t, alice).GetSecret(t.Context(), "web", "", nil)
			require.NoError(t, err)
			assert.Equal(t, c.contentType, *secret.ContentType)
			assert.True(t, *secret.Managed)
			c.check(t, *secret.Value)
		})
	}
}

func TestWhatIsNoCertificateIsRefused(t *testing.T) {
	w := start(t, keyvault.Options{})
	key, x := signed(t, time.Now().AddDate(1, 0, 0))
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	const pemType = `,"policy":{"secret_props":{"contentType":"application/x-pem-file"}}`
	for name, c := range map[string]struct{ body, message string }{
		"no value":              {`{}`, "value is required"},
		"another password":      {`{"value":"` + *pfx(t, key, x, "word") + `","pwd":"another"}`, "valid PKCS#12 format"},
		"a PEM as a PFX":        {`{"value":` + strconv.Quote(*asPEM(t, key, x)) + `}`, "valid PKCS#12 format"},
		"a PFX as a PEM":        {`{"value":"` + *pfx(t, key, x, "") + `"` + pemType + `}`, "valid PEM format"},
		"a certificate alone":   {`{"value":` + strconv.Quote((*asPEM(t, key, x))[strings.Index(*asPEM(t, key, x), "-----BEGIN CERT"):]) + pemType + `}`, "valid PEM format"},
		"somebody else's key":   {`{"value":` + strconv.Quote(*asPEM(t, other, x)) + pemType + `}`, "does not match"},
		"another size":          {`{"value":"` + *pfx(t, key, x, "") + `","policy":{"key_props":{"kty":"RSA","key_size":4096}}}`, "do not match the key"},
		"another kind of key":   {`{"value":"` + *pfx(t, key, x, "") + `","policy":{"key_props":{"kty":"EC"}}}`, "do not match the key"},
		"an unknown form":       {`{"value":"` + *pfx(t, key, x, "") + `","policy":{"secret_props":{"contentType":"text/plain"}}}`, "unsupported value text/plain"},
		"an unknown issuer":     {`{"value":"` + *pfx(t, key, x, "") + `","policy":{"issuer":{"name":"Contoso"}}}`, "issuer Contoso is not known"},
		"a tag without a name":  {`{"value":"` + *pfx(t, key, x, "") + `","tags":{"":"x"}}`, "A tag's name"},
		"something that is odd": {`{"value":7}`, "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := w.raw(t, "POST", "/certificates/web/import?api-version=2025-07-01", alice, c.body)
			assert.Equal(t, 400, response.StatusCode)
			assert.Contains(t, body, `"code":"BadParameter"`)
			assert.Contains(t, body, c.message)
		})
	}
	assert.Empty(t, w.service.State().Vaults["safe"].Certificates)
}

func TestACertificateAndASecretCannotShareAName(t *testing.T) {
	w := start(t, keyvault.Options{})
	set(t, w.as(t, alice), "both", "v")
	key, x := signed(t, time.Now().AddDate(1, 0, 0))
	_, err := w.certificatesAs(t, alice).ImportCertificate(t.Context(), "BOTH", azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: pfx(t, key, x, "")}, nil)
	refused(t, err, 409, "Conflict", "")
	_, err = w.certificatesAs(t, alice).GetCertificate(t.Context(), "both", "", nil)
	refused(t, err, 404, "CertificateNotFound", "")

	made := w.imported(t, "web", time.Now().AddDate(1, 0, 0))
	_, err = w.as(t, alice).SetSecret(t.Context(), "web", azsecrets.SetSecretParameters{Value: new("v")}, nil)
	refused(t, err, 409, "Conflict", "")
	_, err = w.as(t, alice).UpdateSecretProperties(t.Context(), "web", made.ID.Version(), azsecrets.UpdateSecretPropertiesParameters{ContentType: new("x")}, nil)
	refused(t, err, 403, "Forbidden", "")
	_, err = w.as(t, alice).DeleteSecret(t.Context(), "web", nil)
	refused(t, err, 403, "Forbidden", "")
}

func TestADeletedCertificateIsRecoveredOrPurged(t *testing.T) {
	w := start(t, keyvault.Options{DeletionDelay: time.Second, RecoveryDelay: time.Second})
	c := w.certificatesAs(t, alice)
	end := time.Now().AddDate(1, 0, 0)
	key, x := signed(t, end)
	again := func() error {
		_, err := c.ImportCertificate(t.Context(), "web", azcertificates.ImportCertificateParameters{Base64EncodedCertificate: pfx(t, key, x, "")}, nil)
		return err
	}
	first := w.imported(t, "web", end)
	gone, err := c.DeleteCertificate(t.Context(), "web", nil)
	require.NoError(t, err)
	assert.Equal(t, "https://safe.vault.azure.net/deletedcertificates/web", *gone.RecoveryID)
	refused(t, again(), 409, "Conflict", "ObjectIsBeingDeleted")
	w.clock.Advance(time.Second)
	refused(t, again(), 409, "Conflict", "ObjectIsDeletedButRecoverable")
	_, err = w.as(t, alice).GetSecret(t.Context(), "web", "", nil)
	refused(t, err, 404, "SecretNotFound", "")
	kept, err := c.GetDeletedCertificate(t.Context(), "web", nil)
	require.NoError(t, err)
	assert.Equal(t, first.ID, kept.ID)
	_, err = w.as(t, alice).RecoverDeletedSecret(t.Context(), "web", nil)
	refused(t, err, 403, "Forbidden", "")

	_, err = c.RecoverDeletedCertificate(t.Context(), "web", nil)
	require.NoError(t, err)
	refused(t, again(), 409, "Conflict", "ObjectIsBeingRecovered")
	w.clock.Advance(time.Second)
	require.NoError(t, again())

	_, err = c.DeleteCertificate(t.Context(), "web", nil)
	require.NoError(t, err)
	w.clock.Advance(time.Second)
	_, err = c.PurgeDeletedCertificate(t.Context(), "web", nil)
	require.NoError(t, err)
	set(t, w.as(t, alice), "web", "the name is free")
}

func TestCertificatesAreListedInPages(t *testing.T) {
	w := start(t, keyvault.Options{})
	for i := range 27 {
		w.imported(t, "c"+strconv.Itoa(i), time.Now().AddDate(1, 0, i))
	}
	set(t, w.as(t, alice), "secret", "v")
	latest := w.imported(t, "c0", time.Now().AddDate(2, 0, 0))
	c := w.certificatesAs(t, alice)
	var names []string
	pager, pages := c.NewListCertificatePropertiesPager(nil), 0
	for ; pager.More(); pages++ {
		page, err := pager.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Value {
			names = append(names, item.ID.Name())
			assert.Len(t, item.X509Thumbprint, 20)
		}
	}
	assert.Len(t, names, 27)
	assert.Equal(t, 2, pages)
	versions, err := c.NewListCertificatePropertiesVersionsPager("c0", nil).NextPage(t.Context())
	require.NoError(t, err)
	assert.Len(t, versions.Value, 2)

	updated, err := c.UpdateCertificate(t.Context(), "c0", latest.ID.Version(), azcertificates.UpdateCertificateParameters{
		Tags: map[string]*string{"b": new("2")}, CertificateAttributes: &azcertificates.CertificateAttributes{Enabled: new(false)}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "2", *updated.Tags["b"])
	_, err = w.as(t, alice).GetSecret(t.Context(), "c0", "", nil)
	refused(t, err, 403, "Forbidden", "SecretDisabled")
}

func TestEveryCertificateOperationNeedsItsPermission(t *testing.T) {
	const prefix = "Microsoft.KeyVault/vaults/certificates/"
	for call, c := range map[string]struct{ action, permission string }{
		"POST /certificates/web/import":         {"import/action", "import"},
		"GET /certificates/web":                 {"read", "get"},
		"GET /certificates/web/":                {"read", "get"},
		"GET /certificates/web/policy":          {"read", "get"},
		"GET /certificates/web/versions":        {"read", "list"},
		"GET /certificates":                     {"read", "list"},
		"PATCH /certificates/web/1":             {"update/action", "update"},
		"DELETE /certificates/web":              {"delete", "delete"},
		"GET /deletedcertificates":              {"read", "list"},
		"GET /deletedcertificates/web":          {"read", "get"},
		"POST /deletedcertificates/web/recover": {"recover/action", "recover"},
		"DELETE /deletedcertificates/web":       {"purge/action", "purge"},
	} {
		t.Run(call, func(t *testing.T) {
			w := start(t, keyvault.Options{})
			method, path, _ := strings.Cut(call, " ")
			response, body := w.raw(t, method, path+"?api-version=2025-07-01", bob, "{}")
			assert.Equal(t, 403, response.StatusCode)
			assert.Contains(t, body, "does not have certificates "+c.permission+" permission")
			w.access.change(func(a *access) { a.vault.RBAC = true })
			_, body = w.raw(t, method, path+"?api-version=2025-07-01", alice, "{}")
			assert.Contains(t, body, "Action: '"+prefix+c.action+"'")
			resource := vaultID
			if strings.Contains(path, "web") {
				resource += "/certificates/web"
			}
			w.access.change(func(a *access) { a.granted[alice+" "+prefix+c.action+" "+resource] = true })
			response, _ = w.raw(t, method, path+"?api-version=2025-07-01", alice, "{}")
			assert.NotEqual(t, 403, response.StatusCode)
		})
	}
}

func TestEventsFollowACertificatesLife(t *testing.T) {
	w := start(t, keyvault.Options{NearExpiryDelay: time.Minute})
	made := w.imported(t, "web", w.clock.Now().Add(100*day).Truncate(time.Second))
	for _, c := range []struct {
		after time.Duration
		event string
	}{{0, "NewVersionCreated"}, {70 * day, "NearExpiry"}, {30 * day, "Expired"}} {
		w.clock.Advance(c.after)
		event := w.events.next(t)
		assert.Equal(t, "Microsoft.KeyVault.Certificate"+c.event, event.Type)
		assert.Equal(t, "web", event.Subject)
	}
	assert.Empty(t, w.events)
	assert.NotEmpty(t, made.ID.Version())
}

func TestAnImportCountsAsACreation(t *testing.T) {
	w := start(t, keyvault.Options{})
	for range 300 {
		response, _ := w.raw(t, "POST", "/certificates/web/import?api-version=2025-07-01", alice, "{}")
		require.Equal(t, 400, response.StatusCode)
	}
	response, body := w.raw(t, "POST", "/certificates/web/import?api-version=2025-07-01", alice, "{}")
	assert.Equal(t, 429, response.StatusCode)
	assert.NotEmpty(t, response.Header.Get("Retry-After"))
	assert.Contains(t, body, `"code":"Throttled"`)
	_, err := w.certificatesAs(t, alice).GetCertificate(t.Context(), "web", "", nil)
	refused(t, err, 404, "CertificateNotFound", "")
}

func FuzzImportCertificate(f *testing.F) {
	key, x := signed(f, time.Now().AddDate(1, 0, 0))
	f.Add(`{"value":"`+*pfx(f, key, x, "")+`"}`, `{"attributes":{"enabled":false}}`)
	f.Add(`{"value":`+strconv.Quote(*asPEM(f, key, x))+`,"policy":{"secret_props":{"contentType":"application/x-pem-file"}}}`, `{"tags":{"a":"b"}}`)
	f.Add(`{"value":"AAAA","policy":null}`, `null`)
	f.Fuzz(func(t *testing.T, imported, update string) {
		w := &access{vault: keyvault.Vault{Name: "safe", TenantID: tenant, Policies: []keyvault.AccessPolicy{
			{ObjectID: alice, Permissions: keyvault.Permissions{Certificates: []string{"all"}}}}}}
		exercise(t, w, []step{
			{"POST", "/certificates/web/import", imported}, {"PATCH", "/certificates/web", update},
			{"GET", "/certificates/web", ""}, {"DELETE", "/certificates/web", ""},
		})
	})
}
