package keyvault

import (
	"context"
	"net/http"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan implements rotation.Planner: the grants that are made before the first
// delivery, and the write of one version.
func (t *Target) Plan(ctx context.Context, d rotation.Delivery, prepared bool) (calls []rotation.Call, err error) {
	s, err := t.settings(d.Application, d.Target)
	if err != nil {
		return nil, err
	}
	if !prepared {
		if calls, err = t.grants(ctx, d.Application, s); err != nil {
			return nil, err
		}
	}
	write := rotation.Call{Service: "Key Vault " + s.vaultName(), Method: http.MethodPut, Path: "/secrets/" + s.Name}
	if s.asCertificate() {
		write.Method, write.Path = http.MethodPost, "/certificates/"+s.Name+"/import"
	}
	return append(calls, write), nil
}

// grants are the calls of access. A vault that rekey may use and cannot see has none.
func (t *Target) grants(ctx context.Context, app rotation.Application, s Settings) (calls []rotation.Call, err error) {
	self, err := t.manager.self(ctx)
	if err != nil {
		return nil, err
	}
	v, err := t.manager.find(ctx, s)
	if isHidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := []wanted{s.forSelf(self)}
	if t.grantsApplication(s) {
		principal, err := t.config.Principals.ServicePrincipal(ctx, app.AppID)
		if err != nil && rotation.ClassOf(err) != rotation.NotFound {
			return nil, err
		}
		if err == nil {
			all = append(all, s.forApplication(principal, v.model)...)
		}
	}
	for _, w := range all {
		calls = slices.Concat(calls, w.calls(v))
	}
	return calls, nil
}

// calls are those of grant: roles are assigned again, which changes nothing, and an
// access policy is added to where it lacks something.
func (w wanted) calls(v managedVault) []rotation.Call {
	path := v.id + "/providers/Microsoft.Authorization/roleAssignments/" + w.assignmentName(v)
	switch {
	case v.model != ModelRBAC && w.covered(v):
		return nil
	case v.model != ModelRBAC:
		path = v.id + "/accessPolicies/add"
	}
	return []rotation.Call{{Service: "Resource Manager", Method: http.MethodPut, Path: path}}
}
