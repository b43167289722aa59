package devops_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestAWriteReplacesTheWholeObject(t *testing.T) {
	w := start(t, devops.Options{})
	id := w.add(devops.Connection{Name: "odd", Extra: map[string]any{"isOutdated": false, "nobody": map[string]any{"knows": 1.5}}})
	w.service.SetRole("Fabrikam", id, w.caller.ObjectID, devops.Administrator)
	document := w.read(t, id)
	assert.Nil(t, parameters(document)["serviceprincipalkey"])
	assert.Contains(t, parameters(document), "serviceprincipalkey", "null, not left out")
	require.Equal(t, 200, w.write(t, id, document).StatusCode)
	assert.Equal(t, document, w.read(t, id), "written as it was read")
	assert.Equal(t, sha(w.secret), w.held(id).Secrets["serviceprincipalkey"], "null leaves the secret alone")

	delete(document, "nobody")
	parameters(document)["serviceprincipalkey"] = "another"
	got := w.write(t, id, document)
	require.Equal(t, 200, got.StatusCode)
	assert.NotContains(t, got.text, "another")
	assert.NotContains(t, w.read(t, id), "nobody", "left out is gone")
	assert.Equal(t, sha("another"), w.held(id).Secrets["serviceprincipalkey"])
	assert.Equal(t, 2, w.held(id).Writes)
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	w := start(t, devops.Options{})
	automatic := w.add(devops.Connection{Name: "automatic", Data: map[string]string{"creationMode": "Automatic"}})
	federated := w.add(devops.Connection{Name: "federated", Scheme: devops.SchemeFederation, Parameters: map[string]string{"serviceprincipalid": "x", "tenantid": tenant}})
	for _, id := range []string{automatic, federated} {
		w.service.SetRole("Fabrikam", id, w.caller.ObjectID, devops.Administrator)
	}
	for name, c := range map[string]struct {
		id      string
		change  func(map[string]any)
		message string
	}{
		"another id":                   {w.connection, func(d map[string]any) { d["id"] = tenant }, "does not match"},
		"another type":                 {w.connection, func(d map[string]any) { d["type"] = "generic" }, "type of a service connection cannot be changed"},
		"no authorization":             {w.connection, func(d map[string]any) { delete(d, "authorization") }, "Service Connection Authorization cannot be null."},
		"no projects":                  {w.connection, func(d map[string]any) { delete(d, "serviceEndpointProjectReferences") }, "project references"},
		"a certificate that is a key":  {w.connection, func(d map[string]any) { parameters(d)["authenticationType"] = "spnCertificate" }, "servicePrincipalCertificate"},
		"a key without a secret":       {w.connection, func(d map[string]any) { delete(parameters(d), "serviceprincipalkey") }, "serviceprincipalkey"},
		"a key that Azure made":        {automatic, func(d map[string]any) { parameters(d)["serviceprincipalkey"] = "mine" }, "creation mode Automatic"},
		"a key where none is accepted": {federated, func(d map[string]any) { parameters(d)["serviceprincipalkey"] = "mine" }, "does not accept a key"},
	} {
		t.Run(name, func(t *testing.T) {
			document := w.read(t, c.id)
			c.change(document)
			got := w.write(t, c.id, document)
			assert.Equal(t, http.StatusBadRequest, got.StatusCode)
			assert.Contains(t, got.message(), c.message)
			assert.Equal(t, "ServiceEndpointException", got.object["typeKey"])
			assert.Zero(t, w.held(c.id).Writes)
		})
	}
	document := w.read(t, automatic)
	document["data"].(map[string]any)["creationMode"] = "Manual"
	parameters(document)["serviceprincipalkey"] = "mine"
	assert.Equal(t, 200, w.write(t, automatic, document).StatusCode)
}

func TestASharedConnectionBelongsToTheOrganization(t *testing.T) {
	w := start(t, devops.Options{})
	id := w.add(devops.Connection{Name: "shared", Projects: []string{"Web", "Shop floor"}})
	w.service.SetRole("Fabrikam", id, w.caller.ObjectID, devops.Administrator)
	document := w.read(t, id)
	assert.Equal(t, true, document["isShared"])
	got := w.write(t, id, document)
	assert.Equal(t, http.StatusForbidden, got.StatusCode)
	assert.Equal(t, "You need to be an organisation/collection level Administrator of the service endpoint to perform this operation", got.message())
	w.service.SetOrganizationRole("Fabrikam", id, w.caller.ObjectID, devops.Administrator)
	assert.Equal(t, 200, w.write(t, id, document).StatusCode)
}

func TestAChangedConnectionIsReadyLater(t *testing.T) {
	w := start(t, devops.Options{Processing: 5 * time.Second})
	list := func() any {
		return w.send(t, http.MethodGet, "/Fabrikam/Web/_apis/serviceendpoint/endpoints", nil).object["count"]
	}
	document := w.read(t, w.connection)
	got := w.write(t, w.connection, document)
	assert.Equal(t, false, got.object["isReady"])
	assert.Equal(t, map[string]any{"state": "InProgress", "statusMessage": ""}, got.object["operationStatus"])
	assert.Equal(t, float64(0), list(), "hidden until then")
	assert.Equal(t, http.StatusConflict, w.write(t, w.connection, document).StatusCode)
	w.clock.Advance(5 * time.Second)
	assert.Equal(t, true, w.read(t, w.connection)["isReady"])
	assert.Equal(t, float64(1), list())

	w.service.FailNextChange("Fabrikam", w.connection, "the subscription is gone")
	require.Equal(t, 200, w.write(t, w.connection, document).StatusCode)
	w.clock.Advance(5 * time.Second)
	read := w.read(t, w.connection)
	assert.Equal(t, false, read["isReady"])
	assert.Equal(t, "the subscription is gone", read["operationStatus"].(map[string]any)["statusMessage"])
	assert.Equal(t, float64(0), list())
}

// test sends TestConnection, with parameters instead of the stored ones if given.
func (w *world) test(t *testing.T, given map[string]any) map[string]any {
	t.Helper()
	request := map[string]any{"dataSourceDetails": map[string]any{"dataSourceName": "TestConnection"}}
	if given != nil {
		request["serviceEndpointDetails"] = map[string]any{
			"type": "azurerm", "url": "https://management.azure.com/", "data": map[string]any{},
			"authorization": map[string]any{"scheme": devops.SchemeServicePrincipal, "parameters": given},
		}
	}
	got := w.send(t, http.MethodPost, "/Fabrikam/Web/_apis/serviceendpoint/endpointproxy?api-version=7.1&endpointId="+w.connection, request)
	require.Equal(t, 200, got.StatusCode, got.text)
	return got.object
}

func TestAConnectionIsReallyTested(t *testing.T) {
	w := start(t, devops.Options{})
	given := parameters(w.read(t, w.connection))
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(given)
		maps.Copy(all, more)
		return all
	}
	assert.Equal(t, "ok", w.test(t, nil)["statusCode"])
	assert.Equal(t, "ok", w.test(t, given)["statusCode"], "null is the stored secret")
	wrong := w.test(t, with(map[string]any{"serviceprincipalkey": "wrong"}))
	assert.Equal(t, "badRequest", wrong["statusCode"])
	assert.Contains(t, wrong["errorMessage"], "AADSTS7000215")
	assert.Contains(t, w.test(t, with(map[string]any{"tenantid": "elsewhere"}))["errorMessage"], "AADSTS90002")

	key, certificate := newCertificate(t)
	certified := with(map[string]any{"authenticationType": "spnCertificate", "servicePrincipalCertificate": key + certificate})
	assert.Contains(t, w.test(t, certified)["errorMessage"], "AADSTS700027")
	block, _ := pem.Decode([]byte(certificate))
	public, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	app := w.app
	app.Keys = append(app.Keys, entra.NewKey(public))
	w.directory.PutApplication(app)
	assert.Equal(t, "ok", w.test(t, certified)["statusCode"])
	certified["servicePrincipalCertificate"] = certificate
	assert.Contains(t, w.test(t, certified)["errorMessage"], "PEM")
}

func newCertificate(t *testing.T) (key, certificate string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func FuzzPut(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `[]`, `{"name":1}`, `{"authorization":{"parameters":[]}}`, `{"serviceEndpointProjectReferences":[{"projectReference":1},2]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := start(t, devops.Options{})
		assert.Less(t, w.write(t, w.connection, raw(body)).StatusCode, 500)
	})
}
