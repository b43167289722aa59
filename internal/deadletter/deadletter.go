// Package deadletter is what the parts of the system say to each other about messages
// that nobody could take: the bus, which keeps them, and the API, which shows them.
//
// A message is given up after its last delivery ended in an error, for example because
// it could not be read:
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues
package deadletter

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Entity is where messages are taken from: a queue, or a subscription of a topic.
type Entity struct {
	Name         string // of the queue or the topic
	Subscription string // empty: it is a queue
}

// String is the entity in one word, of a queue its name: "rotated.keyvault".
func (e Entity) String() string {
	if e.Subscription == "" {
		return e.Name
	}
	return e.Name + "." + e.Subscription
}

// Letter is a message that was given up. It holds ids and words, never a secret.
type Letter struct {
	Entity         Entity
	SequenceNumber int64
	MessageID      string
	EnqueuedAt     time.Time
	Reason         string
	Description    string
	DeliveryCount  int
	Body           []byte
}

// What can keep a letter from being taken. They come wrapped, with which one.
var (
	ErrUnknown = errors.New("there is no such dead letter")
	ErrTaken   = errors.New("somebody else is at this dead letter just now, or was a minute ago")
	ErrBehind  = errors.New("too many dead letters come before this one: replay or discard those first")
)

// About is what a message was about, as far as it can be read.
type About struct {
	Type     string
	AppID    string
	Kind     rotation.Kind
	Rotation string
	Target   string
}

// About reads what the letter was about. What cannot be read is left empty: that may be
// why the message was given up.
func (l Letter) About() About {
	event := object(l.Body)
	data := object(event["data"])
	about := About{
		Type: text(event["type"]), AppID: text(data["appId"]), Kind: rotation.Kind(text(data["kind"])),
		Rotation: text(data["rotation"]), Target: text(data["target"]),
	}
	if id, err := rotation.ParseID(about.Rotation); err == nil {
		about.AppID, about.Kind = id.AppID, id.Kind
	}
	return about
}

func object(body []byte) (fields map[string]json.RawMessage) {
	_ = json.Unmarshal(body, &fields)
	return fields
}

// longest is more than any id or word of ours has.
const longest = 200

func text(value json.RawMessage) (text string) {
	if json.Unmarshal(value, &text) != nil || len(text) > longest {
		return ""
	}
	return text
}
