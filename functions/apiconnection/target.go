// Package apiconnection is the Azure function "apiconnection": it delivers client
// secrets and certificates to API connections, the resources through which Logic
// Apps sign in to Office 365, Teams, Graph and custom connectors.
//
// It promises that
//
//   - only a connection that shows this application's client id, and signs in with
//     client credentials, is ever written; no consent is asked for again;
//   - what the connection shows is written back as it was: kind, tags, display name,
//     connector, non-secret values and every field that rekey does not know;
//   - parameters are spelled as the connection's own connector spells them, whose
//     definitions are read for every delivery;
//   - a delivery is confirmed when the connection says Connected and its own test
//     link, unless the settings skip it, succeeds.
//
// Writing a connection replaces it, and its secrets cannot be read: whether an earlier
// try wrote this credential, nobody can say. So a repeated try writes again, which
// changes nothing where the first one came through. For the same reason any further
// secret of the connection has to be named in the settings, by its place in a vault.
//
// Where the facts are silent, these choices were made:
//
//   - Error with AADSTS7000215 or AADSTS700027 (no such secret, no such certificate) or
//     with Unauthenticated is, for about five minutes, a new credential that has not
//     reached the connector's region yet: the connection is asked again, and written
//     again, because that makes it sign in. Any other Error, and this one later, fails
//     the deployment with the connector's own words.
//   - A certificate travels as a PFX with a password that is made for it alone, as the
//     parameter of the type clientCertificate wants it.
//   - A test link that leads away from the connection is not followed, because the
//     token for Resource Manager would go with it; the status has to do then.
//   - There is no official Go client for connections. azcore's pipeline for Resource
//     Manager carries the objects as they are, so that no field gets lost.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/connections
//   - https://learn.microsoft.com/azure/logic-apps/logic-apps-azure-resource-manager-templates-overview#authenticate-connections
//   - https://learn.microsoft.com/connectors/connector-reference
//   - https://github.com/Azure/LogicAppsUX (parameter sets, test links)
package apiconnection

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Vaults reads the further secrets of a connection. Errors are rotation.Faults.
type Vaults interface {
	Get(ctx context.Context, vault, name string) (vault.Secret, error)
}

// Config is what the target needs.
type Config struct {
	Vaults Vaults
	// StagingVault holds the credentials of every application: no setting may name it.
	StagingVault string
	// Credential is rekey's own, for Resource Manager.
	Credential azcore.TokenCredential
	// ClientOptions are those of the client of Resource Manager. Without retry
	// options of their own it tries again soon or not at all.
	ClientOptions azcore.ClientOptions
}

// Target delivers to API connections. It may be used from any goroutine.
type Target struct {
	config  Config
	manager *resourceManager
}

var (
	_ rotation.Target  = (*Target)(nil)
	_ rotation.Checker = (*Target)(nil)
	_ rotation.Lister  = (*Target)(nil)
	_ rotation.Stopper = (*Target)(nil)
	_ rotation.Planner = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	return &Target{config: c, manager: newResourceManager(c.Credential, c.ClientOptions)}
}

// Deploy writes the credential into the connection and sees whether it signs in.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	s, err := t.saved(d.Target)
	if err != nil {
		return rotation.Outcome{}, err
	}
	look, err := lookOf(d.Handle)
	if err != nil {
		return rotation.Outcome{}, err
	}
	outcome, sent, err := t.deliver(ctx, s, d, look)
	return outcome, silenced(err, d.Credential.Value, sent)
}

// deliver writes first, and again whenever a later look finds the connection in error.
func (t *Target) deliver(ctx context.Context, s Settings, d rotation.Delivery, look int) (outcome rotation.Outcome, sent map[string]hidden, err error) {
	var found connection
	if look > 0 {
		if found, err = t.manager.connection(ctx, s.Connection); err != nil {
			return outcome, nil, remedied(err, s.Connection)
		}
	}
	if found.state() != stateConnected {
		if found, sent, err = t.write(ctx, s, d); err != nil {
			return outcome, sent, err
		}
	}
	outcome, err = t.conclude(ctx, s, found, look)
	return outcome, sent, err
}

// conclude says what a connection's status comes to, and its test where it has one.
func (t *Target) conclude(ctx context.Context, s Settings, c connection, look int) (rotation.Outcome, error) {
	err := c.refusal()
	if err == nil && s.Test == TestRequired {
		err = t.manager.test(ctx, c)
	}
	switch {
	case err == nil:
		return rotation.Outcome{Confirmed: true, Receipt: c.Name}, nil
	case isDelay(err) && look < mostLooks:
		return rotation.Outcome{
			Handle: handleOf(look + 1), After: firstLook << look,
			Waiting: fmt.Sprintf("connection %q to accept the new credential", c.Name),
		}, nil
	}
	return rotation.Outcome{}, err
}

// Stop has nothing to stop: a write is over when it is answered.
func (t *Target) Stop(context.Context, rotation.Delivery) error { return nil }

// The looks at a connection that does not accept a new credential yet: after 5
// seconds, and each time after twice as long; the last one is five minutes later.
const (
	firstLook = 5 * time.Second
	mostLooks = 6
)

func handleOf(look int) string { return strconv.Itoa(look) }

func lookOf(handle string) (int, error) {
	if handle == "" {
		return 0, nil
	}
	look, err := strconv.Atoi(handle)
	if err != nil || look < 1 || look > mostLooks {
		return 0, rotation.Permanently("apiconnection: the handle %q is none of this target's", handle)
	}
	return look, nil
}
