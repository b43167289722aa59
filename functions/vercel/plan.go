package vercel

import (
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// plan is how a variable gets a value in exactly the chosen environments.
type plan struct {
	set    []edit      // entries that lie within what is chosen
	narrow []narrowing // entries that reach beyond it
	create []entry     // for chosen environments without an entry by then
}

// edit gives an entry the value, and another type where that is not empty.
type edit struct {
	of      variable
	retyped string
}

// narrowing leaves an entry with only the environments that were not chosen.
type narrowing struct {
	of   variable
	rest []string
}

// entry is a new entry.
type entry struct {
	environments []string
	kind         string
}

// makePlan compares the entries of a project with what is chosen: environments
// that every project has by name, custom ones by id.
func makePlan(entries []variable, key string, chosen []string, sensitive bool) (p plan, err error) {
	base := typeEncrypted
	if sensitive {
		base = typeSensitive
	}
	open := map[string]string{} // the type of the new entry, by environment
	for _, environment := range chosen {
		open[environment] = base
	}
	for _, v := range entries {
		inside, rest := divide(v, chosen)
		if v.Key != key || v.Branch != "" || len(inside) == 0 {
			continue
		}
		if v.Type == typeSystem {
			return plan{}, systemVariable(key)
		}
		for _, environment := range inside {
			delete(open, environment)
			if len(rest) > 0 {
				open[environment] = newType(v.Type, base)
			}
		}
		if len(rest) > 0 {
			p.narrow = append(p.narrow, narrowing{v, rest})
			continue
		}
		p.set = append(p.set, edit{v, retyped(v.Type, base)})
	}
	p.create = creations(chosen, open)
	return p, nil
}

func systemVariable(key string) error {
	return &rotation.Fault{
		Class:  rotation.Permanent,
		Err:    fmt.Errorf("vercel: env %q holds a value that Vercel itself sets", key),
		Remedy: "choose another variable",
	}
}

// divide returns which environments of an entry are chosen and which are not.
func divide(v variable, chosen []string) (inside, rest []string) {
	for _, environment := range v.everywhere() {
		if slices.Contains(chosen, environment) {
			inside = append(inside, environment)
		} else {
			rest = append(rest, environment)
		}
	}
	return inside, rest
}

// newType is that of an entry split off another: no easier to read than it was.
func newType(was, base string) string {
	if was == typeSensitive {
		return was
	}
	return base
}

// retyped is the type that an edit sets, or empty.
func retyped(was, base string) string {
	switch {
	case was == base || was == typeSensitive || was == typeEncrypted && base == typeEncrypted:
		return ""
	}
	return base
}

// creations are as few entries as their types let be, in the order of what is chosen.
func creations(chosen []string, open map[string]string) (all []entry) {
	for _, kind := range []string{typeEncrypted, typeSensitive} {
		var environments []string
		for _, environment := range chosen {
			if open[environment] == kind {
				environments = append(environments, environment)
			}
		}
		if len(environments) > 0 {
			all = append(all, entry{environments, kind})
		}
	}
	return all
}

// split tells what every project has from its custom environments.
func split(environments []string) (targets, custom []string) {
	targets = []string{}
	for _, environment := range environments {
		if isCustom(environment) {
			custom = append(custom, environment)
		} else {
			targets = append(targets, environment)
		}
	}
	return targets, custom
}
