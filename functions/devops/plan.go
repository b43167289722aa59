package devops

import (
	"context"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan implements rotation.Planner: a sign-in with the new credential, the whole
// object put, and a sign-in as it is stored.
func (t *Target) Plan(ctx context.Context, d rotation.Delivery, _ bool) ([]rotation.Call, error) {
	s, err := savedSettings(d.Target)
	if err != nil {
		return nil, err
	}
	in := session{client: t.client, Settings: s}
	found, err := in.find(ctx, 1)
	if err != nil {
		return nil, err
	}
	to := func(method string, path ...string) rotation.Call {
		return rotation.Call{Service: "Azure DevOps", Method: method, Path: "/" + strings.Join(append([]string{s.Organization}, path...), "/")}
	}
	signIn := to(http.MethodPost, s.Project, "_apis", area, "endpointproxy")
	return []rotation.Call{signIn, to(http.MethodPut, "_apis", area, "endpoints", found.ID), signIn}, nil
}
