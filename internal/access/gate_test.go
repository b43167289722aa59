package access_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/secret"
)

// keys knows one key.
type keys struct {
	key  engine.APIKey
	fail error
}

func (k keys) KeyOf(_ context.Context, presented secret.Value) (engine.APIKey, error) {
	if k.fail == nil && presented.Reveal() != rightKey {
		return engine.APIKey{}, engine.ErrNoKey
	}
	return k.key, k.fail
}

const rightKey = "rk_right"

func platform(c *access.Config) { c.Platform = true }

// claim is one of the header's, as name and value.
type claim [2]string

const (
	objectClaim = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	tenantClaim = "http://schemas.microsoft.com/identity/claims/tenantid"
	upnClaim    = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
)

// principal is the header that the platform would set.
func principal(provider string, claims ...claim) string {
	listed := []map[string]string{}
	for _, c := range claims {
		if c[1] != "" {
			listed = append(listed, map[string]string{"typ": c[0], "val": c[1]})
		}
	}
	text := must(json.Marshal(map[string]any{
		"auth_typ": provider, "claims": listed, "name_typ": "x", "role_typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
	}))
	return base64.StdEncoding.EncodeToString(text)
}

// annaAs is Anna's, with changes: a claim that is named again replaces the one before.
func (w *world) annaAs(changes ...claim) string {
	all := []claim{{"aud", w.api.AppID}, {objectClaim, annaID}, {tenantClaim, tenantID}, {"preferred_username", "anna@contoso.com"}, {"name", "Anna"}, {"roles", "Rekey.Reader"}}
	for _, change := range changes {
		for i := range all {
			if all[i][0] == change[0] {
				all[i] = change
				change = claim{}
			}
		}
		all = append(all, change)
	}
	return principal("aad", all...)
}

const header = "X-MS-CLIENT-PRINCIPAL"

func TestWhoSignedInAtThePlatform(t *testing.T) {
	w := start(t, platform)
	anna := access.Principal{Kind: access.Person, ID: annaID, Name: "anna@contoso.com", Role: access.Reader, Session: true}
	operator, nobody, byUPN, byName := anna, anna, anna, anna
	operator.Role, nobody.Role, byUPN.Name, byName.Name = access.Operator, access.None, "anna@upn", "Anna"
	for name, c := range map[string]struct {
		header string
		want   access.Principal
	}{
		"a reader":                       {w.annaAs(), anna},
		"roles under their longer name":  {w.annaAs(claim{"roles", ""}, claim{"http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "Rekey.Operator"}), operator},
		"the greatest of several":        {w.annaAs(claim{"other", "x"}, claim{"http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "Rekey.Operator"}), operator},
		"no role":                        {w.annaAs(claim{"roles", ""}), nobody},
		"a role in other words":          {w.annaAs(claim{"roles", "rekey.reader"}), nobody},
		"a role in a claim of groups":    {w.annaAs(claim{"roles", ""}, claim{"groups", "Rekey.Administrator"}, claim{"wids", "Rekey.Administrator"}), nobody},
		"claims under their short names": {principal("aad", claim{"aud", w.api.AppID}, claim{"oid", annaID}, claim{"tid", tenantID}, claim{"upn", "anna@upn"}, claim{"roles", "Rekey.Reader"}), byUPN},
		"a name alone":                   {w.annaAs(claim{"preferred_username", ""}), byName},
		"without padding":                {strings.TrimRight(w.annaAs(), "="), anna},
		"an object in capitals":          {w.annaAs(claim{objectClaim, strings.ToUpper(annaID)}), anna},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := w.identify(header, c.header)
			require.NoError(t, err)
			assert.Equal(t, c.want, who)
		})
	}
}

func TestForgedPrincipalsAreRefused(t *testing.T) {
	w := start(t, platform)
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"of another provider":          {[]string{header, principal("github", claim{objectClaim, annaID}, claim{tenantClaim, tenantID}, claim{"roles", "Rekey.Administrator"})}, "refused: who signs in must do so with Microsoft Entra ID"},
		"of no provider":               {[]string{header, principal("", claim{objectClaim, annaID}, claim{tenantClaim, tenantID})}, "refused: who signs in must do so with Microsoft Entra ID"},
		"of another tenant":            {[]string{header, w.annaAs(claim{tenantClaim, elsewhere})}, "refused: who signs in must do so in rekey's own tenant"},
		"of no tenant":                 {[]string{header, w.annaAs(claim{tenantClaim, ""})}, "refused: who signs in must do so in rekey's own tenant"},
		"of two tenants":               {[]string{header, w.annaAs(claim{"tid", elsewhere})}, "refused: who signs in must do so in rekey's own tenant"},
		"for another registration":     {[]string{header, w.annaAs(claim{"aud", elsewhere})}, "refused: App Service authentication must use the app registration that REKEY_API_CLIENT_ID names"},
		"of nobody":                    {[]string{header, w.annaAs(claim{objectClaim, ""})}, "refused: who signed in has no object id"},
		"of somebody who is no object": {[]string{header, w.annaAs(claim{objectClaim, "anna"})}, "refused: who signed in has no object id"},
		"of two people":                {[]string{header, w.annaAs(claim{"oid", programID})}, "refused: who signed in has no object id"},
		"twice":                        {[]string{header, w.annaAs(), header, w.annaAs()}, "refused: X-MS-CLIENT-PRINCIPAL must be there once"},
		"twice, in another case":       {[]string{header, w.annaAs(), "x-ms-client-principal", w.annaAs()}, "refused: X-MS-CLIENT-PRINCIPAL must be there once"},
		"two in one":                   {[]string{header, w.annaAs() + ", " + w.annaAs()}, "refused: X-MS-CLIENT-PRINCIPAL cannot be read"},
		"no Base64":                    {[]string{header, "{}"}, "refused: X-MS-CLIENT-PRINCIPAL cannot be read"},
		"no JSON":                      {[]string{header, "e30tLS0t"}, "refused: X-MS-CLIENT-PRINCIPAL cannot be read"},
		"far too much":                 {[]string{header, strings.Repeat("A", 65<<10)}, "refused: X-MS-CLIENT-PRINCIPAL is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := w.identify(c.headers...)
			require.ErrorIs(t, err, access.ErrRefused)
			assert.EqualError(t, err, c.want)
			assert.Zero(t, who)
		})
	}
}

// TestThePrincipalCountsOnlyWhereThePlatformSetsIt: elsewhere anybody may send it.
func TestThePrincipalCountsOnlyWhereThePlatformSetsIt(t *testing.T) {
	w := start(t)
	for _, name := range []string{header, "x-ms-client-principal", "X-Ms-Client-Principal"} {
		_, err := w.identify(name, w.annaAs(claim{"roles", "Rekey.Administrator"}))
		assert.ErrorIs(t, err, access.ErrUnknown)
	}
	w = start(t, platform)
	for _, name := range []string{"X-MS-CLIENT-PRINCIPAL-ID", "X-MS-CLIENT-PRINCIPAL-NAME", "X_MS_CLIENT_PRINCIPAL", "X-MS-TOKEN-AAD-ACCESS-TOKEN", "X-ZUMO-AUTH"} {
		_, err := w.identify(name, w.annaAs())
		assert.ErrorIs(t, err, access.ErrUnknown, name)
	}
}

func TestAnAPIKey(t *testing.T) {
	key := engine.APIKey{ID: "k", Name: "pipeline", Role: "operator"}
	confined := key
	confined.Applications = []string{annaID}
	w := start(t, func(c *access.Config) { c.Keys = keys{key: key} })
	for _, headers := range [][]string{{"X-Api-Key", rightKey}, {"Authorization", "Bearer " + rightKey}, {"authorization", "bearer " + rightKey}} {
		who, err := w.identify(headers...)
		require.NoError(t, err)
		assert.Equal(t, access.Principal{Kind: access.Key, ID: "k", Name: "pipeline", Role: access.Operator}, who)
		assert.Equal(t, "key k", who.Actor())
		assert.True(t, who.Reaches(annaID))
	}
	w = start(t, func(c *access.Config) { c.Keys = keys{key: confined} })
	who, err := w.identify("X-Api-Key", rightKey)
	require.NoError(t, err)
	assert.True(t, who.Reaches(annaID))
	assert.False(t, who.Reaches(programID))
	assert.False(t, who.Reaches(""))
}

func TestKeysThatOpenNothing(t *testing.T) {
	for name, c := range map[string]struct {
		keys      access.Keys
		presented string
		want      string
	}{
		"another one":      {keys{key: engine.APIKey{ID: "k", Role: "reader"}}, "rk_wrong", "refused: " + engine.ErrNoKey.Error()},
		"an empty one":     {keys{key: engine.APIKey{ID: "k", Role: "reader"}}, "", "refused: " + engine.ErrNoKey.Error()},
		"one with no role": {keys{key: engine.APIKey{ID: "k", Role: "owner"}}, rightKey, "refused: the API key has no role"},
		"where none are":   {nil, rightKey, "refused: API keys are not taken here"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, func(config *access.Config) { config.Keys = c.keys })
			_, err := w.identify("X-Api-Key", c.presented)
			assert.EqualError(t, err, c.want)
		})
	}
	down := errors.New("no store")
	w := start(t, func(c *access.Config) { c.Keys = keys{fail: down} })
	_, err := w.identify("X-Api-Key", rightKey)
	assert.ErrorIs(t, err, down)
	assert.NotErrorIs(t, err, access.ErrRefused)
}

// TestWhatIsPresentedIsTheOnlyWayIn: a wrong credential does not fall through to a
// session, and two of them are none.
func TestWhatIsPresentedIsTheOnlyWayIn(t *testing.T) {
	w := start(t, platform, func(c *access.Config) { c.Keys = keys{key: engine.APIKey{ID: "k", Role: "reader"}} })
	token, administrator := w.anna("Rekey.Operator").Access, w.annaAs(claim{"roles", "Rekey.Administrator"})
	for name, headers := range map[string][]string{
		"a wrong key and a session":   {"X-Api-Key", "rk_wrong", header, administrator},
		"a wrong token and a session": {"Authorization", "Bearer x", header, administrator},
		"another scheme":              {"Authorization", "Basic YTpi", header, administrator},
		"an empty Authorization":      {"Authorization", "", header, administrator},
		"a scheme alone":              {"Authorization", "Bearer ", header, administrator},
		"two tokens":                  {"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
		"two keys":                    {"X-Api-Key", rightKey, "x-api-key", rightKey},
		"a key and a token":           {"X-Api-Key", rightKey, "Authorization", "Bearer " + token},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.identify(headers...)
			assert.ErrorIs(t, err, access.ErrRefused)
		})
	}
	who, err := w.identify("Authorization", "Bearer "+token, header, administrator)
	require.NoError(t, err)
	assert.Equal(t, access.Operator, who.Role, "the token counts, which the platform has let through beside its header")
	assert.False(t, who.Session)
}

func TestTheGateIsClosedUntilItIsSaidWhoMayComeIn(t *testing.T) {
	w := start(t, func(c *access.Config) {
		c.ClientID, c.Audience, c.Keys = "", "", keys{key: engine.APIKey{ID: "k", Role: "reader"}}
	})
	for _, headers := range [][]string{nil, {"X-Api-Key", rightKey}, {header, w.annaAs()}, {"Authorization", "Bearer " + w.anna().Access}, {"X-Functions-Key", "master"}} {
		_, err := w.identify(headers...)
		assert.ErrorIs(t, err, access.ErrClosed)
	}
	w = start(t, func(c *access.Config) { c.Open = true })
	who, err := w.identify(header, "forged")
	require.NoError(t, err)
	assert.Equal(t, access.Principal{Kind: access.Anybody, Role: access.Administrator}, who)
	assert.Equal(t, "anybody", who.Actor())
}

func TestTheChallengeSaysWhereTokensAre(t *testing.T) {
	w := start(t)
	const where = `Bearer realm="rekey", authorization_uri="https://login.microsoftonline.com/` + tenantID + `/oauth2/v2.0/authorize"`
	assert.Equal(t, where, w.gate.Challenge(access.ErrUnknown))
	assert.Equal(t, where+`, error="invalid_token"`, w.gate.Challenge(access.ErrRefused))
	assert.Equal(t, `Bearer realm="rekey"`, access.New(access.Config{}).Challenge(access.ErrUnknown))
}

func TestPrincipalsHaveAnActorAndRolesAreInOrder(t *testing.T) {
	for actor, who := range map[string]access.Principal{
		"anna@contoso.com (" + annaID + ")": {Kind: access.Person, ID: annaID, Name: "anna@contoso.com"},
		"(" + annaID + ")":                  {Kind: access.Person, ID: annaID},
		"program " + programID:              {Kind: access.Program, ID: annaID, Name: programID},
		"key k":                             {Kind: access.Key, ID: "k", Name: "pipeline"},
	} {
		assert.Equal(t, actor, who.Actor())
	}
	for _, word := range []string{"reader", "operator", "administrator"} {
		role, err := access.ParseRole(word)
		require.NoError(t, err)
		assert.Equal(t, word, role.String())
	}
	for _, word := range []string{"", "none", "Reader", "owner"} {
		_, err := access.ParseRole(word)
		assert.Error(t, err)
	}
	assert.True(t, access.None < access.Reader && access.Reader < access.Operator && access.Operator < access.Administrator)
}
