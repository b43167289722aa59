package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Policies are the tenant's app management policies. Errors are Faults.
type Policies interface {
	// TenantPolicy returns what applies to all applications.
	TenantPolicy(ctx context.Context) (Policy, error)
	// ApplicationPolicies returns what was assigned to one application, and when that
	// was registered.
	ApplicationPolicies(ctx context.Context, appID string) (own []Policy, created time.Time, err error)
}

// Policy is an app management policy, as far as it concerns credentials.
// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
type Policy struct {
	Name         string
	Enabled      bool
	Restrictions []Restriction
}

// Restriction is one rule of a policy.
type Restriction struct {
	Type         string
	Enabled      bool
	MaxLifetime  time.Duration
	CreatedAfter time.Time // it applies to applications that were registered since; zero: to all
}

// The types of restrictions that concern what rekey adds.
// https://learn.microsoft.com/graph/api/resources/passwordcredentialconfiguration
// https://learn.microsoft.com/graph/api/resources/keycredentialconfiguration
const (
	passwordAddition = "passwordAddition"
	passwordLifetime = "passwordLifetime"
	keyLifetime      = "asymmetricKeyLifetime"
)

func (d *Doctor) tenantPolicy(ctx context.Context, _ Installation) ([]rotation.Finding, error) {
	tenant, err := d.Policies.TenantPolicy(ctx)
	if err != nil {
		return nil, err
	}
	return judgeTenantPolicy(tenant), nil
}

// judgeTenantPolicy looks for what forbids rekey's work in the whole tenant. A bound
// on lifetimes is judged against what each application's policy asks for.
func judgeTenantPolicy(tenant Policy) []rotation.Finding {
	forbids := func(r Restriction) bool { return r.Type == passwordAddition && r.Enabled && r.CreatedAfter.IsZero() }
	if !tenant.Enabled || !slices.ContainsFunc(tenant.Restrictions, forbids) {
		return nil
	}
	return []rotation.Finding{{
		Subject: string(rotation.Secret), Severity: rotation.SeverityWarning,
		Finding: fmt.Sprintf("the tenant's app management policy %q forbids client secrets of every application without a policy of its own", tenant.Name),
		Remedy:  exempt + ", or rotate certificates",
	}}
}

const exempt = "assign the applications that rekey manages an app management policy of their own in which " + passwordAddition + " is disabled"

func (d *Doctor) policies(ctx context.Context, app *Application) ([]rotation.Finding, error) {
	tenant, err := d.Policies.TenantPolicy(ctx)
	if err != nil {
		return nil, err
	}
	own, created, err := d.Policies.ApplicationPolicies(ctx, app.AppID)
	if err != nil {
		return nil, err
	}
	var found []rotation.Finding
	for _, view := range app.Kinds {
		if p := view.Policy(); p.Enabled {
			found = append(found, judgePolicies(view.Kind, p, effective(tenant, own, created), app.Now)...)
		}
	}
	return found, nil
}

// applied is a restriction with the policy that it is of.
type applied struct {
	Restriction
	policy string
}

// effective returns the restrictions that apply to an application, by their type. One
// of its own policy takes the place of the tenant's, also where it is disabled; what
// its own does not name is the tenant's.
func effective(tenant Policy, own []Policy, created time.Time) map[string]applied {
	all := map[string]applied{}
	for _, p := range append([]Policy{tenant}, own...) {
		if !p.Enabled {
			continue
		}
		for _, r := range p.Restrictions {
			r.Enabled = r.Enabled && !created.Before(r.CreatedAfter)
			all[r.Type] = applied{r, p.Name}
		}
	}
	return all
}

// judgePolicies holds what rekey's policy asks for against what may be added.
func judgePolicies(kind rotation.Kind, p rotation.Policy, restrictions map[string]applied, now time.Time) (found []rotation.Finding) {
	say := func(remedy, format string, args ...any) {
		found = append(found, rotation.Finding{Subject: string(kind), Severity: rotation.SeverityError, Finding: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	if r := restrictions[passwordAddition]; r.Enabled && kind == rotation.Secret {
		say("assign the application an app management policy of its own in which "+passwordAddition+" is disabled, or rotate certificates",
			"the app management policy %q forbids client secrets of this application: rekey can add none", r.policy)
	}
	bound := passwordLifetime
	if kind == rotation.Certificate {
		bound = keyLifetime
	}
	if r := restrictions[bound]; r.Enabled && r.MaxLifetime > 0 && p.EndOf(now).Sub(now) > r.MaxLifetime {
		say(fmt.Sprintf("set maxLifetime of its %s policy to %s or less, or exempt the application", kind, days(r.MaxLifetime)),
			"the app management policy %q lets a %s live for %s, and rekey would ask for %s", r.policy, kind, days(r.MaxLifetime), days(p.EndOf(now).Sub(now)))
	}
	return found
}

// days prints a lifetime in the unit in which people set it.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day {
		return fmt.Sprintf("%.4g days", d.Hours()/24)
	}
	return d.String()
}
