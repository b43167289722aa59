package access

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

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
	Log         *slog.Logger
}

// Keys knows the API keys.
type Keys interface {
	// KeyHolder returns the principal that a key stands for, or an error that wraps
	// ErrRefused where there is no such key, or none any more.
	KeyHolder(ctx context.Context, presented secret.Value) (Principal, error)
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
}

// New returns a gate. It calls nobody before the first token comes.
func New(c Config) *Gate {
	return &Gate{Config: c}
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
	return Principal{}, ErrUnknown
}

// Challenge is what a refused client is told to present, as RFC 6750 spells it.
// https://www.rfc-editor.org/rfc/rfc6750#section-3
func (g *Gate) Challenge(refused error) string {
	challenge := []string{`Bearer realm="rekey"`}
	if errors.Is(refused, ErrRefused) {
		challenge = append(challenge, `error="invalid_token"`)
	}
	return strings.Join(challenge, ", ")
}
