package access_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestATokenSaysWhoAndWhichRole(t *testing.T) {
	w := start(t)
	v1 := jwt.MapClaims{"ver": "1.0", "iss": "https://sts.windows.net/" + tenantID + "/", "azp": nil, "appid": programID}
	person := jwt.MapClaims{"scp": "user_impersonation", "sub": "pairwise", "idtyp": nil, "preferred_username": "anna@contoso.com"}
	for name, c := range map[string]struct {
		token string
		want  access.Principal
	}{
		"a program":                      {w.sign(w.claims(nil)), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"a program without idtyp":        {w.sign(w.claims(jwt.MapClaims{"idtyp": nil})), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"a program without a role":       {w.sign(w.claims(jwt.MapClaims{"roles": nil})), access.Principal{Kind: access.Program, ID: annaID, Name: programID}},
		"version 1.0":                    {w.sign(w.claims(v1)), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"the API's name":                 {w.sign(w.claims(jwt.MapClaims{"aud": "api://" + w.api.AppID})), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"a name of its own":              {w.sign(w.claims(jwt.MapClaims{"aud": "https://contoso.com/rekey"})), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"the greatest of several roles":  {w.sign(w.claims(jwt.MapClaims{"roles": []string{"Rekey.Reader", "Rekey.Administrator", "Other"}})), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Administrator}},
		"roles of other words":           {w.sign(w.claims(jwt.MapClaims{"roles": []string{"rekey.administrator", "Administrator", "Rekey.Administrator "}})), access.Principal{Kind: access.Program, ID: annaID, Name: programID}},
		"a clock that is a little fast":  {w.sign(w.claims(jwt.MapClaims{"nbf": w.now.Add(30 * time.Second).Unix()})), access.Principal{Kind: access.Program, ID: annaID, Name: programID, Role: access.Operator}},
		"a person, as Entra ID issues":   {w.anna("Rekey.Reader").Access, access.Principal{Kind: access.Person, ID: annaID, Name: "anna@contoso.com", Role: access.Reader}},
		"a person without a role":        {w.anna().Access, access.Principal{Kind: access.Person, ID: annaID, Name: "anna@contoso.com"}},
		"a person whose name is no line": {w.sign(w.claims(person)), access.Principal{Kind: access.Person, ID: annaID, Name: "anna@contoso.com", Role: access.Operator}},
		"a name with a line's end in it": {w.sign(w.claims(jwt.MapClaims{"scp": "x", "preferred_username": "a\nb\u202e" + strings.Repeat("c", 300)})), access.Principal{Kind: access.Person, ID: annaID, Name: "ab" + strings.Repeat("c", 254), Role: access.Operator}},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := w.identify("Authorization", "Bearer "+c.token)
			require.NoError(t, err)
			assert.Equal(t, c.want, who)
		})
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	w := start(t)
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&tokenKey().PublicKey))})
	right := w.claims(nil)
	whole := strings.Split(w.sign(right), ".")
	const (
		unsigned   = "refused: the token is not signed by Entra ID"
		unreadable = "refused: the token cannot be read"
		another    = "refused: the token is of another tenant"
	)
	for name, c := range map[string]struct{ token, want string }{
		"another key under the right name":   {w.signWith(jwt.SigningMethodRS256, other, right, nil), unsigned},
		"a key that nobody has":              {w.signWith(jwt.SigningMethodRS256, other, right, map[string]any{"kid": "other"}), unsigned},
		"a key that the token brings along":  {w.signWith(jwt.SigningMethodRS256, other, right, map[string]any{"kid": "other", "jku": "https://elsewhere.example/keys", "x5u": "https://elsewhere.example"}), unsigned},
		"no key's name":                      {w.signWith(jwt.SigningMethodRS256, tokenKey(), right, map[string]any{"kid": ""}), unreadable},
		"no algorithm":                       {w.signWith(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, right, nil), unsigned},
		"the public key as a password":       {w.signWith(jwt.SigningMethodHS256, public, right, nil), unsigned},
		"the modulus as a password":          {w.signWith(jwt.SigningMethodHS256, tokenKey().N.Bytes(), right, nil), unsigned},
		"another algorithm of the right key": {w.signWith(jwt.SigningMethodPS256, tokenKey(), right, nil), unsigned},
		"an extension that must be known":    {w.signWith(jwt.SigningMethodRS256, tokenKey(), right, map[string]any{"crit": []string{"b64"}}), unreadable},
		"other claims under a signature":     {whole[0] + "." + strings.Split(w.sign(w.claims(jwt.MapClaims{"roles": []string{"Rekey.Administrator"}})), ".")[1] + "." + whole[2], unsigned},
		"no signature":                       {whole[0] + "." + whole[1] + ".", unsigned},
		"two parts":                          {whole[0] + "." + whole[1], unreadable},
		"no token":                           {"x", unreadable},
		"far too much":                       {strings.Repeat("x", 17<<10), "refused: the token is too long"},
		"another tenant":                     {w.sign(w.claims(jwt.MapClaims{"iss": "https://" + loginHost + "/" + elsewhere + "/v2.0", "tid": elsewhere})), another},
		"another tenant that says ours":      {w.sign(w.claims(jwt.MapClaims{"iss": "https://" + loginHost + "/" + elsewhere + "/v2.0"})), another},
		"ours for a guest of another":        {w.sign(w.claims(jwt.MapClaims{"tid": elsewhere})), another},
		"an issuer of the other version":     {w.sign(w.claims(jwt.MapClaims{"ver": "1.0"})), another},
		"no version":                         {w.sign(w.claims(jwt.MapClaims{"ver": nil})), another},
		"no issuer and no version":           {w.sign(w.claims(jwt.MapClaims{"ver": nil, "iss": nil})), another},
		"another audience":                   {w.sign(w.claims(jwt.MapClaims{"aud": "https://graph.microsoft.com"})), "refused: the token is for another API"},
		"an audience that ends in ours":      {w.sign(w.claims(jwt.MapClaims{"aud": "api://elsewhere/" + w.api.AppID})), "refused: the token is for another API"},
		"no audience":                        {w.sign(w.claims(jwt.MapClaims{"aud": nil})), "refused: the token lacks a claim"},
		"expired":                            {w.sign(w.claims(jwt.MapClaims{"exp": w.now.Add(-2 * time.Minute).Unix()})), "refused: the token has expired"},
		"no end":                             {w.sign(w.claims(jwt.MapClaims{"exp": nil})), "refused: the token lacks a claim"},
		"not valid yet":                      {w.sign(w.claims(jwt.MapClaims{"nbf": w.now.Add(2 * time.Minute).Unix()})), "refused: the token is not valid yet"},
		"no beginning":                       {w.sign(w.claims(jwt.MapClaims{"nbf": nil})), "refused: the token lacks a claim"},
		"an ID token":                        {w.anna("Rekey.Administrator").ID, "refused: the token is no access token"},
		"neither person nor program":         {w.sign(w.claims(jwt.MapClaims{"idtyp": nil, "sub": "pairwise"})), "refused: the token is no access token"},
		"no client":                          {w.sign(w.claims(jwt.MapClaims{"azp": nil})), "refused: the token is no access token"},
		"nobody":                             {w.sign(w.claims(jwt.MapClaims{"oid": nil})), "refused: the token names nobody"},
		"roles that are no list":             {w.sign(w.claims(jwt.MapClaims{"roles": "Rekey.Administrator"})), unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := w.identify("Authorization", "Bearer "+c.token)
			require.ErrorIs(t, err, access.ErrRefused)
			assert.EqualError(t, err, c.want)
			assert.Zero(t, who)
		})
	}
}

func TestTokensAreNotTakenWithoutARegistration(t *testing.T) {
	w := start(t, func(c *access.Config) { c.ClientID, c.Audience, c.Platform = "", "", true })
	_, err := w.identify("Authorization", "Bearer "+w.sign(w.claims(nil)))
	assert.EqualError(t, err, "refused: access tokens are not taken here: REKEY_API_CLIENT_ID is not set")
	assert.Zero(t, w.calls())
}

func TestSigningKeysAreAskedForOnce(t *testing.T) {
	w := start(t)
	token := w.anna("Rekey.Reader").Access
	for range 5 {
		_, err := w.identify("Authorization", "Bearer "+token)
		require.NoError(t, err)
	}
	assert.Equal(t, 2, w.calls(), "the configuration and the keys")

	w.now = w.now.Add(25 * time.Hour)
	_, err := w.identify("Authorization", "Bearer "+w.sign(w.claims(nil)))
	require.NoError(t, err)
	assert.Equal(t, 2, w.calls(), "and again after a day")
}

func TestAKeyThatIsNewIsFound(t *testing.T) {
	w := start(t)
	older := w.anna("Rekey.Reader").Access
	_, err := w.identify("Authorization", "Bearer "+older)
	require.NoError(t, err)
	w.directory.RollKeys()
	newer := w.anna("Rekey.Operator").Access
	w.now = w.now.Add(2 * time.Minute)
	who, err := w.identify("Authorization", "Bearer "+newer)
	require.NoError(t, err)
	assert.Equal(t, access.Operator, who.Role)
	_, err = w.identify("Authorization", "Bearer "+older)
	assert.NoError(t, err, "what the older one signed is still good")
}

func TestMadeUpKeysDoNotMakeUsCall(t *testing.T) {
	w := start(t)
	_, err := w.identify("Authorization", "Bearer "+w.anna().Access)
	require.NoError(t, err)
	w.calls()
	for _, name := range []string{"a", "b", "c"} {
		_, err := w.identify("Authorization", "Bearer "+w.signWith(jwt.SigningMethodRS256, tokenKey(), w.claims(nil), map[string]any{"kid": name}))
		require.ErrorIs(t, err, access.ErrRefused)
	}
	assert.Zero(t, w.calls(), "within a minute of the last answer")
	w.now = w.now.Add(2 * time.Minute)
	for _, name := range []string{"a", "b", "c"} {
		_, _ = w.identify("Authorization", "Bearer "+w.signWith(jwt.SigningMethodRS256, tokenKey(), w.claims(nil), map[string]any{"kid": name}))
	}
	assert.Equal(t, 2, w.calls(), "once a minute")
}

func TestWhileEntraIsOutOfReach(t *testing.T) {
	for name, rule := range map[string]cloud.Fault{
		"it is out of order": {Host: loginHost, Status: 503},
		"it hangs up":        {Host: loginHost, Cut: true},
		"it talks nonsense":  {Host: loginHost, Status: 200, Body: []byte(`{"issuer":"https://elsewhere.example","jwks_uri":"https://elsewhere.example/keys"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			token := w.anna("Rekey.Reader").Access
			cloudtest.Misbehave(t, w.cloud, rule)
			_, err := w.identify("Authorization", "Bearer "+token)
			require.Error(t, err)
			assert.NotErrorIs(t, err, access.ErrRefused, "it is not the token's fault")
			assert.Equal(t, rotation.Transient, rotation.ClassOf(err))

			cloudtest.Misbehave(t, w.cloud)
			w.now = w.now.Add(time.Minute)
			_, err = w.identify("Authorization", "Bearer "+token)
			require.NoError(t, err)
			cloudtest.Misbehave(t, w.cloud, rule)
			w.now = w.now.Add(6 * 24 * time.Hour)
			_, err = w.identify("Authorization", "Bearer "+w.sign(w.claims(nil)))
			assert.NoError(t, err, "known keys are good for a week")
			w.now = w.now.Add(2 * 24 * time.Hour)
			_, err = w.identify("Authorization", "Bearer "+w.sign(w.claims(nil)))
			assert.Error(t, err)
		})
	}
}

func TestTokensOfAProgramComeFromTheTokenEndpoint(t *testing.T) {
	for _, version := range []int{1, 2} {
		w := start(t)
		w.api.TokenVersion = version
		w.directory.PutApplication(w.api)
		password, value := entra.NewPassword("p", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		app := w.directory.AddApplication(entra.Application{DisplayName: "pipeline", Passwords: []entra.Password{password}})
		w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, AppRoles: map[string][]string{w.api.AppID: {"Rekey.Operator"}}})
		token := w.clientCredentials(app.AppID, value, "api://"+w.api.AppID+"/.default")
		who, err := w.identify("Authorization", "bearer "+token)
		require.NoError(t, err)
		assert.Equal(t, access.Operator, who.Role)
		assert.Equal(t, "program "+app.AppID, who.Actor())
	}
}
