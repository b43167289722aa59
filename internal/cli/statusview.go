package cli

import (
	"strconv"
	"strings"
)

// showAll shows how each kind of each application stands, a line each.
func showAll(p *page, apps []record) {
	var lines []record
	for _, app := range apps {
		for _, kind := range kinds() {
			if state := app.of("kinds." + kind); len(state) > 0 {
				lines = append(lines, record{"app": map[string]any(app), "kind": kind, "state": standingOf(app, state), "is": map[string]any(state), "targets": targetsOf(app, kind)})
			}
		}
	}
	p.table(lines, "No application is managed yet.",
		column{"APPLICATION", "app.appId", nil}, column{"NAME", "app.name", nil}, column{"KIND", "kind", nil}, column{"STATE", "state", nil},
		column{"DUE", "is.dueAt", when}, column{"TARGETS", "targets", nil}, column{"IN FLIGHT", "is.inFlight", nil})
}

// standingOf is one word for how a kind stands.
func standingOf(app, kind record) string {
	switch {
	case app.at("paused") == true, app.at("everythingPaused") == true, kind.at("schedulePaused") == true:
		return "paused"
	case kind.text("inFlight") != "":
		return "rotating"
	case kind.text("current") == "":
		return "no credential yet"
	}
	return "current"
}

// targetsOf counts the targets of a kind by how they stand.
func targetsOf(app record, kind string) string {
	counts := map[string]int{}
	var order []string
	for _, t := range app.list("targets") {
		if t.text("kind") != kind {
			continue
		}
		state := t.text("deployment.state")
		if state == "" {
			state = "new"
		}
		if counts[state] == 0 {
			order = append(order, state)
		}
		counts[state]++
	}
	return counted(order, counts)
}

func appFields(p *page, app record) {
	p.fields(app, column{"Application:", "appId", nil}, column{"Name:", "name", nil}, column{"Kinds:", "policies", kindsOf}, column{"Paused:", "paused", onlyTrue})
}

// showDetail shows an application with what it has.
func showDetail(p *page, app record) {
	appFields(p, app)
	if app.at("everythingPaused") == true {
		p.line("All applications are paused.")
	}
	var states []record
	for _, kind := range kinds() {
		if state := app.of("kinds." + kind); len(state) > 0 {
			states = append(states, record{"kind": kind, "state": standingOf(app, state), "is": map[string]any(state)})
		}
	}
	p.title("KINDS")
	p.table(states, "None is configured.",
		column{"KIND", "kind", nil}, column{"STATE", "state", nil}, column{"DUE", "is.dueAt", when}, column{"BECAUSE OF", "is.dueReason", nil},
		column{"CURRENT", "is.current", nil}, column{"IN FLIGHT", "is.inFlight", nil})
	p.title("CREDENTIALS")
	p.table(app.list("credentials"), "There are none.",
		column{"KIND", "kind", nil}, column{"KEY ID", "keyId", nil}, column{"STATE", "state", nil}, column{"NAME", "displayName", nil}, column{"ENDS", "endsAt", when})
	p.title("TARGETS")
	showTargets(p, app.list("targets"))
	for _, warning := range app.warnings() {
		p.line("\nWarning: %s", warning)
	}
}

func (r record) warnings() (all []string) {
	values, _ := r.at("warnings").([]any)
	for _, v := range values {
		all = append(all, textOf(v))
	}
	return all
}

func showTargets(p *page, targets []record) {
	p.table(targets, "There are none.",
		column{"TARGET", "id", nil}, column{"INTEGRATION", "integration", nil}, column{"KIND", "kind", nil}, column{"ENABLED", "enabled", nil},
		column{"STATE", "deployment.state", nil}, column{"ROTATION", "deployment.rotation", nil}, column{"UPDATED", "deployment.updatedAt", when},
		column{"LAST ERROR", "deployment.lastError", nil})
}

// counted names words with how often each is there.
func counted(words []string, counts map[string]int) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = strconv.Itoa(counts[word]) + " " + word
	}
	return strings.Join(all, ", ")
}
