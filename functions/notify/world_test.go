package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/notify"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/hooks"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	tenantID   = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"
	appID      = "11111111-aaaa-4111-8111-111111111111"
	owner      = "44444444-4444-4444-8444-444444444444"
	mailbox    = "rekey@contoso.example"
	signingKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// world is the function over a store and a bus in memory, and the simulated services
// over the wire.
type world struct {
	*engine.Engine
	notify.Config
	t     *testing.T
	now   time.Time
	store *memory.Store
	bus   *memory.Bus
	kept  map[string]secret.Value
	cloud *cloud.Cloud
	graph *graph.Service
	hooks *hooks.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := clock.New()
	w := &world{
		t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), store: &memory.Store{}, bus: &memory.Bus{},
		kept: map[string]secret.Value{}, cloud: cloudtest.Start(t, c), hooks: hooks.New(),
	}
	directory := entra.New(c, nil, tenantID, entra.Options{})
	w.graph = graph.New(c, nil, directory, graph.Options{})
	w.graph.AddMailbox(mailbox)
	w.cloud.Handle("login.microsoftonline.com", directory)
	w.cloud.Handle("graph.microsoft.com", w.graph)
	for _, host := range hooks.Hosts() {
		w.cloud.Handle(host, w.hooks)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	now := func() time.Time { return w.now }
	w.Engine = &engine.Engine{Store: w.store, Bus: w.bus, Tokens: w, Now: now, Log: log, Tenant: tenantID, CallTimeout: 10 * time.Second}
	transport := w.cloud.Client().Transport.(*http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	e := w.Engine
	w.Config = notify.Config{
		Rules: e, Secrets: e, Notices: e, Troubles: e, Log: e, Bus: w.bus, Now: now, Logger: log,
		Senders: notify.Channels(w.identity(directory, graph.RoleMailSend), transport, now), PublicURL: "https://rekey.contoso.example",
	}
	return w
}

func (w *world) identity(directory *entra.Directory, roles ...string) azcore.TokenCredential {
	w.t.Helper()
	password, value := entra.NewPassword("rekey", time.Now(), time.Now().AddDate(1, 0, 0))
	app := directory.AddApplication(entra.Application{DisplayName: "rekey", Passwords: []entra.Password{password}})
	directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, DisplayName: "rekey", Roles: roles})
	credential, err := azidentity.NewClientSecretCredential(tenantID, app.AppID, value,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: w.cloud.Client()}})
	require.NoError(w.t, err)
	return credential
}

func (w *world) PutToken(_ context.Context, name string, value secret.Value) error {
	w.kept[name] = value
	return nil
}

func (w *world) Token(_ context.Context, name string) (secret.Value, error) {
	value, ok := w.kept[name]
	if !ok {
		return value, &rotation.Fault{Class: rotation.NotFound, Err: io.EOF}
	}
	return value, nil
}

func (w *world) DeleteToken(_ context.Context, name string) error {
	delete(w.kept, name)
	return nil
}

// rule saves a rule about everything, for an address where the channel has one.
func (w *world) rule(id string, channel rotation.Channel, address string, change ...func(*rotation.Notification)) {
	w.t.Helper()
	n := rotation.Notification{ID: id, Name: id, Active: true, Events: rotation.EventTypes(), Channel: channel}
	given := engine.NotificationSecrets{Address: secret.New(address)}
	switch channel {
	case rotation.Mail:
		n.Mailbox, n.To = mailbox, []string{"ops@contoso.example", "oncall@contoso.example"}
	case rotation.Webhook:
		given.SigningKey = secret.New(signingKey)
	}
	for _, c := range change {
		c(&n)
	}
	if address != "" {
		host, err := w.Host(channel, address)
		require.NoError(w.t, err)
		n.Host = host
	}
	_, _, err := w.SaveNotification(w.t.Context(), n, given, "")
	require.NoError(w.t, err)
}

// happens sends an event to the function, as the bus does.
func (w *world) happens(event rotation.Event) {
	w.t.Helper()
	require.NoError(w.t, w.Handle(w.t.Context(), body(w.t, string(event.Type), event)))
	w.drain()
}

func body(t testing.TB, kind string, data any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "1", "source": "rekey", "type": kind, "data": data})
	require.NoError(t, err)
	return text
}

// drain hands on all that may be received now.
func (w *world) drain() {
	w.t.Helper()
	for {
		m, ok := w.bus.Receive(engine.TopicLifecycle, notify.Subscription, w.now)
		if !ok {
			return
		}
		require.NoError(w.t, w.Handle(w.t.Context(), body(w.t, m.Type, m.Data)))
	}
}

// pass lets time go by, and whatever becomes due in it happen.
func (w *world) pass(span time.Duration) {
	w.t.Helper()
	for end := w.now.Add(span); ; w.drain() {
		at, waiting := w.bus.Next()
		if !waiting || at.After(end) {
			w.now = end
			return
		}
		w.now = at
	}
}

// lines are those of the log.
func (w *world) lines() (lines []string) {
	w.t.Helper()
	for n := range 3 {
		day := w.now.AddDate(0, 0, -n).Format(time.DateOnly)
		for row, err := range w.store.Query(w.t.Context(), engine.Range{Table: engine.TableLog, Partition: day}) {
			require.NoError(w.t, err)
			lines = append(lines, row.Properties["what"].(string)+": "+row.Properties["detail"].(string))
		}
	}
	return lines
}

func rotated(id string) rotation.Event {
	return rotation.Event{
		ID: id, Type: rotation.EventRotated, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), AppID: appID, Name: "Orders <API> & *more*",
		Kind: rotation.Secret, Rotation: appID + ".secret.7", KeyID: "2222222a-2222-4222-8222-222222222222",
	}
}

func failed(id, reason string, at time.Time) rotation.Event {
	e := rotated(id)
	e.Type, e.Target, e.Reason, e.Time = rotation.EventFailed, "kv", reason, at
	return e
}
