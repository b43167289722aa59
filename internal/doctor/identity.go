package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Self is whom rekey itself runs as.
type Self struct {
	ObjectID, AppID string
	Roles           []string // the application permissions on Microsoft Graph that are in effect
}

// Identity is rekey's own identity. Errors are Faults.
type Identity interface {
	Self(ctx context.Context) (Self, error)
}

// The application permissions on Microsoft Graph.
// https://learn.microsoft.com/graph/permissions-reference
const (
	writeOwned   = "Application.ReadWrite.OwnedBy"
	writeAll     = "Application.ReadWrite.All"
	readPolicies = "Policy.Read.All"
)

func (d *Doctor) permissions(ctx context.Context, _ Installation) ([]rotation.Finding, error) {
	self, err := d.Identity.Self(ctx)
	if err != nil {
		return nil, err
	}
	return judgePermissions(self, d.Policies != nil), nil
}

// judgePermissions names what is missing. Either permission to write also reads all
// applications.
func judgePermissions(self Self, policies bool) (found []rotation.Finding) {
	has := func(role string) bool { return slices.Contains(self.Roles, role) }
	grant := func(role string) string {
		return fmt.Sprintf("grant the service principal %s the application permission %s on Microsoft Graph; a token that rekey has already can be a day old", self.ObjectID, role)
	}
	if !has(writeOwned) && !has(writeAll) {
		found = append(found, rotation.Finding{
			Subject: writeOwned, Severity: rotation.SeverityError, Remedy: grant(writeOwned),
			Finding: "rekey's identity has neither " + writeOwned + " nor " + writeAll + ": it can write no credential",
		})
	}
	if policies && !has(readPolicies) {
		found = append(found, rotation.Finding{
			Subject: readPolicies, Severity: rotation.SeverityWarning, Remedy: grant(readPolicies),
			Finding: "rekey's identity lacks " + readPolicies + ": what the tenant's policies forbid is seen only when it is refused",
		})
	}
	return found
}

func (d *Doctor) protected(ctx context.Context, _ Installation) ([]rotation.Finding, error) {
	self, err := d.Identity.Self(ctx)
	if err != nil {
		return nil, err
	}
	return judgeProtected(self, d.Self), nil
}

// judgeProtected looks for rekey's identity among what is never rotated.
func judgeProtected(self Self, never []string) []rotation.Finding {
	if slices.ContainsFunc(never, func(id string) bool { return strings.EqualFold(id, self.AppID) }) {
		return nil
	}
	return []rotation.Finding{{
		Severity: rotation.SeverityWarning,
		Finding:  fmt.Sprintf("rekey runs as %s, and nothing keeps it from rotating that: it would lock itself out", self.AppID),
		Remedy:   "add it to REKEY_PROTECTED_APPS",
	}}
}

// Directory is Microsoft Graph, as far as it knows who owns an application. Errors are
// Faults.
type Directory interface {
	OwnerIDs(ctx context.Context, appID string) (objectIDs []string, err error)
}

func (d *Doctor) ownership(ctx context.Context, app *Application) ([]rotation.Finding, error) {
	self, err := d.Identity.Self(ctx)
	if err != nil {
		return nil, err
	}
	owners, err := d.Directory.OwnerIDs(ctx, app.AppID)
	if err != nil {
		return nil, err
	}
	return judgeOwnership(app.Application, self, owners), nil
}

// judgeOwnership looks for rekey among the owners. Whoever may write all applications
// need not own them.
func judgeOwnership(app rotation.Application, self Self, owners []string) []rotation.Finding {
	isSelf := func(id string) bool { return strings.EqualFold(id, self.ObjectID) }
	if slices.Contains(self.Roles, writeAll) || slices.ContainsFunc(owners, isSelf) {
		return nil
	}
	return []rotation.Finding{{
		Severity: rotation.SeverityError, Finding: "rekey's identity is no owner of the application: it can neither add nor remove a credential",
		Remedy: fmt.Sprintf("az ad app owner add --id %s --owner-object-id %s", app.AppID, self.ObjectID),
	}}
}
