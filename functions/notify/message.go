package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Message is an event in words. Its title is ours; all else may hold what others
// chose, on one line each, and is text for every channel.
type Message struct {
	Event rotation.Event
	Title string // what kind of thing happened
	Text  string // what happened
	Facts []Fact
	Todo  string // what to do about it, or empty
	Link  string // where to look, or empty
}

// Fact is one thing to know.
type Fact struct{ Name, Value string }

// Subject is the message in one line.
func (m Message) Subject() string {
	if m.Event.AppID == "" {
		return m.Title
	}
	return m.Title + ": " + cmp.Or(plain(m.Event.Name), m.Event.AppID)
}

// Plain is the whole message as text.
func (m Message) Plain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", m.Text)
	for _, f := range m.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	if m.Todo != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", m.Todo)
	}
	if m.Link != "" {
		fmt.Fprintf(&b, "\n%s\n", m.Link)
	}
	return b.String()
}

// Write puts an event into words.
func Write(e rotation.Event, publicURL string) Message {
	m := Message{Event: e, Facts: facts(e)}
	m.Title, m.Text, m.Todo = words(e)
	m.Todo = cmp.Or(plain(e.Remedy), m.Todo)
	if publicURL != "" {
		m.Link = strings.TrimSuffix(publicURL, "/") + "/"
		if e.AppID != "" {
			m.Link += "applications/" + e.AppID
		}
	}
	return m
}

func words(e rotation.Event) (title, text, todo string) {
	what, target, reason := credential(e.Kind), quoted(e.Target), cmp.Or(plain(e.Reason), "no reason was given")
	switch e.Type {
	case rotation.EventDue:
		return "A rotation begins", "A new " + what + " was asked for.", ""
	case rotation.EventRotated:
		return "A credential was rotated", "A new " + what + " works, and is on its way to the application's targets.", ""
	case rotation.EventDeployed:
		return "A target has the new credential", "The target " + target + " uses the new " + what + ".", ""
	case rotation.EventRetired:
		return "An old credential was removed", "An old " + what + " was removed from Entra ID: nothing uses it any more.", ""
	case rotation.EventFailed:
		if e.Target != "" {
			return "A delivery failed", "The new " + what + " did not get to the target " + target + ": " + reason, "Put right what the reason names, then resume the rotation. Until then the target keeps the credential that it has."
		}
		return "A rotation failed", "The " + what + " was not rotated as it should be: " + reason, "Put right what the reason names. The schedule tries again by itself."
	case rotation.EventExpiring:
		return "A credential ends soon", "A " + what + " ends within " + inDays(e.Days) + ", and nothing has replaced it.",
			"Replace it before then, or let rekey rotate the application."
	case rotation.EventFinding:
		return "A check found something wrong", "The check " + quoted(e.Check) + " says: " + reason, ""
	case rotation.EventAdvice:
		return "There is a better way", "The check " + quoted(e.Check) + " says: " + reason, ""
	case eventTest:
		return "A test", "This is a test. Whoever reads it will read what rekey has to tell.", ""
	}
	return "Something happened", "An event of the type " + quoted(string(e.Type)) + ".", ""
}

func facts(e rotation.Event) (facts []Fact) {
	add := func(name, value string) {
		if value = plain(value); value != "" {
			facts = append(facts, Fact{name, value})
		}
	}
	application := e.AppID
	if name := plain(e.Name); name != "" && e.AppID != "" {
		application = name + " (" + e.AppID + ")"
	}
	add("Application", application)
	if e.KeyID != "" {
		add("Credential", credential(e.Kind)+", key id "+e.KeyID)
	}
	if !e.End.IsZero() {
		add("Ends", e.End.UTC().Format(timeForm))
	}
	add("Target", e.Target)
	add("Rotation", e.Rotation)
	if !e.Time.IsZero() {
		add("When", e.Time.UTC().Format(timeForm))
	}
	return facts
}

const timeForm = "2 January 2006, 15:04 UTC"

func credential(kind rotation.Kind) string {
	switch kind {
	case rotation.Secret:
		return "client secret"
	case rotation.Certificate:
		return "certificate"
	}
	return "credential"
}

func inDays(days int) string {
	if days == 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", days)
}

func quoted(text string) string { return "“" + plain(text) + "”" }

// longestText is more than any reason or name that is worth reading.
const longestText = 600

// plain makes one line of what others chose: without line breaks and control
// characters, and without what turns the direction of the text around it.
func plain(text string) string {
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.C, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(line), " "))
	if len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return string(runes)
}

// second is how precise a time in a body is.
func second(at time.Time) string { return at.UTC().Format(time.RFC3339) }
