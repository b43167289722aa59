package servicebus

import (
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// management answers the requests to an entity's $management,
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response.
type management struct {
	conn  *connection
	queue *broker.Queue // nil for a topic
	topic *broker.Topic
}

func (m *management) answer(r *request) response {
	switch r.operation {
	case "com.microsoft:schedule-message":
		return m.schedule(r)
	case "com.microsoft:cancel-scheduled-message":
		return m.cancelScheduled(r)
	}
	if m.queue == nil {
		return response{code: 400, text: "The operation '" + r.operation + "' is not supported on a topic.", condition: broker.CondNotAllowed}
	}
	switch r.operation {
	case "com.microsoft:peek-message":
		return m.peek(r)
	case "com.microsoft:receive-by-sequence-number":
		return m.receiveDeferred(r)
	case "com.microsoft:renew-lock":
		return m.renewLocks(r)
	case "com.microsoft:update-disposition":
		return m.settle(r)
	case "com.microsoft:renew-session-lock":
		return m.renewSession(r)
	case "com.microsoft:get-session-state":
		return m.sessionState(r)
	case "com.microsoft:set-session-state":
		return m.setSessionState(r)
	case "com.microsoft:get-message-sessions":
		return m.sessions(r)
	}
	return response{code: 501, text: "The operation '" + r.operation + "' is not supported.", condition: "amqp:not-implemented"}
}

func badRequest(text string) response {
	return response{code: 400, text: text, condition: "com.microsoft:argument-error"}
}

func (m *management) to() entity {
	if m.topic != nil {
		return m.topic
	}
	return m.queue
}

func (m *management) schedule(r *request) response {
	if m.conn.namespace.faults.busy() {
		return response{code: 503, text: "The request was terminated because the entity is being throttled.", condition: "com.microsoft:server-busy"}
	}
	var contents []*amqp.Message
	for _, item := range amqp.Items(r.body.Get("messages")) {
		entry, _ := item.(amqp.Map)
		encoded, _ := entry.Get("message").([]byte)
		content, err := amqp.ParseMessage(encoded)
		if err != nil {
			return badRequest(err.Error())
		}
		contents = append(contents, content)
	}
	if len(contents) == 0 {
		return badRequest("There is no message to schedule.")
	}
	numbers, err := m.to().Schedule(contents)
	if err != nil {
		return refusal(err)
	}
	return ok(amqp.Map{{Key: "sequence-numbers", Value: numbers}})
}

func (m *management) cancelScheduled(r *request) response {
	if err := m.to().CancelScheduled(sequenceNumbers(r)); err != nil {
		return refusal(err)
	}
	return ok(nil)
}

func sequenceNumbers(r *request) (numbers []int64) {
	for _, item := range amqp.Items(r.body.Get("sequence-numbers")) {
		if n, isNumber := amqp.Integer(item); isNumber {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func lockTokens(r *request) (tokens []amqp.UUID) {
	for _, item := range amqp.Items(r.body.Get("lock-tokens")) {
		if token, isUUID := item.(amqp.UUID); isUUID {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// session returns the id that a request is about. The Go client does not write
// it: it names the link that holds the session.
func (m *management) session(r *request) *string {
	if id, isText := r.body.Get("session-id").(string); isText {
		return &id
	}
	name := amqp.Text(r.properties.Get("associated-link-name"))
	for _, s := range m.conn.sessions {
		for _, l := range s.links {
			if c, isConsumer := l.(*consumerLink); isConsumer && c.name == name && c.attached() != nil {
				return c.attached().SessionID()
			}
		}
	}
	return nil
}

func (m *management) peek(r *request) response {
	from, _ := amqp.Integer(r.body.Get("from-sequence-number"))
	limit, _ := amqp.Integer(r.body.Get("message-count"))
	messages := amqp.List{}
	for _, encoded := range m.queue.Peek(from, int(limit), m.session(r)) {
		messages = append(messages, amqp.Map{{Key: "message", Value: encoded}})
	}
	if len(messages) == 0 {
		return noContent()
	}
	return ok(amqp.Map{{Key: "messages", Value: messages}})
}

func (m *management) receiveDeferred(r *request) response {
	mode, _ := amqp.Integer(r.body.Get("receiver-settle-mode"))
	session := ""
	if id := m.session(r); id != nil {
		session = *id
	}
	received, err := m.queue.ReceiveDeferred(sequenceNumbers(r), mode == 0, session)
	if err != nil {
		return refusal(err)
	}
	if len(received) == 0 {
		return noContent()
	}
	messages := amqp.List{}
	for _, one := range received {
		messages = append(messages, amqp.Map{{Key: "lock-token", Value: one.Token}, {Key: "message", Value: one.Message}})
	}
	return ok(amqp.Map{{Key: "messages", Value: messages}})
}

func (m *management) renewLocks(r *request) response {
	expirations, err := m.queue.Renew(lockTokens(r))
	if err != nil {
		return refusal(err)
	}
	return ok(amqp.Map{{Key: "expirations", Value: expirations}})
}

func (m *management) settle(r *request) response {
	properties, _ := r.body.Get("properties-to-modify").(amqp.Map)
	s := broker.Settlement{Properties: properties}
	switch status := amqp.Text(r.body.Get("disposition-status")); status {
	case "completed":
		s.Outcome = broker.Complete
	case "abandoned":
		s.Outcome = broker.Abandon
	case "defered": // so spelled by the service
		s.Outcome = broker.Defer
	case "suspended":
		s.Outcome = broker.DeadLetter
		s.Reason = amqp.Text(r.body.Get("deadletter-reason"))
		s.Description = amqp.Text(r.body.Get("deadletter-description"))
	default:
		return badRequest("The disposition status '" + status + "' is unknown.")
	}
	if err := m.queue.Settle(lockTokens(r), s); err != nil {
		return refusal(err)
	}
	return ok(nil)
}

func (m *management) renewSession(r *request) response {
	id := m.session(r)
	if id == nil {
		return badRequest("session-id is missing.")
	}
	until, err := m.queue.RenewSession(*id)
	if err != nil {
		return refusal(err)
	}
	return ok(amqp.Map{{Key: "expiration", Value: until}})
}

func (m *management) sessionState(r *request) response {
	id := m.session(r)
	if id == nil {
		return badRequest("session-id is missing.")
	}
	var state any
	if s := m.queue.SessionState(*id); s != nil {
		state = s
	}
	return ok(amqp.Map{{Key: "session-state", Value: state}})
}

func (m *management) setSessionState(r *request) response {
	id := m.session(r)
	if id == nil {
		return badRequest("session-id is missing.")
	}
	state, _ := r.body.Get("session-state").([]byte)
	if err := m.queue.SetSessionState(*id, state); err != nil {
		return refusal(err)
	}
	return ok(nil)
}

// sessions lists sessions; a time later than .NET's last one asks for all.
func (m *management) sessions(r *request) response {
	skip, _ := amqp.Integer(r.body.Get("skip"))
	top, _ := amqp.Integer(r.body.Get("top"))
	after, isTime := r.body.Get("last-updated-time").(time.Time)
	var updatedAfter *time.Time
	if isTime && after.Year() <= 9998 {
		updatedAfter = &after
	}
	ids := m.queue.Sessions(updatedAfter, int(skip), int(top))
	if len(ids) == 0 {
		return noContent()
	}
	return ok(amqp.Map{{Key: "skip", Value: int32(skip) + int32(len(ids))}, {Key: "sessions-ids", Value: ids}})
}
