package rotation

import "time"

// Advance asks the rotate function to look at one kind of one application and to
// do whatever can be done. It is a hint: the rows decide.
type Advance struct {
	AppID string `json:"appId"`
	Kind  Kind   `json:"kind"`
	// Row is the wake-up that caused it, to be deleted once it was served.
	Row *WakeUp `json:"row,omitempty"`
}

// Rotated asks one integration to bring one target to one rotation.
type Rotated struct {
	Rotation ID      `json:"rotation"`
	Target   string  `json:"target"`
	Row      *WakeUp `json:"row,omitempty"`
}

// WakeUp is the key of a row in the schedule.
type WakeUp struct {
	Partition string `json:"partition"`
	Row       string `json:"row"`
}

// EventType is the type of a lifecycle event, as in CloudEvents.
type EventType string

// The lifecycle events.
const (
	EventDue      EventType = "dev.rekey.due"      // a rotation was requested
	EventRotated  EventType = "dev.rekey.rotated"  // a new credential is published
	EventDeployed EventType = "dev.rekey.deployed" // a target confirmed it
	EventRetired  EventType = "dev.rekey.retired"  // an old credential was removed
	EventFailed   EventType = "dev.rekey.failed"   // a rotation or a deployment failed
	EventExpiring EventType = "dev.rekey.expiring" // a credential ends soon, and nothing replaces it
	EventFinding  EventType = "dev.rekey.finding"  // a check found something wrong
	EventAdvice   EventType = "dev.rekey.advice"   // there is a better way than this credential
)

// EventTypes lists them all.
func EventTypes() []EventType {
	return []EventType{
		EventDue, EventRotated, EventDeployed, EventRetired, EventFailed, EventExpiring, EventFinding, EventAdvice,
	}
}

// Event tells others what happened. It holds ids and words, never a secret.
type Event struct {
	ID       string    `json:"id"` // derived from what happened: a repetition has the same
	Type     EventType `json:"type"`
	Time     time.Time `json:"time"`
	AppID    string    `json:"appId"` // empty: it concerns no single application
	Name     string    `json:"name"`
	Kind     Kind      `json:"kind"`
	Rotation string    `json:"rotation,omitempty"`
	Target   string    `json:"target,omitempty"`
	KeyID    string    `json:"keyId,omitempty"`
	Reason   string    `json:"reason,omitempty"` // of a finding or an advice, what was found

	End    time.Time `json:"end,omitzero"`     // the end of the credential with that key id
	Days   int       `json:"days,omitempty"`   // expiring: it ends within so many
	Owners []string  `json:"owners,omitempty"` // expiring: of the application, by their object ids
	Check  string    `json:"check,omitempty"`  // finding or advice: the check's name
	Remedy string    `json:"remedy,omitempty"` // what a person can do
}

// Subject is what the event is about, as the subject of a CloudEvent.
func (e Event) Subject() string {
	if e.AppID == "" {
		return "tenant"
	}
	return "applications/" + e.AppID
}

// LogEntry is one line of the log.
type LogEntry struct {
	At       time.Time `json:"at"`
	AppID    string    `json:"appId"` // empty: it concerns no single application
	Kind     Kind      `json:"kind"`
	Rotation string    `json:"rotation"`
	Target   string    `json:"target"`
	What     string    `json:"what"`   // one word: requested, created, staged, …
	Detail   string    `json:"detail"` // one sentence, for people
	Actor    string    `json:"actor"`
	Failure  bool      `json:"failure"`
	// Correlation is the same for everything that one request led to.
	Correlation string `json:"correlation"`
}
