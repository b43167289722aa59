package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/functions/notify"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenantID   = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	appID      = "11111111-aaaa-4111-8111-111111111111"
	machine    = "/subscriptions/" + appID + "/resourceGroups/rg/providers/Microsoft.Automation/automationAccounts/account1"
	credential = "nobody but its target may see this"
	identity   = "the platform's own header"
)

// trap is the whole product, put together as in Azure, whose every outside call is
// answered by one lying service.
type trap struct {
	front *cloud.Cloud
	parts functions.Config

	mu   sync.Mutex
	seen []string // hosts that were called, but the platform's
}

func startTrap(t *testing.T, lie http.HandlerFunc) *trap {
	t.Helper()
	tr := &trap{front: cloudtest.Start(t, clock.New())}
	for _, domain := range []string{"com", "net", "example"} {
		tr.front.Handle("*."+domain, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tr.mu.Lock()
			tr.seen = append(tr.seen, r.Host)
			tr.mu.Unlock()
			lie(w, r)
		}))
	}
	tr.front.HandleLocal("/msi/token", http.HandlerFunc(grant))
	address, err := tr.front.Address(t.Context())
	require.NoError(t, err)
	t.Setenv("IDENTITY_ENDPOINT", "http://"+address+"/msi/token")
	t.Setenv("IDENTITY_HEADER", identity)
	settings := valid()
	delete(settings, "REKEY_TABLES_CONNECTION")
	settings["REKEY_TABLES_ENDPOINT"] = "https://rekey.table.core.windows.net"
	settings["REKEY_EVENTGRID_TOPIC_ENDPOINT"] = "https://life.westeurope-1.eventgrid.azure.net/api/events"
	settings["ServiceBusConnection"] = "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=bm9uZQ=="
	c, err := read(settings)
	require.NoError(t, err)
	transport := tr.front.Client().Transport.(*http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	tr.parts, err = connectThrough(transport, c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return tr
}

// grant answers as the platform's identity endpoint.
func grant(w http.ResponseWriter, r *http.Request) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"` + appID + `"}`))
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":"e30.%s.c2ln","expires_on":"%d","resource":%q,"token_type":"Bearer"}`,
		claims, time.Now().Add(time.Hour).Unix(), r.URL.Query().Get("resource"))
}

// outsideCall is a call that the product makes, and the host that it is for.
type outsideCall struct {
	host string
	make func(context.Context, functions.Config) error
}

// outsideCalls has every client of the product, and of each one that reads a list and
// one that sends a secret, where there are such.
func outsideCalls() map[string]outsideCall {
	given := rotation.Credential{
		Rotation: rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: 2}, KeyID: appID, Value: secret.New(credential),
		Start: time.Now(), End: time.Now().Add(time.Hour),
	}
	choices := func(word, setting string, chosen map[string]string) func(context.Context, functions.Config) error {
		return func(ctx context.Context, c functions.Config) error {
			_, err := c.Targets[word].(rotation.Lister).Choices(ctx, setting, chosen)
			return err
		}
	}
	return map[string]outsideCall{
		"stage a credential": {"contoso-rekey.vault.azure.net", func(ctx context.Context, c functions.Config) error {
			return c.Engine.Stage.Put(ctx, "rekey-x", given)
		}},
		"read a target's vault": {"shop.vault.azure.net", func(ctx context.Context, c functions.Config) error {
			_, err := c.Vaults.Get(ctx, "shop", "x")
			return err
		}},
		"write to a target's vault": {"shop.vault.azure.net", func(ctx context.Context, c functions.Config) error {
			_, err := c.Vaults.(*vault.Client).Set(ctx, "shop", "x", vault.Secret{Value: given.Value})
			return err
		}},
		"read an application": {"graph.microsoft.com", func(ctx context.Context, c functions.Config) error {
			_, err := c.Engine.Directory.Application(ctx, appID, rotation.Secret)
			return err
		}},
		"add a password": {"graph.microsoft.com", func(ctx context.Context, c functions.Config) error {
			_, err := c.Engine.Directory.AddPassword(ctx, appID, "rekey/default/2.1", time.Now().Add(time.Hour))
			return err
		}},
		"prove a credential": {"login.microsoftonline.com", func(ctx context.Context, c functions.Config) error {
			_, err := c.Engine.Verifier.Verify(ctx, appID, given)
			return err
		}},
		"publish an event": {"life.westeurope-1.eventgrid.azure.net", func(ctx context.Context, c functions.Config) error {
			return c.EventGrid.Publish(ctx, rotation.Event{ID: "1", Type: rotation.EventRetired, AppID: appID})
		}},
		"send a mail":               {"graph.microsoft.com", tell(rotation.Mail, "")},
		"post to Slack":             {"hooks.slack.com", tell(rotation.Slack, "https://hooks.slack.com/services/x")},
		"post to Teams":             {"x.westeurope.logic.azure.com", tell(rotation.Teams, "https://x.westeurope.logic.azure.com/workflows/x?sig=y")},
		"post to anybody's webhook": {"hooks.shop.example", tell(rotation.Webhook, "https://hooks.shop.example/x")},
		"read a row": {"rekey.table.core.windows.net", func(ctx context.Context, c functions.Config) error {
			_, err := c.Engine.Store.Get(ctx, engine.Key{Table: "applications", Partition: "p", Row: "r"})
			return err
		}},
		"read rows": {"rekey.table.core.windows.net", func(ctx context.Context, c functions.Config) error {
			for _, err := range c.Engine.Store.Query(ctx, engine.Range{Table: "applications", Partition: "p"}) {
				return err
			}
			return nil
		}},
		"list vaults":              {"management.azure.com", choices("keyvault", "vault", nil)},
		"list connections":         {"management.azure.com", choices("apiconnection", "connection", nil)},
		"list machines":            {"management.azure.com", choices("automation", "vm", nil)},
		"list runbooks":            {"management.azure.com", choices("automation", "runbook", map[string]string{"account": machine})},
		"list projects":            {"dev.azure.com", choices("devops", "project", map[string]string{"organization": "contoso"})},
		"list service connections": {"dev.azure.com", choices("devops", "serviceConnection", map[string]string{"organization": "contoso", "project": "shop"})},
		"list organizations":       {"app.vssps.visualstudio.com", choices("devops", "organization", nil)},
		"open a team": {"api.vercel.com", func(ctx context.Context, c functions.Config) error {
			_, err := c.Targets["vercel"].(api.TeamChecker).CheckTeam(ctx, "team_x", secret.New(credential))
			return err
		}},
	}
}

// tell sends a notification by one channel.
func tell(channel rotation.Channel, address string) func(context.Context, functions.Config) error {
	return func(ctx context.Context, c functions.Config) error {
		to := notify.Receiver{
			Rule:    rotation.Notification{ID: "x", Mailbox: "rekey@contoso.example", To: []string{"ops@contoso.example"}},
			Address: secret.New(address), Key: secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
		}
		return c.Channels[channel].Send(ctx, to, notify.Write(rotation.Event{ID: "1", Type: rotation.EventRetired, AppID: appID}, ""))
	}
}

// lies are answers that lead away, by what they say. {host} is the host that is asked.
func lies() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"a challenge of another vault": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer authorization="https://elsewhere.example/t", resource="https://vault.elsewhere.example"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
	}
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		for _, where := range []string{"https://elsewhere.example/", "https://x.{host}/", "https://other.vault.azure.net/", "http://{host}/"} {
			all[fmt.Sprintf("a redirect %d to %s", status, where)] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", strings.ReplaceAll(where, "{host}", r.Host))
				w.WriteHeader(status)
			}
		}
	}
	for _, next := range []string{
		"https://elsewhere.example/next", "//elsewhere.example/next", "https://{host}@elsewhere.example/next",
		"https://{host}.elsewhere.example/next", "https://other.vault.azure.net/next", "http://{host}/next", "https://{host}:8443/next",
	} {
		all["a next page at "+next] = func(w http.ResponseWriter, r *http.Request) {
			link := strings.ReplaceAll(next, "{host}", r.Host)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-MS-ContinuationToken", link)
			w.Header().Set("Link", "<"+link+`>; rel="next"`)
			if strings.Contains(r.URL.RequestURI(), "next") {
				link = "" // it came to the right place: the list ends
				w.Header().Del("X-MS-ContinuationToken")
			}
			_, _ = fmt.Fprintf(w, `{"id":"x","value":[{"subscriptionId":%q,"state":"Enabled","id":"x","name":"x"}],"nextLink":%q,"@odata.nextLink":%q,"pagination":{"next":%q}}`,
				appID, link, link, link)
		}
	}
	return all
}

// TestNoAnswerLeadsACallElsewhere has every client of the packaged product answered by
// a service that lies. What carries a token, a key or a credential reaches the host
// that it was for, and nobody else.
func TestNoAnswerLeadsACallElsewhere(t *testing.T) {
	for lie, answer := range lies() {
		t.Run(lie, func(t *testing.T) {
			tr := startTrap(t, answer)
			for name, call := range outsideCalls() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_ = call.make(ctx, tr.parts) // what a lie comes to is the clients' own tests
				assert.NoError(t, ctx.Err(), "%s: it ends by itself", name)
				cancel()
				assert.Subset(t, []string{call.host}, tr.hosts(), name)
			}
		})
	}
}

// hosts are those that were called since the last time.
func (tr *trap) hosts() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	hosts := map[string]bool{}
	for _, host := range tr.seen {
		hosts[host] = true
	}
	tr.seen = nil
	return slices.Collect(maps.Keys(hosts))
}

// TestEveryClientIsTried holds the tests here true: each call arrives where it is for.
func TestEveryClientIsTried(t *testing.T) {
	tr := startTrap(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	for name, call := range outsideCalls() {
		assert.Error(t, call.make(t.Context(), tr.parts), name)
		assert.Equal(t, []string{call.host}, tr.hosts(), name)
	}
}

// TestTheIdentityEndpointIsNotRedirected: the header that goes there is a secret.
func TestTheIdentityEndpointIsNotRedirected(t *testing.T) {
	tr := startTrap(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	tr.front.HandleLocal("/msi/moved", http.RedirectHandler("https://elsewhere.example/", http.StatusTemporaryRedirect))
	address, err := tr.front.Address(t.Context())
	require.NoError(t, err)
	t.Setenv("IDENTITY_ENDPOINT", "http://"+address+"/msi/moved")
	moved, err := connectThrough(tr.front.Client().Transport.(*http.Transport), config{tenantID: tenantID, clientID: appID, tablesEndpoint: "https://rekey.table.core.windows.net",
		busConnection: "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=bm9uZQ=="}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	_, err = moved.Engine.Directory.Application(t.Context(), appID, rotation.Secret)
	assert.ErrorContains(t, err, "sign in")
	assert.Empty(t, tr.hosts())
}
