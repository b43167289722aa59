package rotation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Notification is a rule that says who hears of which events, and how.
type Notification struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Active bool   `json:"active"`

	Events       []EventType `json:"events"`
	Applications []string    `json:"applications"` // client ids; empty is all of them, and what concerns none
	Owner        string      `json:"owner"`        // if not empty, only the applications of this owner, by its object id
	Days         []int       `json:"days"`         // of EventExpiring: how many days before the end

	Channel Channel  `json:"channel"`
	Mailbox string   `json:"mailbox"` // mail: who sends
	To      []string `json:"to"`      // mail: who receives
	// Host is where the other channels send to. The whole address and the key that
	// signs are in the staging vault alone, for an address may be all that it takes.
	Host   string `json:"host"`
	Signed bool   `json:"signed"`
}

// Channel is how a notification travels.
type Channel string

// The channels.
const (
	Mail    Channel = "mail"    // Microsoft Graph
	Slack   Channel = "slack"   // an incoming webhook
	Teams   Channel = "teams"   // a webhook of the Workflows app
	Webhook Channel = "webhook" // anybody who checks the signature
)

// Addressed reports whether the channel needs an address.
func (c Channel) Addressed() bool { return c != Mail }

// DefaultDays are those of a rule that names none.
func DefaultDays() []int { return []int{14, 3} }

const (
	mostDays       = 90
	mostThresholds = 10
	mostReceivers  = 50
	longestAddress = 254
)

var addressForm = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$`)

// Check reports everything that is wrong with the rule.
func (n Notification) Check() (problems []Problem) {
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	if name := []rune(n.Name); len(name) > longestGroupName || strings.TrimSpace(n.Name) == "" {
		wrong("name", "must be 1 to %d characters, and not all of them spaces", longestGroupName)
	}
	if len(n.Events) == 0 {
		wrong("events", "must name one event or more")
	}
	for i, event := range n.Events {
		if !slices.Contains(EventTypes(), event) {
			wrong(fmt.Sprintf("events[%d]", i), "must be one of %s", strings.Join(eventWords(), ", "))
		}
	}
	for i, appID := range n.Applications {
		if !clientIDForm.MatchString(appID) {
			wrong(fmt.Sprintf("applications[%d]", i), "must be a client id, a GUID")
		}
	}
	if n.Owner != "" && !clientIDForm.MatchString(n.Owner) {
		wrong("owner", "must be the object id of a user or a service principal, a GUID")
	}
	if len(n.Days) > mostThresholds {
		wrong("days", "must be %d at most", mostThresholds)
	}
	for i, days := range n.Days {
		if days < 1 || days > mostDays {
			wrong(fmt.Sprintf("days[%d]", i), "must be 1 to %d", mostDays)
		}
	}
	return append(problems, n.checkChannel()...)
}

func (n Notification) checkChannel() (problems []Problem) {
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	switch n.Channel {
	case Mail:
		if !isAddress(n.Mailbox) {
			wrong("mailbox", "must be the address of the mailbox that sends")
		}
		if len(n.To) == 0 || len(n.To) > mostReceivers {
			wrong("to", "must be 1 to %d addresses", mostReceivers)
		}
		for i, to := range n.To {
			if !isAddress(to) {
				wrong(fmt.Sprintf("to[%d]", i), "must be an address, name@domain")
			}
		}
	case Slack, Teams, Webhook:
		if n.Mailbox != "" || len(n.To) > 0 {
			wrong("channel", "must be mail where there is a mailbox")
		}
	default:
		wrong("channel", "must be mail, slack, teams or webhook")
	}
	return problems
}

func isAddress(text string) bool { return len(text) <= longestAddress && addressForm.MatchString(text) }

func eventWords() (words []string) {
	for _, event := range EventTypes() {
		words = append(words, event.Word())
	}
	return words
}

// eventPrefix begins every type of a lifecycle event.
const eventPrefix = "dev.rekey."

// Word is the event's type in one word: rotated, failed, ….
func (t EventType) Word() string { return strings.TrimPrefix(string(t), eventPrefix) }

// EventOf returns the event type of a word.
func EventOf(word string) EventType { return EventType(eventPrefix + word) }

// Wants reports whether the rule is about an event. Whose application it is, is for
// the caller to find out where the rule names an owner.
func (n Notification) Wants(e Event) bool {
	switch {
	case !n.Active || !slices.Contains(n.Events, e.Type):
		return false
	case len(n.Applications) > 0 && !slices.Contains(n.Applications, e.AppID):
		return false
	case n.Owner != "" && e.AppID == "":
		return false
	}
	return e.Type != EventExpiring || slices.Contains(n.Thresholds(), e.Days)
}

// Thresholds are the days before an end on which the rule wants to hear of it.
func (n Notification) Thresholds() []int {
	if len(n.Days) == 0 {
		return DefaultDays()
	}
	return n.Days
}

// Threshold is the one that a credential with so many days left has reached last.
// Reached is false before the first of them.
func (n Notification) Threshold(left float64) (days int, reached bool) {
	for _, t := range n.Thresholds() {
		if left <= float64(t) && (!reached || t < days) {
			days, reached = t, true
		}
	}
	return days, reached
}
