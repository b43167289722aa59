package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/microsoftgraph/msgraph-sdk-go/applicationswithappid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// TenantPolicy returns the app management policy that applies to all applications.
// https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get
func (c *Client) TenantPolicy(ctx context.Context) (doctor.Policy, error) {
	found, err := policies.NewDefaultAppManagementPolicyRequestBuilderInternal(c.base(), c.graph).Get(ctx, nil)
	if err == nil && found == nil {
		err = errIncomplete
	}
	if err != nil {
		return doctor.Policy{}, policyFault("read the policy of tenant", c.tenantID, err)
	}
	p := doctor.Policy{Name: value(found.GetDisplayName()), Enabled: value(found.GetIsEnabled())}
	if r := found.GetApplicationRestrictions(); r != nil {
		p.Restrictions, err = restrictions(r)
	}
	return p, err
}

// ApplicationPolicies returns the policies that are assigned to an application, and
// when that was registered. It sends two requests.
// https://learn.microsoft.com/graph/api/resources/appmanagementpolicy
func (c *Client) ApplicationPolicies(ctx context.Context, appID string) (own []doctor.Policy, created time.Time, err error) {
	if uuid.Validate(appID) != nil {
		return nil, created, rotation.Permanently("graph: read policies of %q: it is not a GUID", appID)
	}
	if created, err = c.registered(ctx, appID); err != nil {
		return nil, created, err
	}
	address := fmt.Sprintf("%s/applications(appId='%s')/appManagementPolicies", graphURL, appID)
	found, err := applications.NewItemAppManagementPoliciesRequestBuilder(address, c.graph).Get(ctx, nil)
	if err == nil && found == nil {
		err = errIncomplete
	}
	if err != nil {
		return nil, created, policyFault("read policies of", appID, err)
	}
	for _, one := range found.GetValue() {
		p := doctor.Policy{Name: value(one.GetDisplayName()), Enabled: value(one.GetIsEnabled())}
		if r := one.GetRestrictions(); r != nil {
			if p.Restrictions, err = restrictions(r); err != nil {
				return nil, created, err
			}
		}
		own = append(own, p)
	}
	return own, created, nil
}

// registered returns when an application was made.
// https://learn.microsoft.com/graph/api/application-get
func (c *Client) registered(ctx context.Context, appID string) (time.Time, error) {
	config := &applicationswithappid.ApplicationsWithAppIdRequestBuilderGetRequestConfiguration{
		QueryParameters: &applicationswithappid.ApplicationsWithAppIdRequestBuilderGetQueryParameters{Select: []string{"createdDateTime"}},
	}
	found, err := applicationswithappid.NewApplicationsWithAppIdRequestBuilderInternal(c.base(), c.graph, &appID).Get(ctx, config)
	if err == nil && found == nil {
		err = errIncomplete
	}
	if err != nil {
		return time.Time{}, fault("read application", appID, err)
	}
	return value(found.GetCreatedDateTime()), nil
}

// credentialRules is what the tenant's policy and that of an application have in common.
type credentialRules interface {
	GetPasswordCredentials() []models.PasswordCredentialConfigurationable
	GetKeyCredentials() []models.KeyCredentialConfigurationable
}

func restrictions(of credentialRules) (all []doctor.Restriction, err error) {
	for _, r := range of.GetPasswordCredentials() {
		if kind := r.GetRestrictionType(); kind != nil {
			one, err := restriction(kind.String(), r)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	for _, r := range of.GetKeyCredentials() {
		if kind := r.GetRestrictionType(); kind != nil {
			one, err := restriction(kind.String(), r)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// rule is what restrictions of passwords and of keys have in common.
type rule interface {
	GetState() *models.AppManagementRestrictionState
	GetMaxLifetime() *serialization.ISODuration
	GetRestrictForAppsCreatedAfterDateTime() *time.Time
}

// restriction reads a rule. One without a state is from before there were states, and
// in force.
func restriction(kind string, r rule) (doctor.Restriction, error) {
	one := doctor.Restriction{Type: kind, Enabled: true, CreatedAfter: value(r.GetRestrictForAppsCreatedAfterDateTime())}
	if state := r.GetState(); state != nil {
		one.Enabled = *state == models.ENABLED_APPMANAGEMENTRESTRICTIONSTATE
	}
	if lifetime := r.GetMaxLifetime(); lifetime != nil {
		var err error
		if one.MaxLifetime, err = span(lifetime); err != nil {
			return one, rotation.Permanently("graph: read policy: restriction %q: its lifetime %q cannot be read", kind, lifetime)
		}
	}
	return one, nil
}

// span reads a lifetime. The SDK's own reckoning knows no years.
func span(d *serialization.ISODuration) (time.Duration, error) {
	const day = 24 * time.Hour
	total := time.Duration(d.GetYears())*365*day + time.Duration(d.GetWeeks())*7*day + time.Duration(d.GetDays())*day +
		time.Duration(d.GetHours())*time.Hour + time.Duration(d.GetMinutes())*time.Minute + time.Duration(d.GetSeconds())*time.Second
	if total < 0 || total > 100*365*day {
		return 0, errors.New("it is out of reach")
	}
	return total, nil
}

// policyFault names the permission that reading policies takes.
func policyFault(doing, subject string, err error) error {
	f := fault(doing, subject, err)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.status == http.StatusForbidden {
		return &rotation.Fault{
			Class: rotation.Denied, Err: fmt.Errorf("graph: %s %q: %w", doing, subject, refused),
			Remedy: "grant rekey's identity the application permission Policy.Read.All on Microsoft Graph",
		}
	}
	return f
}
