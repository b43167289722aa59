package servicebus

import (
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// request is a message to $cbs or to an entity's $management.
type request struct {
	message    *amqp.Message
	operation  string
	properties amqp.Map
	body       amqp.Map // empty if the body is no map
}

// response is the answer to a request; status codes are those of HTTP.
type response struct {
	code      int32
	text      string
	condition string // of an error
	body      any
}

func ok(body any) response { return response{code: 200, text: "OK", body: body} }

func noContent() response { return response{code: 204, text: "No Content"} }

// refusal translates an error of the broker. The clients tell a lost lock by 410
// and what does not exist by 404.
func refusal(err *amqp.Error) response {
	r := response{code: 400, text: err.Description, condition: err.Condition}
	switch err.Condition {
	case broker.CondLockLost, broker.CondSessionLockLost:
		r.code = 410
	case broker.CondNotFound, broker.CondMessageNotFound:
		r.code = 404
	case broker.CondEntityDisabled:
		r.code = 403
	}
	return r
}

// attachRequests attaches one of the two links of a request-response pair.
func (s *session) attachRequests(a *amqp.Attach, address string) *amqp.Error {
	if a.Role == amqp.RoleReceiver {
		if err := s.conn.checkManagement(address); err != nil {
			return err
		}
		s.respond(a)
		return nil
	}
	answer, err := s.conn.answerer(address)
	if err != nil {
		return err
	}
	var send func()
	l := s.produce(a, func(message []byte, _ uint32) (refused *amqp.Error) {
		send, refused = s.conn.request(message, answer)
		return refused
	})
	l.afterward = func() { // the client expects its request settled before the answer
		if send != nil {
			send()
		}
	}
	return nil
}

func (c *connection) checkManagement(address string) *amqp.Error {
	_, err := c.answerer(address)
	return err
}

// answerer returns what answers the requests to an address.
func (c *connection) answerer(address string) (func(*request) response, *amqp.Error) {
	if address == cbsAddress {
		return c.putToken, nil
	}
	path := strings.TrimSuffix(address, managementSuffix)
	m := &management{conn: c, queue: c.namespace.broker.Queue(path), topic: c.namespace.broker.Topic(path)}
	if m.queue == nil && m.topic == nil {
		return nil, notFound(path)
	}
	return m.answer, nil
}

// request answers a request. What it returns sends the answer.
func (c *connection) request(encoded []byte, answer func(*request) response) (send func(), refused *amqp.Error) {
	m, err := amqp.ParseMessage(encoded)
	if err != nil {
		return nil, &amqp.Error{Condition: "amqp:decode-error", Description: err.Error()}
	}
	replyTo := m.Property(amqp.PropertyReplyTo)
	to := c.responses[replyTo]
	if to == nil {
		return nil, &amqp.Error{Condition: broker.CondNotFound, Description: fmt.Sprintf("The reply-to address '%s' has no link.", replyTo)}
	}
	r := &request{message: m, properties: m.Application(), operation: amqp.Text(m.Application().Get(operationProperty))}
	r.body, _ = m.Value().(amqp.Map)
	reply := answer(r)
	return func() { to.send(reply.encode(m.Properties.At(amqp.PropertyMessageID))) }, nil
}

// encode writes the names of both conventions: clients look for either.
func (r response) encode(requestID any) []byte {
	properties := amqp.Map{
		{Key: "statusCode", Value: r.code}, {Key: "statusDescription", Value: r.text},
		{Key: "status-code", Value: r.code}, {Key: "status-description", Value: r.text},
	}
	if r.condition != "" {
		condition := amqp.Symbol(r.condition)
		properties = append(properties, amqp.Entry{Key: "errorCondition", Value: condition}, amqp.Entry{Key: "error-condition", Value: condition})
	}
	return amqp.AppendResponse(nil, requestID, properties, r.body)
}

// responder brings answers to a client. The reader's goroutine owns it.
type responder struct {
	session *session
	handle  uint32
	names   []string // under which requests ask for it
	sent    uint32
	limit   uint32
	backlog [][]byte
}

// respond attaches the link for answers. Requests name it by the address of its
// target, those of the JavaScript client by its name.
func (s *session) respond(a *amqp.Attach) {
	l := &responder{session: s, handle: a.Handle, names: []string{a.Name}}
	if a.Target != nil && a.Target.Address != "" {
		l.names = append(l.names, a.Target.Address)
	}
	for _, name := range l.names {
		s.conn.responses[name] = l
	}
	s.links[a.Handle] = l
	s.accept(a, a.Source, nil)
}

func (l *responder) flow(f *amqp.Flow) {
	if f.LinkCredit == nil {
		return
	}
	l.limit = *f.LinkCredit
	if f.DeliveryCount != nil {
		l.limit += *f.DeliveryCount
	}
	l.flush()
	if f.Drain {
		l.sent = l.limit
	}
	if f.Drain || f.Echo {
		answer, credit := l.session.windows(), l.limit-l.sent
		answer.Handle, answer.DeliveryCount, answer.LinkCredit, answer.Drain = &l.handle, &l.sent, &credit, f.Drain
		l.session.write(answer, nil)
	}
}

func (l *responder) send(message []byte) {
	l.backlog = append(l.backlog, message)
	l.flush()
}

func (l *responder) flush() {
	for len(l.backlog) > 0 && int32(l.limit-l.sent) > 0 {
		l.session.send(l.handle, amqp.UUID{}, l.backlog[0], nil, amqp.UUID{})
		l.backlog = l.backlog[1:]
		l.sent++
	}
}

func (l *responder) transfer(*amqp.Transfer, []byte) error {
	return fmt.Errorf("transfer on the receiving link %d", l.handle)
}

func (l *responder) close() {
	for _, name := range l.names {
		if l.session.conn.responses[name] == l {
			delete(l.session.conn.responses, name)
		}
	}
}
