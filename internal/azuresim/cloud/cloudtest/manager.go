package cloudtest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Subscription is the one subscription of a Manager.
const Subscription = "22222222-2222-2222-2222-222222222222"

// Manager is a Resource Manager that believes who says who they are: what the
// packages of its resource providers are tested with.
type Manager struct {
	*resourcemanager.Service
	Clock  *clock.Clock
	client *http.Client
}

// StartManager serves a Resource Manager with one subscription until the test ends.
func StartManager(t testing.TB) *Manager {
	t.Helper()
	clk := clock.New()
	s := resourcemanager.New(clk, believer{}, believer{}, "11111111-1111-1111-1111-111111111111", resourcemanager.Options{})
	s.AddSubscription(Subscription, "Team")
	front := Start(t, clk)
	front.Handle("management.azure.com", s)
	return &Manager{Service: s, Clock: clk, client: front.Client()}
}

// believer takes a token for the object id of its caller.
type believer struct{}

func (believer) Authenticate(r *http.Request, _ string) (entra.Caller, error) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if who == "" {
		return entra.Caller{}, errors.New("nobody")
	}
	return entra.Caller{ObjectID: who, AppID: "app-of-" + who}, nil
}

func (believer) ServicePrincipalVisible(string) bool { return true }

// Allow gives somebody a role.
func (m *Manager) Allow(who, role, scope string) {
	m.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, RoleID: role, PrincipalID: who})
}

// Transport leads there.
func (m *Manager) Transport(t testing.TB) *http.Transport {
	t.Helper()
	transport, ok := m.client.Transport.(*http.Transport)
	require.True(t, ok)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Call sends one request as somebody, and returns the answer with its body.
func (m *Manager) Call(t testing.TB, who, method, path, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://management.azure.com"+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+who)
	answer, err := m.client.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(text)
}
