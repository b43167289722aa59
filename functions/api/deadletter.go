package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// DeadLetters is the bus, as far as it keeps messages that nobody could take. Errors are
// Faults, or those of package deadletter.
type DeadLetters interface {
	// Peek returns letters of an entity from a sequence number on. None says that
	// there are no more.
	Peek(ctx context.Context, e deadletter.Entity, from int64, most int) ([]deadletter.Letter, error)
	// Replay sends a letter's message to its entity again and removes the letter. It may
	// be called again after an error.
	Replay(ctx context.Context, e deadletter.Entity, sequenceNumber int64) (deadletter.Letter, error)
	// Discard removes a letter.
	Discard(ctx context.Context, e deadletter.Entity, sequenceNumber int64) (deadletter.Letter, error)
}

// DeadLetter is a message that was given up.
type DeadLetter struct {
	Entity         string        `json:"entity" doc:"The queue, or the topic and the subscription with a dot between them"`
	SequenceNumber int64         `json:"sequenceNumber"`
	MessageID      string        `json:"messageId"`
	EnqueuedAt     time.Time     `json:"enqueuedAt"`
	Reason         string        `json:"reason"`
	Description    string        `json:"description"`
	DeliveryCount  int           `json:"deliveryCount"`
	Type           string        `json:"type,omitempty" doc:"The event's type, as far as the message can be read"`
	AppID          string        `json:"appId,omitempty"`
	Kind           rotation.Kind `json:"kind,omitempty"`
	Rotation       string        `json:"rotation,omitempty"`
	Target         string        `json:"target,omitempty"`
}

// DeadLetterDetail is a message that was given up, with what is in it.
type DeadLetterDetail struct {
	DeadLetter
	Body any    `json:"body,omitempty" doc:"The message, if it is JSON"`
	Text string `json:"text,omitempty" doc:"The message, if it is another text"`
	Size int    `json:"size" doc:"Its length in bytes"`
}

type listDeadLetters struct {
	Entity string `query:"entity" maxLength:"120" doc:"Only of this entity"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next of the page before"`
}

type deadLetterPath struct {
	Entity         string `path:"entity" maxLength:"120"`
	SequenceNumber int64  `path:"sequenceNumber" minimum:"0"`
}

func (a *api) registerDeadLetters(h huma.API) {
	const path = "/api/deadletters/{entity}/{sequenceNumber}"
	huma.Register(h, operation("listDeadLetters", http.MethodGet, "/api/deadletters", "The messages that were given up, with the reason"), a.listDeadLetters)
	huma.Register(h, operation("getDeadLetter", http.MethodGet, path, "One message that was given up, with what is in it"), a.getDeadLetter)
	huma.Register(h, operation("replayDeadLetter", http.MethodPost, path+"/replay", "Deliver a message that was given up once more"), a.replayDeadLetter)
	huma.Register(h, operation("discardDeadLetter", http.MethodPost, path+"/discard", "Remove a message that was given up"), a.discardDeadLetter)
}

func deadLetterOf(l deadletter.Letter) DeadLetter {
	about := l.About()
	return DeadLetter{
		Entity: l.Entity.String(), SequenceNumber: l.SequenceNumber, MessageID: l.MessageID, EnqueuedAt: l.EnqueuedAt,
		Reason: l.Reason, Description: l.Description, DeliveryCount: l.DeliveryCount,
		Type: about.Type, AppID: about.AppID, Kind: about.Kind, Rotation: about.Rotation, Target: about.Target,
	}
}

// deadLetterCursor is an entity and the sequence number to go on from.
var deadLetterCursor = regexp.MustCompile(`^[a-z.-]+#[0-9]{1,18}$`)

// listDeadLetters goes from entity to entity.
func (a *api) listDeadLetters(ctx context.Context, in *listDeadLetters) (*answer[Page[DeadLetter]], error) {
	entities, from, err := a.entitiesFrom(in)
	if err != nil {
		return nil, err
	}
	var letters []DeadLetter
	for i, entity := range entities {
		for more := true; more; {
			if len(letters) == in.Limit {
				return &answer[Page[DeadLetter]]{pageOf(letters, fmt.Sprintf("%s#%d", entities[i], from))}, nil
			}
			found, err := a.DeadLetters.Peek(ctx, entity, from, in.Limit-len(letters))
			if err != nil {
				return nil, a.deadLetterRefused(ctx, err)
			}
			for _, letter := range found {
				letters = append(letters, deadLetterOf(letter))
				from = letter.SequenceNumber + 1
			}
			more = len(found) > 0
		}
		from = 0
	}
	return &answer[Page[DeadLetter]]{pageOf(letters, "")}, nil
}

// entitiesFrom returns where a page begins: the entities that are left, and in the first
// of them the sequence number.
func (a *api) entitiesFrom(in *listDeadLetters) (entities []deadletter.Entity, from int64, err error) {
	entities = a.Entities
	if in.Entity != "" {
		entity, ok := a.entity(in.Entity)
		if !ok {
			return nil, 0, invalid(rotation.Problem{Field: "query.entity", Detail: "must be one of " + a.entityNames()})
		}
		entities = []deadletter.Entity{entity}
	}
	cursor, err := Paging{Cursor: in.Cursor}.from(deadLetterCursor)
	if err != nil || cursor == "" {
		return entities, 0, err
	}
	name, number, _ := strings.Cut(cursor, "#")
	i := slices.IndexFunc(entities, func(e deadletter.Entity) bool { return e.String() == name })
	if i < 0 {
		return nil, 0, notACursor()
	}
	from, err = strconv.ParseInt(number, 10, 64)
	return entities[i:], from, err
}

func (a *api) entity(name string) (deadletter.Entity, bool) {
	i := slices.IndexFunc(a.Entities, func(e deadletter.Entity) bool { return e.String() == name })
	if i < 0 {
		return deadletter.Entity{}, false
	}
	return a.Entities[i], true
}

func (a *api) entityNames() string {
	var names []string
	for _, e := range a.Entities {
		names = append(names, e.String())
	}
	return strings.Join(names, ", ")
}

func (a *api) getDeadLetter(ctx context.Context, in *deadLetterPath) (*answer[DeadLetterDetail], error) {
	entity, ok := a.entity(in.Entity)
	if !ok {
		return nil, a.noEntity()
	}
	letters, err := a.DeadLetters.Peek(ctx, entity, in.SequenceNumber, 1)
	if err == nil && (len(letters) == 0 || letters[0].SequenceNumber != in.SequenceNumber) {
		err = deadletter.ErrUnknown
	}
	if err != nil {
		return nil, a.deadLetterRefused(ctx, err)
	}
	return &answer[DeadLetterDetail]{deadLetterDetailOf(letters[0])}, nil
}

func deadLetterDetailOf(l deadletter.Letter) DeadLetterDetail {
	detail := DeadLetterDetail{DeadLetter: deadLetterOf(l), Size: len(l.Body)}
	switch {
	case json.Valid(l.Body) && utf8.Valid(l.Body):
		detail.Body = json.RawMessage(l.Body)
	case utf8.Valid(l.Body):
		detail.Text = string(l.Body)
	}
	return detail
}

func (a *api) replayDeadLetter(ctx context.Context, in *deadLetterPath) (*answer[DeadLetter], error) {
	return a.settle(ctx, in, "replayed", a.DeadLetters.Replay)
}

func (a *api) discardDeadLetter(ctx context.Context, in *deadLetterPath) (*answer[DeadLetter], error) {
	return a.settle(ctx, in, "discarded", a.DeadLetters.Discard)
}

// settle ends a letter, and says so in the log.
func (a *api) settle(
	ctx context.Context, in *deadLetterPath, what string, do func(context.Context, deadletter.Entity, int64) (deadletter.Letter, error),
) (*answer[DeadLetter], error) {
	entity, ok := a.entity(in.Entity)
	if !ok {
		return nil, a.noEntity()
	}
	letter, err := do(ctx, entity, in.SequenceNumber)
	if err != nil {
		return nil, a.deadLetterRefused(ctx, err)
	}
	shown := deadLetterOf(letter)
	a.Engine.LogChange(ctx, lineOf(shown, what, actorOf(ctx)))
	return &answer[DeadLetter]{shown}, nil
}

var oneGUID = regexp.MustCompile(`^` + guid + `$`)

// lineOf tells of a letter that was ended. What the message named may be anything.
func lineOf(l DeadLetter, what, actor string) rotation.LogEntry {
	line := rotation.LogEntry{
		What: what, Actor: actor,
		Detail: fmt.Sprintf("dead letter %d of %s, which had been given up: %s: %s", l.SequenceNumber, l.Entity, l.Reason, l.Description),
	}
	if oneGUID.MatchString(l.AppID) {
		line.AppID, line.Kind, line.Rotation, line.Target = strings.ToLower(l.AppID), l.Kind, l.Rotation, l.Target
	}
	return line
}

func (a *api) noEntity() error {
	return problem(http.StatusNotFound, "there is no such entity of the bus; there are "+a.entityNames())
}

func (a *api) deadLetterRefused(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, deadletter.ErrUnknown):
		return problem(http.StatusNotFound, err.Error())
	case errors.Is(err, deadletter.ErrTaken), errors.Is(err, deadletter.ErrBehind):
		a.logRefusal(ctx, err.Error())
		return problem(http.StatusConflict, err.Error())
	}
	return a.refusal(ctx, err)
}
