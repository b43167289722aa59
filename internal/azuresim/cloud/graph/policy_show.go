package graph

import (
	"net/http"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

// tenantPolicy shows the one policy that applies to all applications.
// https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get
func (s *Service) tenantPolicy(r *request, target resource) (*answer, error) {
	switch {
	case target.key.id != "defaultAppManagementPolicy" || target.rest != "":
		return nil, noSegment(target.key.id)
	case r.Method != http.MethodGet:
		return nil, notAllowed(r.Method)
	}
	if err := mayReadPolicies(r.token); err != nil {
		return nil, err
	}
	if err := withoutOptions(r); err != nil {
		return nil, err
	}
	tenant, _, _ := s.policies("")
	restrictions := showRestrictions(tenant)
	return ok(map[string]any{
		"@odata.context":               metadata("policies/defaultAppManagementPolicy/$entity"),
		"id":                           "00000000-0000-0000-0000-000000000000",
		"displayName":                  "Default app management tenant policy",
		"description":                  "Default tenant policy that enforces app management restrictions on applications and service principals.",
		"isEnabled":                    tenant.ID != "",
		"applicationRestrictions":      restrictions,
		"servicePrincipalRestrictions": map[string]any{"passwordCredentials": []any{}, "keyCredentials": []any{}},
	}), nil
}

// listPolicies shows the policies that are assigned to one application.
// https://learn.microsoft.com/graph/api/resources/appmanagementpolicy
func (s *Service) listPolicies(r *request, k key) (*answer, error) {
	if err := mayReadPolicies(r.token); err != nil {
		return nil, err
	}
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	if err := withoutOptions(r); err != nil {
		return nil, err
	}
	app, err := s.find(k, 0)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	if _, own, has := s.policies(app.ObjectID); has {
		shown = append(shown, map[string]any{
			"id": own.ID, "displayName": own.ID, "description": "", "isEnabled": true, "restrictions": showRestrictions(own),
		})
	}
	return ok(map[string]any{"@odata.context": metadata("policies/appManagementPolicies"), "value": shown}), nil
}

// withoutOptions refuses the query options, of which none is simulated for policies.
func withoutOptions(r *request) error {
	for name := range r.URL.Query() {
		return badRequest("BadRequest", "The query parameter '"+name+"' is not supported.")
	}
	return nil
}

func showRestrictions(p Policy) map[string]any {
	passwords, keys := []any{}, []any{}
	add := func(to *[]any, of string, set bool, lifetime time.Duration) {
		disabled := slices.Contains(p.Disabled, of)
		if !set && !disabled {
			return
		}
		shown := map[string]any{"restrictionType": of, "state": "enabled", "maxLifetime": nil, "restrictForAppsCreatedAfterDateTime": nil}
		if disabled {
			shown["state"] = "disabled"
		}
		if lifetime > 0 {
			shown["maxLifetime"] = iso8601.Format(lifetime)
		}
		if !p.CreatedAfter.IsZero() {
			shown["restrictForAppsCreatedAfterDateTime"] = timestamp(p.CreatedAfter)
		}
		*to = append(*to, shown)
	}
	add(&passwords, PasswordAddition, p.NoPasswords, 0)
	add(&passwords, PasswordLifetime, p.MaxPasswordLifetime > 0, p.MaxPasswordLifetime)
	add(&keys, KeyLifetime, p.MaxKeyLifetime > 0, p.MaxKeyLifetime)
	return map[string]any{"passwordCredentials": passwords, "keyCredentials": keys}
}
