package vercel_test

import (
	"testing"
	"time"

	"github.com/rekey-dev/rekey/functions/targettest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestTheSuiteOfAllTargets(t *testing.T) {
	list := targettest.Call{Host: host, Method: "GET", Path: "/v10/projects/shop/env"}
	edit := targettest.Call{Host: host, Method: "PATCH", Path: "/v9/projects/shop/env/*"}
	for name, c := range map[string]struct {
		place    string
		build    time.Duration
		settings string
		calls    []targettest.Call
	}{
		"a variable of machines": {"development", build, in("development", ""), []targettest.Call{list, edit}},
		"a variable of production, redeployed at once": {"production", 0, in("production", "production"), []targettest.Call{
			list, edit, {Host: host, Method: "GET", Path: "/v7/deployments"}, {Host: host, Method: "POST", Path: "/v13/deployments"},
			{Host: host, Method: "GET", Path: "/v13/deployments/*"},
		}},
		"a variable of an environment of its own": {"staging", build, in("staging", "staging"), []targettest.Call{
			{Host: host, Method: "GET", Path: "/v9/projects/shop/custom-environments"}, list, edit,
			{Host: host, Method: "GET", Path: "/v7/deployments"}, {Host: host, Method: "POST", Path: "/v13/deployments"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := startBuilding(t, c.build)
				staging := w.vercel.AddEnvironment(w.project, "staging")
				w.variable("production")
				w.variable("development")
				w.vercel.AddVariable(w.project, simulated.Variable{Key: "DB", Value: old, Environments: []string{staging}})
				w.deployment("production")
				w.deployment("staging")
				return targettest.Place{
					Target: w.target, App: w.app, Row: w.row(rotation.Secret, c.settings), Cloud: w.front, Clock: w.clock,
					Log:   &targettest.Log{}, // the target has none
					Calls: c.calls, Held: func() []string { return []string{w.shop().Environments[c.place]["DB"]} },
				}
			})
		})
	}
}
