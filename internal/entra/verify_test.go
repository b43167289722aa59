package entra_test

import (
	"context"
	"encoding/json"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// made is a new credential of shop.
func (w *world) made(end time.Time) rotation.Credential {
	w.t.Helper()
	added, err := w.client.AddPassword(w.t.Context(), w.shop.ObjectID, "new", end)
	require.NoError(w.t, err)
	return rotation.Credential{
		Rotation: rotation.ID{AppID: w.shop.AppID, Kind: rotation.Secret, Generation: 1},
		KeyID:    added.KeyID, Start: added.Start, End: added.End, Value: added.Value,
	}
}

func (w *world) verify(c rotation.Credential) rotation.Verdict {
	w.t.Helper()
	verdict, err := w.client.Verify(w.t.Context(), w.shop.AppID, c)
	require.NoError(w.t, err)
	assert.NotContains(w.t, verdict.Reason, c.Value.Reveal())
	return verdict
}

// Replicas learn of a new secret one after the other, and take turns.
func TestANewSecretIsAcceptedOnceEveryReplicaHasIt(t *testing.T) {
	w := start(t, tenant.Options{ReplicationDelay: time.Hour, Replicas: 2}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	kinds := func() [2]rotation.VerdictKind {
		return [2]rotation.VerdictKind{w.verify(made).Kind, w.verify(made).Kind}
	}
	assert.Equal(t, [2]rotation.VerdictKind{rotation.NotYet, rotation.NotYet}, kinds())
	w.clock.Advance(time.Hour)
	assert.Equal(t, [2]rotation.VerdictKind{rotation.Accepted, rotation.NotYet}, kinds())
	w.clock.Advance(time.Hour)
	assert.Equal(t, [2]rotation.VerdictKind{rotation.Accepted, rotation.Accepted}, kinds())
	assert.Equal(t, rotation.Verdict{Kind: rotation.Accepted}, w.verify(made))
}

func TestAVerificationIsOneCall(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	w.calls(loginHost)
	w.verify(made)
	assert.Equal(t, []call{{Method: "POST", Path: "/{id}/oauth2/v2.0/token", Status: 200, Count: 1}}, w.calls(loginHost))
	w.misbehave(cloud.Fault{Host: loginHost, Status: 503})
	_, err := w.client.Verify(t.Context(), w.shop.AppID, made)
	require.Error(t, err)
	assert.Equal(t, []call{{Method: "POST", Path: "/{id}/oauth2/v2.0/token", Status: 503, Count: 1}}, w.calls(loginHost))
}

// A connection that is kept would ask the same front end again.
func TestEveryVerificationHasItsOwnConnection(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	var connections, reused atomic.Int32
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		connections.Add(1)
		if got.Reused {
			reused.Add(1)
		}
	}})
	for range 3 {
		_, err := w.client.Verify(ctx, w.shop.AppID, made)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 3, connections.Load())
	assert.Zero(t, reused.Load())
}

// What the simulated Entra says by itself, as the real one does.
func TestEntrasOwnVerdicts(t *testing.T) {
	for name, one := range map[string]struct {
		change func(w *world)
		kind   rotation.VerdictKind
		reason string
	}{
		"a wrong secret": {func(w *world) {
			w.shop.Passwords = nil
			w.directory.PutApplication(w.shop)
		}, rotation.NotYet, "AADSTS7000215: Invalid client secret provided."},
		"an expired secret": {func(w *world) { w.clock.Advance(2 * time.Hour) },
			rotation.Refused, "AADSTS7000222: The provided client secret keys for app "},
		"an application that is not there": {func(w *world) { w.directory.DeleteApplication(w.shop.ObjectID) },
			rotation.NotYet, "AADSTS700016: Application with identifier "},
		"a disabled application": {func(w *world) {
			w.account.Disabled = true
			w.directory.PutServicePrincipal(w.account)
		}, rotation.Unverifiable, "AADSTS7000112: Application "},
		"Conditional Access": {func(w *world) {
			w.account.Blocked = true
			w.directory.PutServicePrincipal(w.account)
		}, rotation.Unverifiable, "AADSTS53003: Access has been blocked by Conditional Access policies."},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{})
			made := w.made(w.clock.Now().Add(time.Hour))
			one.change(w)
			verdict := w.verify(made)
			assert.Equal(t, one.kind, verdict.Kind, verdict.Reason)
			assert.Contains(t, verdict.Reason, one.reason)
			assert.NotContains(t, verdict.Reason, "Trace ID")
		})
	}
}

func TestAnApplicationWithoutAnAccountCannotBeVerified(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	w.shop = w.directory.AddApplication(tenant.Application{DisplayName: "shop", Owners: []string{w.rekey.ObjectID}})
	verdict := w.verify(w.made(w.clock.Now().Add(time.Hour)))
	assert.Equal(t, rotation.Unverifiable, verdict.Kind)
	assert.Contains(t, verdict.Reason, "AADSTS7000229: The client application ")
}

// refusal is a body of the token endpoint.
func refusal(description string, codes ...int) json.RawMessage {
	body, err := json.Marshal(map[string]any{"error": "invalid_client", "error_description": description, "error_codes": codes})
	if err != nil {
		panic(err)
	}
	return body
}

func TestEveryCodeHasAVerdict(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	for kind, codes := range map[rotation.VerdictKind][][]int{
		rotation.NotYet:       {{7000215}, {700027}, {700016}, {70002, 7000215}},
		rotation.Refused:      {{7000222}, {7000214}, {70002, 7000222}},
		rotation.Unverifiable: {{7000229}, {7000112}, {53003}, {530003}, {90002}, {500011}, {424242}},
	} {
		for _, list := range codes {
			for _, status := range []int{400, 401, 403} {
				w.misbehave(cloud.Fault{Host: loginHost, Status: status, Body: refusal("AADSTS1: Why.\r\nTrace ID: 2", list...)})
				assert.Equal(t, rotation.Verdict{Kind: kind, Reason: "AADSTS1: Why."}, w.verify(made), "%d %v", status, list)
			}
		}
	}
}

// Nothing but Entra's word on the credential is a verdict.
func TestOtherAnswersAreFaults(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	busy := func(code int) json.RawMessage { return refusal("AADSTS1: Busy.", code) }
	for name, one := range map[string]struct {
		fault cloud.Fault
		class rotation.Class
		after time.Duration
		text  string
	}{
		"a throttle":                    {cloud.Fault{Status: 429, RetryAfter: new(json.Number("2.5")), Body: busy(7000215)}, rotation.Throttled, 2500 * time.Millisecond, "429 AADSTS1: Busy."},
		"a throttle without words":      {cloud.Fault{Status: 429, Body: json.RawMessage(`""`)}, rotation.Throttled, 0, "429 without a reason from Entra ID"},
		"a tenant that is throttled":    {cloud.Fault{Status: 400, Body: busy(90055)}, rotation.Transient, 0, "400 AADSTS1: Busy."},
		"a directory that is down":      {cloud.Fault{Status: 400, Body: busy(90033)}, rotation.Transient, 0, "400 AADSTS1: Busy."},
		"a server error with a verdict": {cloud.Fault{Status: 500, Body: busy(7000222)}, rotation.Transient, 0, "500 AADSTS1: Busy."},
		"a gateway's page":              {cloud.Fault{Status: 502, Body: json.RawMessage(`"<html>"`)}, rotation.Transient, 0, "502 without a reason from Entra ID"},
		"a proxy that forbids":          {cloud.Fault{Status: 403, Body: json.RawMessage(`"<html>"`)}, rotation.Transient, 0, "403 without a reason from Entra ID"},
		"a page instead of a token":     {cloud.Fault{Status: 200, Body: json.RawMessage(`"<html>"`)}, rotation.Transient, 0, "200 without a reason from Entra ID"},
		"an answer without a token":     {cloud.Fault{Status: 200, Body: json.RawMessage(`{"token_type":"Bearer"}`)}, rotation.Transient, 0, "200 without a reason from Entra ID"},
		"a redirect":                    {cloud.Fault{Status: 307, Headers: map[string]string{"Location": "https://" + graphHost + "/"}}, rotation.Transient, 0, "307 without a reason from Entra ID"},
		"a connection that is cut":      {cloud.Fault{Cut: true}, rotation.Transient, 0, `Post "https://login.microsoftonline.com/` + tenantID + `/oauth2/v2.0/token": `},
		"an answer that is lost":        {cloud.Fault{Lose: true}, rotation.Transient, 0, `Post "https://login.microsoftonline.com/` + tenantID + `/oauth2/v2.0/token": `},
	} {
		t.Run(name, func(t *testing.T) {
			one.fault.Host = loginHost
			w.misbehave(one.fault)
			w.calls(graphHost)
			_, err := w.client.Verify(t.Context(), w.shop.AppID, made)
			require.ErrorContains(t, err, `entra: verify "`+w.shop.AppID+`": `+one.text)
			assert.Equal(t, one.class, rotation.ClassOf(err))
			assert.Equal(t, one.after, rotation.AfterOf(err))
			assert.NotContains(t, err.Error(), made.Value.Reveal())
			assert.Empty(t, w.calls(graphHost), "no redirect is followed")
		})
	}
}

func TestASecretThatIsEchoedIsNotRepeated(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	for status, want := range map[int]string{401: "AADSTS7000215: [redacted] is wrong.", 503: ""} {
		w.misbehave(cloud.Fault{Host: loginHost, Status: status, Body: refusal("AADSTS7000215: "+made.Value.Reveal()+" is wrong.", 7000215)})
		verdict, err := w.client.Verify(t.Context(), w.shop.AppID, made)
		assert.Equal(t, want, verdict.Reason)
		if status == 503 {
			require.EqualError(t, err, `entra: verify "`+w.shop.AppID+`": 503 AADSTS7000215: [redacted] is wrong.`)
		}
	}
}

func TestWhatProvesNothingIsNotSent(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	for name, c := range map[string]struct {
		credential rotation.Credential
		want       string
	}{
		"half a certificate": {
			rotation.Credential{Rotation: rotation.ID{Kind: rotation.Certificate}, Value: secret.New("not-a-real-key")},
			"certificate: must be a private key and a certificate as PEM",
		},
		"nothing": {rotation.Credential{Rotation: rotation.ID{Kind: rotation.Secret}}, "there is no credential to verify"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.client.Verify(t.Context(), w.shop.AppID, c.credential)
			require.EqualError(t, err, `entra: verify "`+w.shop.AppID+`": `+c.want)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			assert.Empty(t, w.calls(loginHost))
		})
	}
}

func TestTheContextEndsAVerification(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	made := w.made(w.clock.Now().AddDate(1, 0, 0))
	w.misbehave(cloud.Fault{Host: loginHost, Latency: "1h"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := w.client.Verify(ctx, w.shop.AppID, made)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
}
