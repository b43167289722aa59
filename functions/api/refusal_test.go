package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refused is one request that must be refused, and the problem it must get. The
// detail of a problem with a field begins with the field.
type refused struct {
	method, path, body string
	headers            []string
	status             int
	field, detail      string
}

// problem checks that an answer is a problem document with that field and detail.
func (r refused) problem(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, r.status, a.status, a.body)
	assert.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var p struct {
		Title, Detail string
		Status        int
		Errors        []struct {
			Message, Location string
			Value             any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	assert.Equal(t, http.StatusText(r.status), p.Title)
	assert.Equal(t, r.status, p.Status)
	if r.field == "" {
		assert.Equal(t, r.detail, p.Detail)
		assert.Empty(t, p.Errors)
		return
	}
	assert.Equal(t, r.field+": "+r.detail, p.Detail)
	require.Len(t, p.Errors, 1)
	assert.Equal(t, r.field, p.Errors[0].Location)
	assert.Equal(t, r.detail, p.Errors[0].Message)
	assert.Nil(t, p.Errors[0].Value, "what was sent is not repeated")
}

// refuse sends every request to a managed application and proves that it is
// refused and that nothing changed.
func refuse(t *testing.T, all map[string]refused, prepare ...func(*world)) {
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage("vault")
			for _, prepare := range prepare {
				prepare(w)
			}
			before := w.everything()
			r.problem(t, w.call(r.method, r.path, r.body, r.headers...))
			assert.Equal(t, before, w.everything(), "nothing is changed")
		})
	}
}

func putPolicy(fields, field, detail string) refused {
	return refused{method: "PUT", path: appPath, body: `{"policies":{"secret":{` + fields + `}}}`, status: 422,
		field: "body.policies.secret." + field, detail: detail}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	certificate := func(fields, field, detail string) refused {
		r := putPolicy("", field, detail)
		r.body = `{"policies":{"certificate":{"enabled":false,` + fields + `}}}`
		r.field = "body.policies.certificate." + field
		return r
	}
	refuse(t, map[string]refused{
		"a lifetime below the range":          putPolicy(`"lifetimeDays":0.5`, "lifetimeDays", "must be from 24 hours to 90 days, not 12 hours"),
		"a lifetime above the range":          putPolicy(`"lifetimeDays":91`, "lifetimeDays", "must be from 24 hours to 90 days, not 91 days"),
		"a lifetime above every range":        putPolicy(`"lifetimeDays":1e300`, "lifetimeDays", "must be at most 10000"),
		"a negative overlap":                  putPolicy(`"overlapHours":-1`, "overlapHours", "must be at least 0"),
		"an overlap above the range":          putPolicy(`"overlapHours":9000`, "overlapHours", "must be from 0s to 365 days, not 375 days"),
		"an allowance above the range":        putPolicy(`"deliveryAllowanceHours":9000`, "deliveryAllowanceHours", "must be from 0s to 365 days, not 375 days"),
		"a threshold below the range":         putPolicy(`"thresholdHours":0.5`, "thresholdHours", "must be from 1 hour to 23 hours, not 30m0s"),
		"a threshold as long as the lifetime": putPolicy(`"wideLimits":true,"lifetimeDays":1,"thresholdHours":24`, "thresholdHours", "must be shorter than the lifetime of 24 hours: a credential would be due before it starts"),
		"a cut that leaves no use": putPolicy(`"maxLifetimeDays":2`, "maxLifetimeDays",
			"leaves -1h0m0s of use: from 2 days the threshold or the reserve of 49 hours (delivery allowance and overlap) is taken off; at least 1 hour must remain"),
		"a cut to nothing":                       putPolicy(`"maxLifetimeDays":0`, "maxLifetimeDays", "must be at least 0.0001"),
		"a near-expiry action that nobody has":   putPolicy(`"onNearExpiry":"panic"`, "onNearExpiry", `must be one of rotate, checkDue`),
		"a near-expiry action that never ends":   putPolicy(`"onNearExpiry":"rotate"`, "onNearExpiry", `must be "checkDue" with a lifetime of 60 days or less: the event comes 30 days before the end, or at once, and would start rotation after rotation`),
		"an unverifiable action that is none":    putPolicy(`"onUnverifiable":""`, "onUnverifiable", `must be one of stop, continue`),
		"a wait of nothing":                      putPolicy(`"waits":{"verifyEveryHours":0}`, "waits.verifyEveryHours", "must be longer than 0"),
		"no successes":                           putPolicy(`"waits":{"verifySuccesses":0}`, "waits.verifySuccesses", "must be from 1 to 20, not 0"),
		"half a success":                         putPolicy(`"waits":{"verifySuccesses":1.5}`, "waits.verifySuccesses", "must be a whole number"),
		"no attempts":                            putPolicy(`"waits":{"createAttempts":0}`, "waits.createAttempts", "must be from 1 to 20, not 0"),
		"a slow heartbeat":                       putPolicy(`"waits":{"heartbeatHours":25}`, "waits.heartbeatHours", "must be 24 hours or less"),
		"looks that do not grow":                 putPolicy(`"waits":{"lookAgainHours":[1,1,2]}`, "waits.lookAgainHours", "must be three growing times"),
		"two looks":                              putPolicy(`"waits":{"lookAgainHours":[1,2]}`, "waits.lookAgainHours", "must not have fewer entries than 3"),
		"four looks":                             putPolicy(`"waits":{"lookAgainHours":[1,2,3,4]}`, "waits.lookAgainHours", "must not have more entries than 3"),
		"an unknown field":                       putPolicy(`"colour":"red"`, "colour", "is not a field here; the fields are in /api/openapi.json"),
		"an unknown wait":                        putPolicy(`"waits":{"verifyEvery":1}`, "waits.verifyEvery", "is not a field here; the fields are in /api/openapi.json"),
		"a field in the wrong case":              putPolicy(`"LifetimeDays":30`, "LifetimeDays", "is not a field here; the fields are in /api/openapi.json"),
		"a secret's threshold in days":           putPolicy(`"thresholdDays":1`, "thresholdDays", "is not a field here; the fields are in /api/openapi.json"),
		"a certificate's threshold in hours":     certificate(`"thresholdHours":1`, "thresholdHours", "is not a field here; the fields are in /api/openapi.json"),
		"a certificate's threshold out of range": certificate(`"thresholdDays":0.5`, "thresholdDays", "must be from 24 hours to 365 days, not 12 hours"),
		"a certificate's lifetime out of range":  certificate(`"lifetimeDays":10,"thresholdDays":2`, "lifetimeDays", "must be from 30 days to 1095 days, not 10 days"),
		"a key that is too short":                certificate(`"keyBits":1024`, "keyBits", `must be one of 2048, 3072, 4096`),
		"text for a number":                      putPolicy(`"lifetimeDays":"30"`, "lifetimeDays", "must be a number"),
		"a number for a truth value":             putPolicy(`"enabled":1`, "enabled", "must be true or false"),
	})
}

func TestBodiesThatAreRefused(t *testing.T) {
	put := func(body string, status int, detail string) refused {
		return refused{method: "PUT", path: appPath, body: body, status: status, field: "body", detail: detail}
	}
	refuse(t, map[string]refused{
		"half of one":                   put(`{"policies":`, 400, "is not JSON: unexpected end of JSON input"),
		"no JSON":                       put(`policies`, 400, "is not JSON: invalid character 'p' looking for beginning of value"),
		"two":                           put(managed+managed, 400, "is not JSON: invalid character '{' after top-level value"),
		"a list":                        put(`[]`, 422, "must be an object"),
		"null":                          put(`null`, 422, "must be an object"),
		"a field twice":                 put(`{"policies":{"secret":{"enabled":true,"enabled":false}}}`, 400, `names the field "enabled" twice`),
		"a number beyond all":           put(`{"policies":{"secret":{"lifetimeDays":1e999}}}`, 400, `has a number that is too large`),
		"an integer with a point":       put(`{"policies":{"secret":{"waits":{"verifySuccesses":3.0}}}}`, 422, `has a number in "verifySuccesses" that is too large, or that should be written as a whole one`),
		"a form":                        {method: "PUT", path: appPath, body: "policies=", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, field: "body", detail: "unknown content type: application/x-www-form-urlencoded"},
		"one that is too large":         {method: "PUT", path: appPath, body: managed + strings.Repeat(" ", 1<<20+1-len(managed)), status: 413, detail: "the body is larger than 1 MiB"},
		"one that lacks a field":        {method: "PUT", path: appPath, body: `{}`, status: 422, field: "body.policies", detail: "must be there"},
		"one with a field too many":     {method: "PUT", path: appPath, body: `{"policies":{},"name":"x"}`, status: 422, field: "body.name", detail: "is not a field here; the fields are in /api/openapi.json"},
		"a kind of credential too many": {method: "PUT", path: appPath, body: `{"policies":{"password":{}}}`, status: 422, field: "body.policies.password", detail: "is not a field here; the fields are in /api/openapi.json"},
	})
}

func TestAMissingBodyIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.call("PUT", appPath, "")
	assert.Equal(t, 400, a.status)
	assert.JSONEq(t, `{"title":"Bad Request","status":400,"detail":"request body is required","errors":[{"message":"must be there","location":"body"}]}`, a.body)
}

func TestABodyOfOneMebibyteIsTaken(t *testing.T) {
	w := newWorld(t)
	w.must(201, "PUT", appPath, managed+strings.Repeat(" ", 1<<20-len(managed)))
}

const otherPath = "/api/applications/" + unknown

func TestApplicationsThatAreRefused(t *testing.T) {
	const notManaged = `application "` + unknown + `": the application is not managed by rekey`
	refuse(t, map[string]refused{
		"one that the tenant does not have": {method: "PUT", path: otherPath, body: managed, status: 422, field: "path.appId",
			detail: `the tenant has no app registration with client id "` + unknown + `"; give the client id, not the object id`},
		"rekey itself": {method: "PUT", path: "/api/applications/" + ownID, body: managed, status: 409,
			detail: `"` + ownID + `" is the identity that rekey itself runs as; rotating it would lock rekey out`},
		"an id that is no GUID": {method: "GET", path: "/api/applications/shop", status: 422, field: "path.appId",
			detail: "must be the application's client id, a GUID"},
		"an unknown one, to be shown":     {method: "GET", path: otherPath, status: 404, detail: notManaged},
		"an unknown one, to be deleted":   {method: "DELETE", path: otherPath, status: 404, detail: notManaged},
		"an unknown one, to be paused":    {method: "POST", path: otherPath + "/pause", status: 404, detail: notManaged},
		"an unknown one, to be resumed":   {method: "POST", path: otherPath + "/resume", status: 404, detail: notManaged},
		"an unknown one's log":            {method: "GET", path: otherPath + "/log", status: 404, detail: notManaged},
		"an unknown one's rotations":      {method: "GET", path: otherPath + "/rotations", status: 404, detail: notManaged},
		"an unknown one, to be rotated":   {method: "POST", path: otherPath + "/rotations", body: `{"kind":"secret"}`, status: 404, detail: notManaged},
		"an unknown one's target":         {method: "PUT", path: otherPath + "/targets/vault", body: `{"integration":"plain","kind":"secret"}`, status: 404, detail: notManaged},
		"an unknown one, to adopt for":    {method: "POST", path: otherPath + "/adopt", body: `{"keyId":"` + keyID + `"}`, status: 404, detail: notManaged},
		"a creation of what is there":     {method: "PUT", path: appPath, body: managed, headers: []string{"If-None-Match", "*"}, status: 412, field: "header.If-None-Match", detail: "it exists already; leave the header out to replace it"},
		"a creation with an ETag":         {method: "PUT", path: appPath, body: managed, headers: []string{"If-None-Match", `"x"`}, status: 422, field: "header.If-None-Match", detail: `must be one of *`},
		"an ETag that was never given":    {method: "PUT", path: appPath, body: managed, headers: []string{"If-Match", `"x"`}, status: 412, field: "header.If-Match", detail: "must be * or one ETag exactly as GET answered it, quotes included"},
		"an ETag without quotes":          {method: "PUT", path: appPath, body: managed, headers: []string{"If-Match", `eA`}, status: 412, field: "header.If-Match", detail: "must be * or one ETag exactly as GET answered it, quotes included"},
		"another ETag":                    {method: "PUT", path: appPath, body: managed, headers: []string{"If-Match", `"eA"`}, status: 412, field: "header.If-Match", detail: "it was changed since, or does not exist; GET it again and repeat with the new ETag"},
		"a credential that Graph lacks":   {method: "POST", path: appPath + "/adopt", body: `{"keyId":"` + unknown + `"}`, status: 422, field: "body.keyId", detail: `application "` + appID + `" has no secret with key id "` + unknown + `"; GET the application to see its credentials`},
		"a key id that is no GUID":        {method: "POST", path: appPath + "/adopt", body: `{"keyId":"x"}`, status: 422, field: "body.keyId", detail: "must be the credential's key id, a GUID"},
		"a certificate to be adopted":     {method: "POST", path: appPath + "/adopt", body: `{"keyId":"` + keyID + `","kind":"certificate"}`, status: 422, field: "body.keyId", detail: `application "` + appID + `" has no certificate with key id "` + keyID + `"; GET the application to see its credentials`},
		"a page that is too long":         {method: "GET", path: "/api/applications?limit=1001", status: 422, field: "query.limit", detail: "must be at most 1000"},
		"a cursor that nobody gave":       {method: "GET", path: "/api/applications?cursor=eA", status: 422, field: "query.cursor", detail: "must be the next of the page before"},
		"a cursor of the log nobody gave": {method: "GET", path: appPath + "/log?cursor=eA", status: 422, field: "query.cursor", detail: "must be the next of the page before"},
		"a parameter that nobody knows":   {method: "GET", path: "/api/applications?page=2", status: 422, field: "query.page", detail: "is not a parameter here; the parameters are in /api/openapi.json"},
		"a path that nobody knows":        {method: "GET", path: "/api/secrets", status: 404, detail: "there is nothing at this path; what there is stands in /api/openapi.json"},
		"a path with a slash too many":    {method: "POST", path: "/api//pause", status: 404, detail: "there is nothing at this path; what there is stands in /api/openapi.json"},
		"a method that the path lacks":    {method: "PATCH", path: appPath, body: managed, status: 405, detail: "this path takes GET, HEAD, PUT, DELETE only"},
		"a request from another site":     {method: "POST", path: "/api/pause", headers: []string{"Sec-Fetch-Site", "cross-site"}, status: 403, detail: "a page of another site may not use the API"},
	})
}

func TestTargetsThatAreRefused(t *testing.T) {
	const path = appPath + "/targets/vault"
	put := func(body, field, detail string) refused {
		return refused{method: "PUT", path: path, body: body, status: 422, field: field, detail: detail}
	}
	refuse(t, map[string]refused{
		"an unknown integration":  put(`{"integration":"fax","kind":"secret"}`, "body.integration", "must be one of careful, place, plain"),
		"no integration":          put(`{"kind":"secret"}`, "body.integration", "must be there"),
		"an unknown kind":         put(`{"integration":"plain","kind":"password"}`, "body.kind", `must be one of secret, certificate`),
		"a setting that is wrong": put(`{"integration":"place","kind":"secret","settings":{}}`, "body.settings.vault", "must be the name of a vault"),
		"settings that are unknown": put(`{"integration":"place","kind":"secret","settings":{"colour":1}}`, "body.settings",
			`json: unknown field "colour"`),
		"settings that are no object": put(`{"integration":"plain","kind":"secret","settings":"{}"}`, "body.settings", "must be an object"),
		"a setting twice":             {method: "PUT", path: path, body: `{"integration":"place","kind":"secret","settings":{"vault":"a","vault":"b"}}`, status: 400, field: "body", detail: `names the field "vault" twice`},
		"an id with capitals": {method: "PUT", path: appPath + "/targets/Vault", body: `{"integration":"plain","kind":"secret"}`, status: 422, field: "path.targetId",
			detail: "must be 1 to 63 lower-case letters, digits and single hyphens between them"},
		"an id with a dot": {method: "GET", path: appPath + "/targets/a.b", status: 422, field: "path.targetId",
			detail: "must be 1 to 63 lower-case letters, digits and single hyphens between them"},
		"an id that is too long":    {method: "GET", path: appPath + "/targets/" + strings.Repeat("a-", 32) + "a", status: 422, field: "path.targetId", detail: "must not be longer than 63 characters"},
		"an unknown one, shown":     {method: "GET", path: appPath + "/targets/other", status: 404, detail: `target "other": there is no such target`},
		"an unknown one, deleted":   {method: "DELETE", path: appPath + "/targets/other", status: 404, detail: `target "other": there is no such target`},
		"a change of what is gone":  {method: "PUT", path: appPath + "/targets/other", body: `{"integration":"plain","kind":"secret"}`, headers: []string{"If-Match", "*"}, status: 412, field: "header.If-Match", detail: "it was changed since, or does not exist; GET it again and repeat with the new ETag"},
		"a creation of what exists": {method: "PUT", path: path, body: `{"integration":"plain","kind":"secret"}`, headers: []string{"If-None-Match", "*"}, status: 412, field: "header.If-None-Match", detail: "it exists already; leave the header out to replace it"},
	})
}

func TestRotationsThatAreRefused(t *testing.T) {
	post := func(body, field, detail string) refused {
		return refused{method: "POST", path: appPath + "/rotations", body: body, status: 422, field: field, detail: detail}
	}
	const gone = `rotation "` + appID + `.secret.7": there is no such rotation`
	refuse(t, map[string]refused{
		"no kind":                       post(`{}`, "body.kind", "must be there"),
		"a revocation without an alarm": post(`{"kind":"secret","revokeNow":true}`, "body.revokeNow", "must be false unless emergency is true: only an emergency leaves the old credentials no overlap"),
		"a key that is too long": {method: "POST", path: appPath + "/rotations", body: `{"kind":"secret"}`, headers: []string{"Idempotency-Key", strings.Repeat("k", 256)}, status: 422,
			field: "header.Idempotency-Key", detail: "must not be longer than 255 characters"},
		"an id that is none":        {method: "GET", path: "/api/rotations/7", status: 422, field: "path.id", detail: "must be a rotation's id, <appId>.<kind>.<generation>"},
		"an unknown one, shown":     {method: "GET", path: "/api/rotations/" + appID + ".secret.7", status: 404, detail: gone},
		"an unknown one, cancelled": {method: "POST", path: "/api/rotations/" + appID + ".secret.7/cancel", status: 404, detail: gone},
		"an unknown one, resumed": {method: "POST", path: "/api/deployments/" + appID + ".secret.7/vault/resume", status: 404,
			detail: `rotation "` + appID + `.secret.7": there is no such rotation`},
		"a cursor of another application": {method: "GET", path: appPath + "/rotations?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(unknown+".secret.1")),
			status: 422, field: "query.cursor", detail: "must be the next of the page before"},
		"a cursor that nobody gave": {method: "GET", path: appPath + "/rotations?cursor=eA", status: 422, field: "query.cursor", detail: "must be the next of the page before"},
	})
}

func TestWhatIsRefusedWithARotationInFlight(t *testing.T) {
	refuse(t, map[string]refused{
		"the application's deletion": {method: "DELETE", path: appPath, status: 409, detail: `rotation "` + appID + `.secret.1" is in flight; cancel it or wait for it`},
	}, func(w *world) { w.must(202, "POST", appPath+"/rotations", `{"kind":"secret"}`) })
}

func TestWhatIsRefusedWhilePaused(t *testing.T) {
	refuse(t, map[string]refused{
		"a rotation": {method: "POST", path: appPath + "/rotations", body: `{"kind":"secret"}`, status: 409, detail: `"` + appID + `" is paused; resume it, or ask for an emergency rotation`},
	}, func(w *world) { w.must(200, "POST", appPath+"/pause", "") })
}

func TestWhatIsRefusedOfADisabledKind(t *testing.T) {
	refuse(t, map[string]refused{
		"a rotation": {method: "POST", path: appPath + "/rotations", body: `{"kind":"secret"}`, status: 409, detail: `secret rotation of "` + appID + `" is not enabled; enable it in the application's policy`},
	}, func(w *world) { w.must(200, "PUT", appPath, `{"policies":{"secret":{"enabled":false}}}`) })
}

func TestSeveralProblemsAreToldTogether(t *testing.T) {
	w := newWorld(t)
	p := w.must(422, "PUT", appPath, `{"policies":{"secret":{"lifetimeDays":91,"overlapHours":9000,"onUnverifiable":"stop"}}}`)
	assert.Equal(t, "body.policies.secret.lifetimeDays: must be from 24 hours to 90 days, not 91 days; "+
		"body.policies.secret.overlapHours: must be from 0s to 365 days, not 375 days", p["detail"])
	assert.Len(t, p["errors"], 2)
}
