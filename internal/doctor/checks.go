package doctor

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Installation is what the checks of the installation share.
type Installation struct{ Now time.Time }

// installationChecks are made whole each time.
func (d *Doctor) installationChecks() []Check[Installation] {
	return made([]Check[Installation]{
		{"standstill", "The sweep serves the wake-ups in the schedule.", d.sweeping},
		{"permissions", "rekey's identity has the application permissions on Microsoft Graph that it needs.", when(d.Identity != nil, d.permissions)},
		{"identity", "rekey's own identity is among those that are never rotated.", when(d.Identity != nil, d.protected)},
		{"policies", "The tenant's app management policy lets rekey add credentials.", when(d.Policies != nil, d.tenantPolicy)},
		{"staging", "The staging vault answers, keeps what is deleted, and lets rekey read and write what it stages.", when(d.Vaults != nil, d.staging)},
		{"deadletters", "No message was given up.", when(d.DeadLetters != nil, d.deadLetters)},
		{"clock", "rekey's clock agrees with that of Entra ID.", when(d.Clock != nil, d.clock)},
	})
}

// applicationChecks are made for each application.
func (d *Doctor) applicationChecks() []Check[*Application] {
	return made([]Check[*Application]{
		{"standstill", "Its rotations and deliveries go on, and something wakes it.", d.standstill},
		{"overdue", "Its credentials are replaced before they end.", d.overdue},
		{"ownership", "rekey's identity may write the application's credentials: it is one of the owners.", when(d.Directory != nil && d.Identity != nil, d.ownership)},
		{"policies", "The app management policy that applies to it lets rekey add what its policies ask for.", when(d.Policies != nil, d.policies)},
		{"targets", "Its targets are there and can be delivered to.", d.targets},
		{"nearexpiry", "The vaults of its targets send their near-expiry events to rekey.", when(d.Subscriptions != nil && d.Vaults != nil, d.nearExpiry)},
	})
}

// run is what a check does.
type run[Of any] = func(context.Context, Of) ([]rotation.Finding, error)

// when is a check's run where what it reads is there.
func when[Of any](there bool, do run[Of]) run[Of] {
	if !there {
		return nil
	}
	return do
}

func made[Of any](all []Check[Of]) []Check[Of] {
	return slices.DeleteFunc(all, func(c Check[Of]) bool { return c.Run == nil })
}

// longestCheck ends a check, so that an answer comes within the time of a function.
const longestCheck = 45 * time.Second

// runAll makes checks side by side: they wait for different services.
func runAll[Of any](ctx context.Context, d *Doctor, checks []Check[Of], appID string, of Of) []Result {
	results := make([]Result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			call, cancel := context.WithTimeout(ctx, longestCheck)
			defer cancel()
			found, err := c.Run(call, of)
			if err != nil {
				found = append(found, d.unable(call, c.Name, err))
			}
			results[i] = Result{c.Name, c.What, signed(found, c.Name, appID), d.Now()}
		})
	}
	all.Wait()
	return results
}

// signed says of findings whose they are, and makes one of those about the same.
func signed(found []rotation.Finding, check, appID string) []rotation.Finding {
	merged := []rotation.Finding{}
	for _, f := range found {
		f.Check, f.AppID = check, appID
		i := slices.IndexFunc(merged, func(m rotation.Finding) bool { return m.Subject == f.Subject })
		if i < 0 {
			merged = append(merged, f)
			continue
		}
		merged[i] = joined(merged[i], f)
	}
	return merged
}

// joined makes one finding of two about the same subject: the graver one first.
func joined(a, b rotation.Finding) rotation.Finding {
	if graver(b.Severity, a.Severity) {
		a, b = b, a
	}
	a.Finding += "; " + b.Finding
	if b.Remedy != "" && b.Remedy != a.Remedy {
		a.Remedy += "; " + b.Remedy
	}
	a.Unable = a.Unable || b.Unable
	return a
}

func graver(a, b rotation.Severity) bool {
	order := []rotation.Severity{rotation.SeverityUnknown, rotation.SeverityWarning, rotation.SeverityError}
	return slices.Index(order, a) > slices.Index(order, b)
}
