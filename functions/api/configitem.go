package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// ConfiguredApplication is an application in the configuration, with its targets.
type ConfiguredApplication struct {
	Paused bool `json:"paused,omitempty" doc:"Whether the application is paused"`
	ApplicationSettings
	Targets map[string]TargetSettings `json:"targets,omitempty" doc:"The places that hold its credentials, by their ids"`
}

// ConfiguredGroup is a group in the configuration.
type ConfiguredGroup struct {
	GroupChoices
	HasToken bool `json:"hasToken,omitempty" readOnly:"true" doc:"Whether there was an access token when this was exported. The token itself is given by PUT /api/groups/{groupId} alone; applying neither sets nor removes it"`
}

// ConfiguredTask is a task in the configuration.
type ConfiguredTask = TaskSettings

// ConfiguredNotification is a notification in the configuration. Its address and its
// signing key are given by PUT /api/notifications/{id} alone.
type ConfiguredNotification = NotificationChoices

// ConfiguredSettings is what concerns all applications.
type ConfiguredSettings struct {
	Paused bool `json:"paused" required:"false" doc:"Whether all applications are paused"`
	Settings
}

// fields is a thing as the configuration shows it, without what is the default.
type fields = map[string]any

func shownApplication(c engine.Configured) fields {
	policies := map[rotation.Kind]rotation.Policy{}
	for kind := range c.Policies {
		policies[kind] = c.Policy(kind) // with every wait, also of a row that lacks some
	}
	settings := ApplicationSettings{policiesOf(policies), windowsOf(c.Windows)}
	shown := shownOf(ConfiguredApplication{Paused: c.Paused, ApplicationSettings: settings}, applicationDefaults())
	targets := fields{}
	for _, t := range c.Targets {
		targets[t.ID] = shownTarget(t.TargetRow)
	}
	if len(targets) > 0 {
		shown["targets"] = targets
	}
	return shown
}

func shownTarget(t rotation.TargetRow) fields {
	return shownOf(TargetSettings{t.Integration, t.Kind, &t.Enabled, t.Settings, windowsOf(t.Windows)}, fields{"enabled": true})
}

func shownGroup(g rotation.Group) fields {
	shown := ConfiguredGroup{GroupChoices{Name: g.Name, Active: &g.Active, Team: g.Team}, g.Token != ""}
	for _, id := range g.Applications {
		shown.Applications = append(shown.Applications, appID(id))
	}
	return shownOf(shown, fields{"active": true})
}

func shownNotification(n rotation.Notification) fields {
	shown := NotificationChoices{Name: n.Name, Active: &n.Active, Days: n.Days, Channel: string(n.Channel), Mailbox: n.Mailbox, To: n.To}
	for _, event := range n.Events {
		shown.Events = append(shown.Events, event.Word())
	}
	for _, id := range n.Applications {
		shown.Applications = append(shown.Applications, appID(id))
	}
	if n.Owner != "" {
		shown.Owner = new(appID(n.Owner))
	}
	return shownOf(shown, fields{"active": true})
}

func shownSettings(all engine.Everything) fields {
	return shownOf(ConfiguredSettings{all.Paused, Settings{all.LogRetention()}}, nil)
}

func shownTask(t rotation.Task) fields { return shownOf(TaskSettings{t.Name, t.Steps}, nil) }

// applicationDefaults are the domain's, so that the configuration cannot differ from them.
var applicationDefaults = sync.OnceValue(func() fields {
	return fields{"policies": fields{
		"secret":      shownOf(secretPolicyOf(rotation.DefaultPolicy(rotation.Secret)), nil),
		"certificate": shownOf(certificatePolicyOf(rotation.DefaultPolicy(rotation.Certificate)), nil),
	}}
})

// shownOf returns a record's fields without those that have their default. Numbers
// stay as JSON writes them.
func shownOf(record any, defaults fields) fields {
	text, err := json.Marshal(record)
	if err != nil {
		panic("api: " + err.Error()) // a type of ours that JSON does not know
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var shown fields
	if err := decoder.Decode(&shown); err != nil {
		panic("api: " + err.Error())
	}
	leaveOut(shown, defaults)
	return shown
}

// leaveOut takes out what is the default, inside of objects as well. Objects that are
// empty then stay where their defaults are known by name alone: a policy that has
// nothing but defaults is not the same as no policy.
func leaveOut(from, defaults fields) {
	for _, name := range slices.Collect(maps.Keys(from)) {
		usual, known := defaults[name]
		inner, isObject := from[name].(fields)
		usualInner, wasObject := usual.(fields)
		switch {
		case isObject && wasObject:
			leaveOut(inner, usualInner)
			if len(inner) == 0 && name == "waits" {
				delete(from, name)
			}
		case known && reflect.DeepEqual(from[name], usual), from[name] == nil:
			delete(from, name)
		}
	}
}
