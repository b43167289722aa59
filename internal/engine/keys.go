package engine

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The tables.
const (
	TableApplications = "applications" // tenant, appId: policies and names
	TableRotations    = "rotations"    // appId: everything else about one application
	TableSchedule     = "schedule"     // shard, time: when to look again
	TableGroups       = "groups"       // tenant, id: Vercel groups
	TableTasks        = "tasks"        // tenant, id: automation tasks
	TableLog          = "log"          // day, time: the log of the tenant
	TableFindings     = "findings"     // tenant, appId, check, subject: what is wrong
	TableInventory    = "inventory"    // see package inventory: every application of the tenant
	TableAPIKeys      = "apikeys"      // tenant, id: keys to the API

	TableNotifications = "notifications" // tenant, id: who hears of what
	TableNotices       = "notices"       // day, rule and event: what was told
)

// Tables lists every table, for whoever creates them.
func Tables() []string {
	return []string{
		TableApplications, TableRotations, TableSchedule, TableGroups, TableTasks, TableLog, TableFindings, TableInventory,
		TableAPIKeys, TableNotifications, TableNotices,
	}
}

const (
	rowHead          = "live.head"
	prefixLive       = "live."
	prefixTarget     = "live.target."
	prefixHolding    = "live.holding."
	prefixLog        = "log."
	prefixRequest    = "request."
	rowEverything    = "*" // in applications: what concerns all of them
	generationDigits = "%08d"
)

// after ends a range of all keys with a prefix. Ids hold letters, digits and
// hyphens only, so the tilde sorts behind them.
func after(prefix string) string { return prefix + "~" }

func rotationRow(id rotation.ID) string {
	return fmt.Sprintf("%s."+generationDigits, id.Kind, id.Generation)
}

func deploymentRow(id rotation.ID, target string) string { return rotationRow(id) + "." + target }

func (e *Engine) applicationKey(appID string) Key {
	return Key{TableApplications, e.Tenant, appID}
}

func partitionKey(appID, row string) Key { return Key{TableRotations, appID, row} }

// shards is how many partitions the schedule has, so that one busy hour does not
// meet the limit of one partition.
const shards = 16

func shard(appID string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(appID))
	return fmt.Sprintf("%02d", hash.Sum32()%shards)
}

const scheduleTime = "2006-01-02T15:04:05.000Z"

// wakeUp returns the key of a row in the schedule. What is the kind, or the
// kind, generation and target of a deployment.
func wakeUp(at time.Time, appID, what string) rotation.WakeUp {
	return rotation.WakeUp{
		Partition: shard(appID),
		Row:       at.UTC().Format(scheduleTime) + "|" + appID + "|" + what,
	}
}

// parseWakeUp takes a schedule row's key apart.
func parseWakeUp(row string) (at time.Time, appID, what string, err error) {
	parts := strings.Split(row, "|")
	if len(parts) != 3 {
		return at, "", "", fmt.Errorf("schedule row %q: must look like <time>|<appId>|<what>", row)
	}
	at, err = time.Parse(scheduleTime, parts[0])
	return at, parts[1], parts[2], err
}

func wakeUpKey(w rotation.WakeUp) Key { return Key{TableSchedule, w.Partition, w.Row} }

// deploymentWhat is the last part of a deployment's schedule row.
func deploymentWhat(id rotation.ID, target string) string { return deploymentRow(id, target) }

// parseWhat tells a kind's wake-up (target is empty) from a deployment's.
func parseWhat(appID, what string) (id rotation.ID, target string, err error) {
	parts := strings.SplitN(what, ".", 3)
	if id.Kind, err = rotation.ParseKind(parts[0]); err != nil {
		return id, "", err
	}
	id.AppID = appID
	if len(parts) == 1 {
		return id, "", nil
	}
	if len(parts) != 3 {
		return id, "", fmt.Errorf("schedule row of %q: %q names no target", appID, what)
	}
	if _, err := fmt.Sscanf(parts[1], "%d", &id.Generation); err != nil {
		return id, "", fmt.Errorf("schedule row of %q: %q names no generation: %w", appID, what, err)
	}
	return id, parts[2], nil
}
