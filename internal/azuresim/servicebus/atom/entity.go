package atom

import (
	"encoding/xml"
	"errors"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// entity is a queue or a topic, or a name that is free for either.
type entity struct {
	h    *Handler
	name string
}

type queueList struct {
	readOnly
	*Handler
}

type topicList struct {
	readOnly
	*Handler
}

func (l queueList) get(r *http.Request) answer {
	var entries []*entry
	for _, q := range l.namespace.Queues() {
		entries = append(entries, queueEntry(q))
	}
	return page(r, "Queues", entries)
}

func (l topicList) get(r *http.Request) answer {
	var entries []*entry
	for _, t := range l.namespace.Topics() {
		entries = append(entries, topicEntry(t))
	}
	return page(r, "Topics", entries)
}

func queueEntry(q *broker.Queue) *entry {
	d := q.Describe()
	return newEntry(q.Path(), q.Path(), d.Created, d.Updated, describeQueue(q))
}

func topicEntry(t *broker.Topic) *entry {
	d := t.Describe()
	return newEntry(t.Path(), t.Path(), d.Created, d.Updated, describeTopic(t))
}

// queue returns the queue of that name; those of subscriptions and dead letters
// have addresses of their own.
func (e entity) queue() *broker.Queue {
	q := e.h.namespace.Queue(e.name)
	if q == nil || q.DeadLetters() == nil {
		return nil
	}
	return q
}

func (e entity) get(*http.Request) answer {
	if q := e.queue(); q != nil {
		return answer{status: http.StatusOK, entry: queueEntry(q)}
	}
	if t := e.h.namespace.Topic(e.name); t != nil {
		return answer{status: http.StatusOK, entry: topicEntry(t)}
	}
	return missing()
}

func (e entity) delete() answer {
	if q := e.queue(); q != nil {
		e.h.namespace.DeleteQueue(q)
		return answer{status: http.StatusOK}
	}
	if t := e.h.namespace.Topic(e.name); t != nil {
		e.h.namespace.DeleteTopic(t)
		return answer{status: http.StatusOK}
	}
	return refused(notFound(e.name))
}

func (e entity) put(body content, update bool) answer {
	if err := broker.CheckEntityName(e.name); err != nil {
		return refused(badRequest(err))
	}
	switch {
	case body.Queue != nil:
		return e.putQueue(body.Queue, update)
	case body.Topic != nil:
		return e.putTopic(body.Topic, update)
	}
	return refused(badRequest(errors.New("a queue or topic is expected here")))
}

func (e entity) putQueue(d *queueDescription, update bool) answer {
	p, err := d.properties()
	if err != nil {
		return refused(badRequest(err))
	}
	if update {
		q := e.queue()
		if q == nil {
			return refused(notFound(e.name))
		}
		return updated(q.Update(p), func() *entry { return queueEntry(q) })
	}
	q, created := e.h.namespace.CreateQueue(e.name, p)
	if !created {
		return refused(conflict())
	}
	return answer{status: http.StatusCreated, entry: queueEntry(q)}
}

func (e entity) putTopic(d *topicDescription, update bool) answer {
	p, err := d.properties()
	if err != nil {
		return refused(badRequest(err))
	}
	if update {
		t := e.h.namespace.Topic(e.name)
		if t == nil {
			return refused(notFound(e.name))
		}
		return updated(t.Update(p), func() *entry { return topicEntry(t) })
	}
	t, created := e.h.namespace.CreateTopic(e.name, p)
	if !created {
		return refused(conflict())
	}
	return answer{status: http.StatusCreated, entry: topicEntry(t)}
}

func updated(err *amqp.Error, describe func() *entry) answer {
	if err != nil {
		return refused(badRequest(errors.New(err.Description)))
	}
	return answer{status: http.StatusOK, entry: describe()}
}

// namespaceInfo describes the namespace itself.
type namespaceInfo struct {
	readOnly
	*Handler
}

type namespaceDescription struct {
	XMLName xml.Name `xml:"NamespaceInfo"`
	namespaces
	CreatedTime   string
	MessagingSKU  string
	ModifiedTime  string
	Name          string
	NamespaceType string
}

func (i namespaceInfo) get(*http.Request) answer {
	since := time.Unix(0, 0)
	return answer{status: http.StatusOK, entry: newEntry("$namespaceinfo", i.name, since, since, &namespaceDescription{
		namespaces: declared(), CreatedTime: stamp(since), ModifiedTime: stamp(since),
		MessagingSKU: "Standard", Name: i.name, NamespaceType: "Messaging",
	})}
}
