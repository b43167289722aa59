package access

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Config says who may come in. With the zero value nobody may.
type Config struct {
	// Open makes everybody an administrator.
	Open bool
	// Platform says that App Service authentication is turned on.
	Platform bool
	// TenantID is the tenant whose people and programs may come in.
	TenantID string
	// ClientID is the client id of rekey's own app registration; without it no token
	// is taken.
	ClientID string
	// Audience is an App ID URI of the registration, where it is not api://<ClientID>.
	Audience string
	// Keys knows the API keys.
	Keys Keys
	// Transport carries the requests for Entra ID's signing keys.
	Transport http.RoundTripper
	// CallTimeout bounds each of them.
	CallTimeout time.Duration
	Now         func() time.Time
}

// What Identify refuses. Any other error says that it cannot be found out at the
// moment; it is the service's to answer for, and its words are for the log.
var (
	// ErrClosed says that nobody may come in, because it is not said who may.
	ErrClosed = errors.New("nobody may come in yet: set REKEY_API_CLIENT_ID to the client id of rekey's own app registration, or turn App Service authentication on; on a machine of your own REKEY_OPEN_API=true lets everybody in")
	// ErrUnknown says that the request carries nothing that says who sent it.
	ErrUnknown = errors.New("sign in, or send an access token of Entra ID or an API key")
	// ErrRefused says that what it carries is not right; it comes wrapped with what is
	// wrong, in words that may be shown.
	ErrRefused = errors.New("refused")
)

// Gate tells who sent a request. It may be used from any goroutine.
type Gate struct {
	Config
	signing *signingKeys
}

// New returns a gate. It calls nobody before the first token comes.
func New(c Config) *Gate {
	return &Gate{Config: c, signing: newSigningKeys(c)}
}

// Identify returns who sent a request. What is presented on purpose counts before the
// platform's header, which a browser's cookie brings about by itself.
func (g *Gate) Identify(r *http.Request) (Principal, error) {
	switch {
	case g.Open:
		return Principal{Kind: Anybody, Role: Administrator}, nil
	case !g.Platform && g.ClientID == "":
		return Principal{}, ErrClosed
	}
	presented, err := present(r.Header)
	switch {
	case err != nil:
		return Principal{}, err
	case presented.isKey:
		return g.keyHolder(r.Context(), presented.secret)
	case !presented.secret.IsZero():
		return g.tokenHolder(r.Context(), presented.secret)
	case g.Platform:
		return g.signedIn(r.Header)
	}
	return Principal{}, ErrUnknown
}

// presented is what a request carries on purpose.
type presented struct {
	secret secret.Value
	isKey  bool
}

// present reads what a request presents, of which there may be one thing once.
func present(h http.Header) (p presented, err error) {
	authorization, keys := h.Values("Authorization"), h.Values("X-Api-Key")
	switch {
	case len(authorization)+len(keys) > 1:
		return p, refused("one credential must be sent, once")
	case len(keys) == 1:
		return presented{secret.New(keys[0]), true}, nil
	case len(authorization) == 0:
		return p, nil
	}
	scheme, credential, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return p, refused("the Authorization header must be Bearer and a token")
	}
	return presented{secret.New(credential), strings.HasPrefix(credential, engine.KeyPrefix)}, nil
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }

// Challenge is what a refused client is told to present, as RFC 6750 spells it.
// https://www.rfc-editor.org/rfc/rfc6750#section-3
func (g *Gate) Challenge(refused error) string {
	challenge := []string{`Bearer realm="rekey"`}
	if g.ClientID != "" {
		challenge = append(challenge, fmt.Sprintf(`authorization_uri="https://%s/%s/oauth2/v2.0/authorize"`, loginHost, g.TenantID))
	}
	if errors.Is(refused, ErrRefused) {
		challenge = append(challenge, `error="invalid_token"`)
	}
	return strings.Join(challenge, ", ")
}
