package entra_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// graphError is a body in Graph's envelope.
func graphError(code, message string) json.RawMessage {
	body, err := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message}})
	if err != nil {
		panic(err)
	}
	return body
}

func TestEveryRefusalHasAClass(t *testing.T) {
	const ownership = "; grant rekey's identity Application.ReadWrite.OwnedBy on Microsoft Graph and make it an owner of the application"
	const lifetime = "Credential lifetime exceeds the max value allowed as per assigned policy 'p'."
	const full = "The size of the object has exceeded its limit. Please reduce the number of values and retry your request."
	const busy = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
	w := start(t, tenant.Options{}, graph.Options{})
	for name, one := range map[string]struct {
		status int
		body   json.RawMessage
		class  rotation.Class
		text   string
	}{
		"a bad request":                   {400, graphError("Request_BadRequest", "Nope."), rotation.Permanent, "400 Request_BadRequest: Nope."},
		"a lifetime that is too long":     {400, graphError("CredentialInvalidLifetimeAsPerAppPolicy", lifetime), rotation.Permanent, "400 CredentialInvalidLifetimeAsPerAppPolicy: " + lifetime + "; choose a shorter lifetime, or exempt the application from the tenant's app management policy"},
		"passwords that are forbidden":    {400, graphError("CredentialTypeNotAllowedAsPerAppPolicy", "Not allowed."), rotation.Permanent, "400 CredentialTypeNotAllowedAsPerAppPolicy: Not allowed.; the tenant's app management policy forbids client secrets: exempt the application from it"},
		"a collision as 400":              {400, graphError("Directory_ConcurrencyViolation", busy), rotation.Conflict, "400 Directory_ConcurrencyViolation: " + busy},
		"a collision in words alone":      {400, graphError("Request_BadRequest", busy), rotation.Conflict, "400 Request_BadRequest: " + busy},
		"a collision as 503":              {503, graphError("Directory_ConcurrencyViolation", busy), rotation.Conflict, "503 Directory_ConcurrencyViolation: " + busy},
		"a conflict":                      {409, graphError("Conflict", "Again."), rotation.Conflict, "409 Conflict: Again."},
		"an application that is full":     {403, graphError("Directory_ResourceSizeExceeded", full), rotation.Permanent, "403 Directory_ResourceSizeExceeded: " + full + "; remove credentials of the application that nobody uses"},
		"one that is full, as 400":        {400, graphError("Request_BadRequest", full), rotation.Permanent, "400 Request_BadRequest: " + full + "; remove credentials of the application that nobody uses"},
		"a missing permission":            {403, graphError("Authorization_RequestDenied", "Insufficient privileges."), rotation.Denied, "403 Authorization_RequestDenied: Insufficient privileges." + ownership},
		"a token that is not believed":    {401, graphError("InvalidAuthenticationToken", "No."), rotation.Denied, "401 InvalidAuthenticationToken: No."},
		"something that is not there":     {404, graphError("Request_ResourceNotFound", "Gone."), rotation.NotFound, "404 Request_ResourceNotFound: Gone."},
		"a throttle":                      {429, graphError("TooManyRequests", "Slow."), rotation.Throttled, "429 TooManyRequests: Slow."},
		"a throttle in plain text":        {429, json.RawMessage(`"slow down"`), rotation.Throttled, "429 Too Many Requests: slow down"},
		"a gateway's page":                {502, json.RawMessage(`"<html>\n<h1>Bad</h1>"`), rotation.Transient, "502 Bad Gateway: <html> <h1>Bad</h1>"},
		"an error without a message":      {500, json.RawMessage(`{"error":{"code":"Oops"}}`), rotation.Transient, "500 Oops: no explanation"},
		"an error without an error":       {500, json.RawMessage(`{}`), rotation.Transient, "500 Internal Server Error: no explanation"},
		"a service that is unavailable":   {503, graphError("serviceNotAvailable", "Later."), rotation.Transient, "503 serviceNotAvailable: Later."},
		"a gateway that gave up":          {504, graphError("UnknownError", ""), rotation.Transient, "504 UnknownError: no explanation"},
		"a status that nobody knows":      {423, graphError("Locked", "Locked."), rotation.Transient, "423 Locked: Locked."},
		"a redirect that is not followed": {302, json.RawMessage(`""`), rotation.Transient, "302 Found: no explanation"},
	} {
		t.Run(name, func(t *testing.T) {
			w.misbehave(cloud.Fault{Host: graphHost, Status: one.status, Body: one.body})
			_, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "new", w.clock.Now().AddDate(1, 0, 0))
			require.EqualError(t, err, `graph: add password to "`+w.shop.ObjectID+`": `+one.text)
			assert.Equal(t, one.class, rotation.ClassOf(err))
		})
	}
}

// The simulated Graph says by itself what the real one says.
func TestGraphsOwnRefusals(t *testing.T) {
	t.Run("an application that somebody else owns", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{})
		foreign := w.directory.AddApplication(tenant.Application{DisplayName: "foreign"})
		assert.Equal(t, rotation.Denied, rotation.ClassOf(w.add(foreign.ObjectID)))
	})
	t.Run("an application that is not there", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{})
		assert.Equal(t, rotation.NotFound, rotation.ClassOf(w.add(unknown)))
		assert.Equal(t, rotation.NotFound, rotation.ClassOf(w.client.RemovePassword(t.Context(), unknown, unknown)))
	})
	t.Run("a write right after another one", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{WriteWindow: time.Hour})
		require.NoError(t, w.add(w.shop.ObjectID))
		assert.Equal(t, rotation.Conflict, rotation.ClassOf(w.add(w.shop.ObjectID)))
	})
	t.Run("an application that is full", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{MaxCredentials: 1})
		require.NoError(t, w.add(w.shop.ObjectID))
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(w.add(w.shop.ObjectID)))
	})
	t.Run("a policy that forbids passwords", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{Policy: graph.Policy{ID: "p", NoPasswords: true}})
		err := w.add(w.shop.ObjectID)
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
		assert.ErrorContains(t, err, "the tenant's app management policy forbids client secrets: exempt the application from it")
	})
	t.Run("a policy", func(t *testing.T) {
		w := start(t, tenant.Options{}, graph.Options{Policy: graph.Policy{ID: "p", MaxPasswordLifetime: time.Hour}})
		err := w.add(w.shop.ObjectID)
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
		assert.ErrorContains(t, err, "Credential lifetime exceeds the max value allowed as per assigned policy 'p'.")
	})
}

func (w *world) add(objectID string) error {
	_, err := w.client.AddPassword(w.t.Context(), objectID, "new", w.clock.Now().AddDate(1, 0, 0))
	return err
}

func TestAThrottleSaysWhenToComeBack(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	for text, want := range map[string]time.Duration{
		"2.128": 2128 * time.Millisecond, "7": 7 * time.Second, "0": 0, "-3": 0, "NaN": 0, "+Inf": 24 * time.Hour,
		"1e300": 24 * time.Hour, "soon": 0, "": 0,
	} {
		w.misbehave(cloud.Fault{Host: graphHost, Status: 429, Headers: map[string]string{"Retry-After": text}})
		err := w.add(w.shop.ObjectID)
		assert.Equal(t, rotation.Throttled, rotation.ClassOf(err), text)
		assert.Equal(t, want, rotation.AfterOf(err), text)
	}
	w.misbehave(cloud.Fault{Host: graphHost, Status: 503, Headers: map[string]string{"Retry-After": "9"}})
	assert.Zero(t, rotation.AfterOf(w.add(w.shop.ObjectID)), "only a throttle promises anything")
}

// An answer of success that cannot be read may hold the secret.
func TestASecretInABrokenAnswerIsNotQuoted(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	const canary = "Canary"
	for name, one := range map[string]struct{ body, text string }{
		"a key id that is none": {`{"keyId":"Canary-Canary-Canary-Canary-Canary","secretText":"Canary"}`, "the answer could not be read"},
		"no key id":             {`{"secretText":"Canary"}`, "the answer is incomplete"},
		"no secret":             {`{"keyId":"b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"}`, "the answer is incomplete"},
		"a time that is none":   {`{"secretText":"Canary","endDateTime":"Canary"}`, "the answer could not be read"},
		"something else":        {`{"Canary":"Canary"}`, "the answer is incomplete"},
		"a list":                {`["Canary"]`, "the answer is incomplete"},
		"plain text":            {`"Canary"`, "the answer could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			w.misbehave(cloud.Fault{Host: graphHost, Status: 200, Body: json.RawMessage(one.body)})
			err := w.add(w.shop.ObjectID)
			require.EqualError(t, err, `graph: add password to "`+w.shop.ObjectID+`": `+one.text)
			assert.NotContains(t, err.Error(), canary)
			assert.False(t, rotation.HadNoEffect(err))
		})
	}
}

func TestAKeyIDThatIsNoneIsNotSent(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	err := w.client.RemovePassword(t.Context(), w.shop.ObjectID, "")
	require.EqualError(t, err, `graph: remove password from "`+w.shop.ObjectID+`": key id "" is not a GUID`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	assert.Empty(t, w.calls(graphHost))
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	const wrong = "not-the-secret-of-rekey"
	w := start(t, tenant.Options{}, graph.Options{})
	for name, one := range map[string]struct {
		credential azcore.TokenCredential
		faults     []cloud.Fault
		class      rotation.Class
		text       string
	}{
		"because Entra refuses": {
			w.credential(w.rekey.AppID, wrong), nil, rotation.Denied,
			"sign in: 401 AADSTS7000215: Invalid client secret provided."},
		"because Entra is down": {
			w.credential(w.rekey.AppID, wrong), []cloud.Fault{{Host: loginHost, Path: "*/token", Status: 503}}, rotation.Transient, "sign in: "},
		"because there is no identity": {
			noIdentity{}, nil, rotation.Transient, "sign in: there is no identity"},
	} {
		t.Run(name, func(t *testing.T) {
			w.misbehave(one.faults...)
			_, err := w.as(one.credential).Application(t.Context(), w.shop.AppID, rotation.Secret)
			require.ErrorContains(t, err, `graph: read application "`+w.shop.AppID+`": `+one.text)
			assert.Equal(t, one.class, rotation.ClassOf(err))
			assert.NotContains(t, err.Error(), wrong)
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, w.calls(graphHost))
		})
	}
}

type noIdentity struct{}

func (noIdentity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errors.New("there is no identity")
}

func TestAllOptionsAreNeeded(t *testing.T) {
	_, err := entra.New(entra.Options{})
	require.EqualError(t, err, "entra: new client: transport, credential and tenant id are needed")
}
