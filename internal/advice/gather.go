package advice

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// gather reads what Graph knows besides. It is asked about applications with
// credentials that work, and about no others.
func (f *Finder) gather(ctx context.Context, apps []inventory.Application) ([]facts, error) {
	all := make([]facts, len(apps))
	var objectIDs, appIDs []string
	for n, app := range apps {
		all[n] = facts{Application: app, now: f.Now()}
		if len(all[n].live(rotation.Secret))+len(all[n].live(rotation.Certificate)) > 0 {
			objectIDs, appIDs = append(objectIDs, app.ObjectID), append(appIDs, app.AppID)
		}
	}
	if len(appIDs) == 0 {
		return all, nil
	}
	issuers, err := f.Graph.Issuers(ctx, objectIDs)
	if err != nil && !denied(err) {
		return nil, err
	}
	used, err := f.Graph.LastUsed(ctx, appIDs)
	if err != nil && !denied(err) {
		return nil, err
	}
	for n, app := range apps {
		all[n].issuers, all[n].used = issuers[app.ObjectID], used[app.AppID]
	}
	return all, nil
}

// denied reports whether a permission is missing, which a finding about the tenant says.
func denied(err error) bool {
	return err != nil && rotation.ClassOf(err) == rotation.Denied
}

// nobody is the id of no application: whether a call is allowed can be asked with it.
const nobody = "00000000-0000-0000-0000-000000000000"

// ofTenant says what advice will lack, because rekey may not read something or has not
// read it yet.
func (f *Finder) ofTenant(ctx context.Context, _ string) (found []rotation.Advice, next string, err error) {
	status, err := f.Inventory.Status(ctx)
	if err != nil {
		return nil, "", err
	}
	if status.Ended == (time.Time{}) {
		wayOut := "wait for the first synchronization, or ask for it with POST /api/inventory/refresh"
		if status.Problem != "" {
			wayOut = status.Problem
		}
		found = append(found, rotation.Advice{
			Rule: "inventory-unread", Page: pageDelta, WayOut: wayOut,
			Finding: "the tenant's app registrations have not been read yet, so that there is no advice about them",
		})
	}
	_, err = f.Graph.LastUsed(ctx, []string{nobody})
	if fault, ok := errors.AsType[*rotation.Fault](err); ok && fault.Class == rotation.Denied {
		return append(found, rotation.Advice{
			Rule: "sign-ins-unread", Page: pageReports, WayOut: fault.Error(),
			Finding: "rekey may not read when credentials were last used, so that unused ones are not found",
		}), "", nil
	}
	return found, "", err
}
