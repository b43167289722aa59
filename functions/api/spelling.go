package api

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// spelled names the fields of the engine's problems as requests spell them.
func spelled(problems []rotation.Problem) []rotation.Problem {
	all := make([]rotation.Problem, len(problems))
	for i, p := range problems {
		all[i] = rotation.Problem{Field: location(p.Field), Detail: p.Detail}
	}
	return all
}

// location turns a field of the domain into its place in the request: a policy's
// field begins with its kind, and its unit is part of its name in JSON.
func location(field string) string {
	kind, rest, _ := strings.Cut(field, ".")
	switch {
	case field == "appId":
		return "path.appId"
	case rest == "":
		return "body." + field
	}
	return "body.policies." + kind + "." + rest + unitOf(rotation.Kind(kind), rest)
}

func unitOf(kind rotation.Kind, field string) string {
	switch field {
	case "enabled", "wideLimits", "onNearExpiry", "onUnverifiable", "waits", "waits.verifySuccesses", "waits.createAttempts":
		return ""
	case "lifetime", "maxLifetime":
		return "Days"
	case "threshold":
		if kind == rotation.Certificate {
			return "Days"
		}
	}
	return "Hours"
}
