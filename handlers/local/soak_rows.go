package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// rows are what the tables hold of every application, read without rekey's help.
type rows struct {
	heads       map[string]*rotation.Head
	rotations   map[string][]rotation.Rotation // by application
	deployments map[string][]rotation.Deployment
	holdings    map[string][]rotation.Holding
	schedule    int
}

// rotationRow is the key of a rotation, deploymentRow that of one of its deployments.
var (
	rotationRow   = regexp.MustCompile(`^(secret|certificate)\.[0-9]{8}$`)
	deploymentRow = regexp.MustCompile(`^(secret|certificate)\.[0-9]{8}\.[a-z0-9-]+$`)
)

func (s *soak) readRows() (r rows, err error) {
	r = rows{
		heads: map[string]*rotation.Head{}, rotations: map[string][]rotation.Rotation{},
		deployments: map[string][]rotation.Deployment{}, holdings: map[string][]rotation.Holding{},
	}
	dump := s.Azure.Tables.Dump()
	r.schedule = len(dump[engine.TableSchedule])
	for _, row := range dump[engine.TableRotations] {
		app := row.PartitionKey
		switch key := row.RowKey; {
		case key == "live.head":
			r.heads[app], err = read[*rotation.Head](row)
		case strings.HasPrefix(key, "live.holding."):
			err = add(r.holdings, row)
		case rotationRow.MatchString(key):
			err = add(r.rotations, row)
		case deploymentRow.MatchString(key):
			err = add(r.deployments, row)
		}
		if err != nil {
			return r, fmt.Errorf("row %q of %s: %w", row.RowKey, app, err)
		}
	}
	return r, nil
}

func add[T any](to map[string][]T, row tables.Entity) error {
	record, err := read[T](row)
	to[row.PartitionKey] = append(to[row.PartitionKey], record)
	return err
}

// composite are the properties that hold JSON; all others are what they are.
var composite = map[string]bool{
	"lease": true, "secret": true, "certificate": true, "outbox": true,
	"targets": true, "retired": true, "steps": true, "generations": true,
}

func read[T any](row tables.Entity) (record T, err error) {
	plain := map[string]any{}
	for name, value := range row.Properties {
		if text, ok := value.(string); ok && composite[name] {
			value = json.RawMessage(text)
		}
		plain[name] = value
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return record, err
	}
	return record, json.Unmarshal(text, &record)
}

// current is the published credential of a kind, as the head says.
func (r rows) current(app string, kind rotation.Kind) (rotation.Entry, bool) {
	if r.heads[app] == nil {
		return rotation.Entry{}, false
	}
	return r.heads[app].Kind(kind).CurrentEntry()
}

// unfinished says in words what of an application is still on its way.
func (r rows) unfinished(app string) (all []string) {
	head := r.heads[app]
	if head == nil {
		return []string{"it has no head"}
	}
	for _, kind := range rotation.Kinds() {
		all = append(all, r.unfinishedKind(app, kind)...)
	}
	if len(head.Outbox) > 0 {
		all = append(all, fmt.Sprintf("%d lifecycle events are in the outbox", len(head.Outbox)))
	}
	return all
}

func (r rows) unfinishedKind(app string, kind rotation.Kind) (all []string) {
	state := r.heads[app].Kind(kind)
	if state.InFlight > 0 {
		all = append(all, fmt.Sprintf("%s %d is in flight", kind, state.InFlight))
	}
	for _, e := range state.Ledger {
		switch {
		case !e.Resolved():
			all = append(all, fmt.Sprintf("what %s %d.%d made is not known", kind, e.Generation, e.Attempt))
		case e.KeyID != state.Current:
			all = append(all, fmt.Sprintf("%s %d.%d, key id %s, is not removed", kind, e.Generation, e.Attempt, e.KeyID))
		}
	}
	for _, d := range r.deployments[app] {
		if d.Rotation.Kind == kind && d.Rotation.Generation == state.CurrentGeneration() && d.State != rotation.DeploymentConfirmed {
			all = append(all, fmt.Sprintf("%s %d at %s is %s: %s", kind, d.Rotation.Generation, d.Target, d.State, d.LastError))
		}
	}
	return all
}
