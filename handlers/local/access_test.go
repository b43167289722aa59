package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// as sends a request with nothing but these headers, name, value, name, value.
func (s *Stack) as(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// bearer and cookie are what the people present.

func (s *Stack) bearer(t *testing.T, word string) []string {
	t.Helper()
	token, err := s.tokenOf(word)
	require.NoError(t, err)
	return []string{"Authorization", "Bearer " + token}
}

func (s *Stack) cookie(word string) []string {
	cookie := s.session(word)
	return []string{"Cookie", cookie.Name + "=" + cookie.Value, "Sec-Fetch-Site", "same-origin"}
}

const adminPrincipal = "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W3sidHlwIjoicm9sZXMiLCJ2YWwiOiJSZWtleS5BZG1pbmlzdHJhdG9yIn1dfQ=="

// TestTheWaysIn uses each way into the packaged handler, behind a platform that signs
// people in, and tries to come in without any.
func TestTheWaysIn(t *testing.T) {
	s := startStack(t, func(o *Options) { o.Access = true })
	app := s.manage(t, 0, fast(nil), rbacVault)
	own := "/api/applications/" + app

	for name, headers := range map[string][]string{
		"nothing": nil, "a function's key": {"X-Functions-Key", "x"}, "a principal": {"X-MS-CLIENT-PRINCIPAL", adminPrincipal},
		"a made-up session": {"Cookie", "AppServiceAuthSession=x"}, "a made-up key": {"X-Api-Key", "rk_aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 43)},
		"an unsigned token": {"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."},
	} {
		for _, path := range []string{own, "/api/openapi.json", "/api/nothing", "/", "/API/applications?code=x"} {
			status, _ := s.as(t, "GET", path, "", headers...)
			assert.Equal(t, http.StatusUnauthorized, status, "%s with %s", path, name)
		}
		status, _ := s.as(t, "GET", "/api/health", "", headers...)
		assert.Equal(t, http.StatusOK, status, name)
	}

	for way, headersOf := range map[string]func(string) []string{
		"a token": func(word string) []string { return s.bearer(t, word) }, "a session": s.cookie,
	} {
		for word, want := range map[string][4]int{ // read, pause, emergency, keys
			"owner": {403, 403, 403, 403}, "reader": {200, 403, 403, 403}, "operator": {200, 200, 403, 403}, "administrator": {200, 200, 202, 200},
		} {
			headers := headersOf(word)
			var got [4]int
			got[0], _ = s.as(t, "GET", own, "", headers...)
			got[1], _ = s.as(t, "POST", own+"/pause", "", headers...)
			got[2], _ = s.as(t, "POST", own+"/rotations", `{"kind":"secret","emergency":true}`, headers...)
			got[3], _ = s.as(t, "GET", "/api/keys", "", headers...)
			assert.Equal(t, want, got, "%s as %s", way, word)
			status, _ := s.as(t, "GET", "/", "", headers...)
			assert.Equal(t, http.StatusOK, status, "the page for %s with %s", word, way)
		}
	}
	status, _ := s.as(t, "POST", "/api/pause", "", s.cookie("operator")[:2]...)
	assert.Equal(t, http.StatusForbidden, status, "a session from nowhere changes nothing")
}

func TestAnOwnerAndAKeyActOnTheirApplication(t *testing.T) {
	s := startStack(t, func(o *Options) { o.Access = true })
	app, other := s.Tenant.Apps[0], s.Tenant.Apps[1]
	app.Owners = append(app.Owners, s.Tenant.API.people["owner"].ObjectID)
	s.Azure.Directory.PutApplication(app)
	owner := s.bearer(t, "owner")
	status, text := s.as(t, "PUT", "/api/applications/"+app.AppID, `{"policies":{"secret":{}}}`, owner...)
	require.Equal(t, http.StatusCreated, status, text)
	status, text = s.as(t, "PUT", "/api/applications/"+other.AppID, `{"policies":{"secret":{}}}`, owner...)
	assert.Equal(t, http.StatusForbidden, status, text)

	var made struct{ ID, Key string }
	s.made(t, "/api/keys", `{"name":"pipeline","role":"operator","applications":["`+app.AppID+`"],"expires":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`, s.cookie("administrator"), &made)
	key := []string{"X-Api-Key", made.Key}
	status, _ = s.as(t, "POST", "/api/applications/"+app.AppID+"/pause", "", key...)
	assert.Equal(t, http.StatusOK, status)
	status, _ = s.as(t, "GET", "/api/applications/"+other.AppID, "", key...)
	assert.Equal(t, http.StatusForbidden, status)
	var log struct {
		Items []struct{ What, Actor string }
	}
	s.read(t, "/api/applications/"+app.AppID+"/log", &log)
	actors := map[string]bool{}
	for _, line := range log.Items {
		actors[line.Actor] = true
	}
	assert.Contains(t, actors, "key "+made.ID)
	assert.Contains(t, actors, "owner@contoso.com ("+s.Tenant.API.people["owner"].ObjectID+")")

	status, _ = s.as(t, "DELETE", "/api/keys/"+made.ID, "", s.bearer(t, "administrator")...)
	assert.Equal(t, http.StatusNoContent, status)
	status, _ = s.as(t, "GET", "/api/applications/"+app.AppID, "", key...)
	assert.Equal(t, http.StatusUnauthorized, status)
}

// TestWithoutThePlatformItsHeaderIsAnybodys: the host hands it on, and nobody believes it.
func TestWithoutThePlatformItsHeaderIsAnybodys(t *testing.T) {
	s := startStack(t, func(o *Options) {
		o.Access, o.Settings["WEBSITE_AUTH_ENABLED"] = true, "false"
	})
	for _, name := range []string{"X-MS-CLIENT-PRINCIPAL", "x-ms-client-principal"} {
		status, _ := s.as(t, "GET", "/api/applications", "", name, adminPrincipal)
		assert.Equal(t, http.StatusUnauthorized, status)
	}
	status, _ := s.as(t, "GET", "/api/applications", "", s.bearer(t, "reader")...)
	assert.Equal(t, http.StatusOK, status, "tokens need no platform")
}

func TestTokensOfOthersDoNotComeIn(t *testing.T) {
	s := startStack(t, func(o *Options) { o.Access = true })
	tokens, err := s.Azure.Directory.SignIn(entra.SignIn{
		UserID: s.Tenant.API.people["administrator"].ObjectID, Client: s.Tenant.API.AppID, Resource: s.Tenant.API.AppID, Scope: "user_impersonation",
	})
	require.NoError(t, err)
	forGraph, err := s.Azure.Directory.TokenFor(s.Tenant.API.program, entra.GraphAudience)
	require.NoError(t, err)
	for name, token := range map[string]string{"an ID token": tokens.ID, "a token for Graph": forGraph, "a token with an end cut off": tokens.Access[:len(tokens.Access)-2]} {
		status, text := s.as(t, "GET", "/api/applications", "", "Authorization", "Bearer "+token)
		assert.Equal(t, http.StatusUnauthorized, status, "%s: %s", name, text)
	}
	s.Azure.Directory.RollKeys()
	status, text := s.as(t, "GET", "/api/applications", "", "Authorization", "Bearer "+tokens.Access)
	assert.Equal(t, http.StatusOK, status, text)
}

// made sends a POST whose answer is wanted.
func (s *Stack) made(t *testing.T, path, body string, headers []string, answer any) {
	t.Helper()
	status, text := s.as(t, "POST", path, body, headers...)
	require.Equal(t, http.StatusCreated, status, text)
	require.NoError(t, json.Unmarshal([]byte(text), answer))
}
