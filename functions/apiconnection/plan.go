package apiconnection

import (
	"context"
	"net/http"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan implements rotation.Planner: the connection is written, and read again.
func (t *Target) Plan(_ context.Context, d rotation.Delivery, _ bool) ([]rotation.Call, error) {
	s, err := t.saved(d.Target)
	if err != nil {
		return nil, err
	}
	return []rotation.Call{{Service: "Resource Manager", Method: http.MethodPut, Path: s.Connection}}, nil
}
