package automation

import (
	"context"
	"net/http"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan implements rotation.Planner: what every step runs as, and what is removed
// after it.
func (t *Target) Plan(ctx context.Context, d rotation.Delivery, _ bool) (calls []rotation.Call, err error) {
	_, task, err := t.configured(ctx, d.Target)
	if err != nil {
		return nil, err
	}
	to := func(method, id string) {
		calls = append(calls, rotation.Call{Service: "Resource Manager", Method: method, Path: id})
	}
	for i, step := range task.Steps {
		id := resourceOf(d, task, i)
		if c := step.InContainer(); c != nil {
			to(http.MethodPost, c.Container.StorageAccount+"/listKeys")
		}
		to(http.MethodPut, id)
		if _, leaves := t.workOf(d, task, i).(remover); leaves {
			to(http.MethodDelete, id)
		}
	}
	return calls, nil
}
