// Package devops is the Azure function "devops": it delivers client secrets and
// certificates to service connections of Azure DevOps, of type azurerm, which
// pipelines sign in to Azure with.
//
// It promises that
//
//   - a delivery changes the credential and nothing else: the whole object is read,
//     changed and put, with every reference to a project and every field that
//     nobody here knows. A connection that Azure DevOps created automatically
//     becomes a manual one, because only such a one takes a credential;
//   - nothing is written before Azure DevOps itself has signed in with the new
//     credential, and nothing is confirmed before it has done so with the stored one;
//   - what cannot be is refused with what to do about it: a connection that needs
//     no credential (workload identity federation), one of another application, an
//     organization of another tenant, a missing permission, a sign-in page.
//
// A repeated try writes again. Azure DevOps never shows a credential, TestConnection
// proves only that some credential works, and a marker in the connection would
// change what is the user's. Writing the whole object twice is writing it once, so
// nothing has to be proved. A change that is still being processed is waited for.
//
// The official client, azure-devops-go-api v7.1.0, is not used here: its structs
// lose the fields that they do not know, its errors lose Retry-After, its token is
// fixed when a connection is made, it reads answers of any length, takes a sign-in
// page for an answer, and finds its way by calls that nobody needs. It drives the
// simulated service in the tests instead, where it proves that the service is
// what others expect.
//
// Where the facts are silent, these choices were made:
//
//   - A connection by its name is looked up at each delivery, because a list hides
//     connections that are being changed; by its id it is found at once.
//   - A connection may sign in to another tenant than ours: the credential of an
//     application is good wherever it has a service principal.
//   - A change that Azure DevOps says has failed is permanent: somebody has to look
//     at the connection, and a resumed deployment writes it again.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpoints
//   - https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity
//   - https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
package devops

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Config is what the target needs.
type Config struct {
	// Credential is rekey's own.
	Credential azcore.TokenCredential
	Transport  http.RoundTripper
	TenantID   string
	// Organizations are offered besides those that Azure DevOps lists for rekey's
	// identity, which it may not do for service principals.
	Organizations []string
	Now           func() time.Time // nil is time.Now
}

// Target delivers to service connections. It may be used from any goroutine.
type Target struct {
	client        *client
	organizations []string
}

var (
	_ rotation.Target  = (*Target)(nil)
	_ rotation.Checker = (*Target)(nil)
	_ rotation.Lister  = (*Target)(nil)
	_ rotation.Planner = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	return &Target{client: newClient(c), organizations: c.Organizations}
}

// processing is how long Azure DevOps usually takes to make a change effective.
const processing = 5 * time.Second

// Deploy gives the credential to the service connection. What Azure DevOps has
// not finished is asked about in the next call; the handle is the connection's id.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	s, err := savedSettings(d.Target)
	if err != nil {
		return rotation.Outcome{}, err
	}
	if err := t.client.paused(s.Organization); err != nil {
		return rotation.Outcome{}, err
	}
	in := session{t.client, s, d.Credential.Value}
	switch {
	case d.Handle != "":
		return in.resume(ctx, d)
	case d.Credential.Value.IsZero():
		return rotation.Outcome{}, nil // asked whether anything runs, and nothing was begun
	}
	return in.begin(ctx, d)
}

// begin makes the change.
func (s session) begin(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	found, err := s.find(ctx, d.Tries)
	if err != nil {
		return rotation.Outcome{}, err
	}
	if err := found.judge(d.Application); err != nil {
		return rotation.Outcome{}, err
	}
	if found.isProcessing() {
		return rotation.Outcome{After: processing, Waiting: "an earlier change of the service connection is being processed"}, nil
	}
	next := change{connection: found, kind: d.Credential.Rotation.Kind, value: d.Credential.Value}
	if err := s.testChange(ctx, next); err != nil {
		return rotation.Outcome{}, err
	}
	stored, err := s.put(ctx, next)
	if err != nil {
		return rotation.Outcome{}, err
	}
	return s.conclude(ctx, stored)
}

// resume asks about a change that was made before. Without a credential it is
// asked only whether that has come to an end.
func (s session) resume(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	ending := d.Credential.Value.IsZero()
	stored, err := s.get(ctx, d.Handle, "")
	switch {
	case ending && rotation.ClassOf(err) == rotation.NotFound:
		return rotation.Outcome{}, nil
	case err != nil:
		return rotation.Outcome{}, err
	case ending && !stored.isProcessing():
		return rotation.Outcome{}, nil
	}
	if err := stored.judge(d.Application); err != nil {
		return rotation.Outcome{}, err
	}
	return s.conclude(ctx, stored)
}

// conclude confirms a change once it is ready and the connection signs in.
func (s session) conclude(ctx context.Context, stored connection) (rotation.Outcome, error) {
	switch {
	case stored.isProcessing():
		return rotation.Outcome{Handle: stored.ID, After: processing, Waiting: "Azure DevOps is processing the change"}, nil
	case stored.hasFailed():
		return rotation.Outcome{}, refusal(rotation.Permanent, "open the connection in Azure DevOps and save it there, then resume this deployment",
			"devops: change service connection %q: Azure DevOps could not process it: %s", stored.Name, hushed(stored.OperationStatus.StatusMessage, s.credential))
	}
	if err := s.test(ctx, stored); err != nil {
		return rotation.Outcome{}, err
	}
	return rotation.Outcome{Confirmed: true, Receipt: "service connection " + stored.ID}, nil
}

// find returns the connection of the settings. By its name it may be hidden
// because an earlier try changed it a moment ago.
func (s session) find(ctx context.Context, tries int) (connection, error) {
	if isID(s.ServiceConnection) {
		return s.get(ctx, s.ServiceConnection, "")
	}
	id, err := s.idOf(ctx)
	if err != nil {
		return connection{}, err
	}
	if id == "" {
		class := rotation.NotFound
		if tries > 1 {
			class = rotation.Transient
		}
		return connection{}, notThere(class, s.Settings)
	}
	return s.get(ctx, id, "")
}
