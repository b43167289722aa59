package atom

import (
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

// namespaces are declared by every description.
type namespaces struct {
	Default  string `xml:"xmlns,attr"`
	Instance string `xml:"xmlns:i,attr"`
}

func declared() namespaces { return namespaces{entityNamespace, schemaInstance} }

// counts are a queue's messages; the prefix is the one that the service writes
// and that the JavaScript client looks for.
type counts struct {
	Prefix             string `xml:"xmlns:d2p1,attr"`
	Active             int    `xml:"d2p1:ActiveMessageCount"`
	DeadLetter         int    `xml:"d2p1:DeadLetterMessageCount"`
	Scheduled          int    `xml:"d2p1:ScheduledMessageCount"`
	Transfer           int    `xml:"d2p1:TransferMessageCount"`
	TransferDeadLetter int    `xml:"d2p1:TransferDeadLetterMessageCount"`
}

// The orders of elements below are the service's, which its own clients keep.
type queueDescription struct {
	XMLName xml.Name `xml:"QueueDescription"`
	namespaces
	LockDuration                        string
	MaxSizeInMegabytes                  int32
	RequiresDuplicateDetection          bool
	RequiresSession                     bool
	DefaultMessageTimeToLive            string
	DeadLetteringOnMessageExpiration    bool
	DuplicateDetectionHistoryTimeWindow string
	MaxDeliveryCount                    int32
	EnableBatchedOperations             bool
	SizeInBytes                         int64
	MessageCount                        int64
	IsAnonymousAccessible               bool
	Status                              string
	ForwardTo                           string `xml:",omitempty"`
	UserMetadata                        string `xml:",omitempty"`
	CreatedAt                           string
	UpdatedAt                           string
	AccessedAt                          string
	SupportOrdering                     bool
	CountDetails                        *counts
	AutoDeleteOnIdle                    string
	EnablePartitioning                  bool
	EntityAvailabilityStatus            string
	ForwardDeadLetteredMessagesTo       string `xml:",omitempty"`
	EnableExpress                       bool
	MaxMessageSizeInKilobytes           int64
}

type topicDescription struct {
	XMLName xml.Name `xml:"TopicDescription"`
	namespaces
	DefaultMessageTimeToLive            string
	MaxSizeInMegabytes                  int32
	RequiresDuplicateDetection          bool
	DuplicateDetectionHistoryTimeWindow string
	EnableBatchedOperations             bool
	SizeInBytes                         int64
	FilteringMessagesBeforePublishing   bool
	IsAnonymousAccessible               bool
	Status                              string
	UserMetadata                        string `xml:",omitempty"`
	CreatedAt                           string
	UpdatedAt                           string
	AccessedAt                          string
	SupportOrdering                     bool
	CountDetails                        *counts
	SubscriptionCount                   int
	AutoDeleteOnIdle                    string
	EnablePartitioning                  bool
	EntityAvailabilityStatus            string
	EnableSubscriptionPartitioning      bool
	EnableExpress                       bool
	MaxMessageSizeInKilobytes           int64
}

type subscriptionDescription struct {
	XMLName xml.Name `xml:"SubscriptionDescription"`
	namespaces
	LockDuration                              string
	RequiresSession                           bool
	DefaultMessageTimeToLive                  string
	DeadLetteringOnMessageExpiration          bool
	DeadLetteringOnFilterEvaluationExceptions bool
	DefaultRuleDescription                    *ruleInput `xml:",omitempty"`
	MessageCount                              int64
	MaxDeliveryCount                          int32
	EnableBatchedOperations                   bool
	Status                                    string
	ForwardTo                                 string `xml:",omitempty"`
	CreatedAt                                 string
	UpdatedAt                                 string
	AccessedAt                                string
	UserMetadata                              string `xml:",omitempty"`
	CountDetails                              *counts
	AutoDeleteOnIdle                          string
	ForwardDeadLetteredMessagesTo             string `xml:",omitempty"`
	EntityAvailabilityStatus                  string
}

// Defaults that have no effect here.
const (
	defaultSizeMegabytes = 1024
	maxMessageKilobytes  = 256
	available            = "Available"
)

func countsOf(q *broker.Queue, own broker.Counts) (details *counts, total int64) {
	dead := q.DeadLetters().Describe().Counts
	sum := func(c broker.Counts) int { return c.Active + c.Locked + c.Deferred + c.Scheduled }
	return &counts{Prefix: countNamespace, Active: own.Active + own.Locked, DeadLetter: sum(dead), Scheduled: own.Scheduled},
		int64(sum(own) + sum(dead))
}

func describeQueue(q *broker.Queue) *queueDescription {
	d := q.Describe()
	details, total := countsOf(q, d.Counts)
	p := d.Properties
	return &queueDescription{
		namespaces: declared(), LockDuration: iso8601.Format(p.LockDuration), MaxSizeInMegabytes: defaultSizeMegabytes,
		RequiresDuplicateDetection: p.RequiresDuplicateDetection, RequiresSession: p.RequiresSession,
		DefaultMessageTimeToLive:            iso8601.Format(p.DefaultTimeToLive),
		DeadLetteringOnMessageExpiration:    p.DeadLetterOnExpiration,
		DuplicateDetectionHistoryTimeWindow: iso8601.Format(p.DuplicateWindow),
		MaxDeliveryCount:                    p.MaxDeliveryCount, EnableBatchedOperations: true, MessageCount: total,
		Status: p.Status, UserMetadata: p.UserMetadata, CreatedAt: stamp(d.Created), UpdatedAt: stamp(d.Updated), AccessedAt: stamp(d.Updated),
		SupportOrdering: true, CountDetails: details, AutoDeleteOnIdle: iso8601.Format(p.AutoDeleteOnIdle),
		EntityAvailabilityStatus: available, MaxMessageSizeInKilobytes: maxMessageKilobytes,
	}
}

func describeSubscription(q *broker.Queue) *subscriptionDescription {
	d := q.Describe()
	details, total := countsOf(q, d.Counts)
	p := d.Properties
	return &subscriptionDescription{
		namespaces: declared(), LockDuration: iso8601.Format(p.LockDuration), RequiresSession: p.RequiresSession,
		DefaultMessageTimeToLive:         iso8601.Format(p.DefaultTimeToLive),
		DeadLetteringOnMessageExpiration: p.DeadLetterOnExpiration, DeadLetteringOnFilterEvaluationExceptions: true,
		MessageCount: total, MaxDeliveryCount: p.MaxDeliveryCount, EnableBatchedOperations: true,
		Status: p.Status, UserMetadata: p.UserMetadata, CreatedAt: stamp(d.Created), UpdatedAt: stamp(d.Updated), AccessedAt: stamp(d.Updated),
		CountDetails: details, AutoDeleteOnIdle: iso8601.Format(p.AutoDeleteOnIdle), EntityAvailabilityStatus: available,
	}
}

func describeTopic(t *broker.Topic) *topicDescription {
	d := t.Describe()
	p := d.Properties
	return &topicDescription{
		namespaces: declared(), DefaultMessageTimeToLive: iso8601.Format(p.DefaultTimeToLive), MaxSizeInMegabytes: defaultSizeMegabytes,
		RequiresDuplicateDetection: p.RequiresDuplicateDetection, DuplicateDetectionHistoryTimeWindow: iso8601.Format(p.DuplicateWindow),
		EnableBatchedOperations: true, Status: p.Status, UserMetadata: p.UserMetadata,
		CreatedAt: stamp(d.Created), UpdatedAt: stamp(d.Updated), AccessedAt: stamp(d.Updated), SupportOrdering: p.SupportOrdering,
		CountDetails:      &counts{Prefix: countNamespace, Scheduled: d.Counts.Scheduled},
		SubscriptionCount: len(t.Subscriptions()), AutoDeleteOnIdle: iso8601.Format(p.AutoDeleteOnIdle),
		EntityAvailabilityStatus: available, MaxMessageSizeInKilobytes: maxMessageKilobytes,
	}
}

// reader turns texts into durations and remembers what was wrong.
type reader struct{ errs []error }

func (r *reader) duration(name, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := iso8601.Parse(text)
	if err == nil && d == 0 {
		err = errors.New("must be longer than zero")
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
	}
	return d
}

func (r *reader) noForwarding(names ...string) {
	for _, name := range names {
		if name != "" {
			r.errs = append(r.errs, fmt.Errorf("forwarding to %q: the simulated Service Bus does not forward", name))
		}
	}
}

func (d *queueDescription) properties() (broker.QueueProperties, error) {
	r := &reader{}
	r.noForwarding(d.ForwardTo, d.ForwardDeadLetteredMessagesTo)
	p := broker.QueueProperties{
		LockDuration:      r.duration("LockDuration", d.LockDuration),
		DefaultTimeToLive: r.duration("DefaultMessageTimeToLive", d.DefaultMessageTimeToLive),
		DuplicateWindow:   r.duration("DuplicateDetectionHistoryTimeWindow", d.DuplicateDetectionHistoryTimeWindow),
		AutoDeleteOnIdle:  r.duration("AutoDeleteOnIdle", d.AutoDeleteOnIdle),
		MaxDeliveryCount:  d.MaxDeliveryCount, RequiresSession: d.RequiresSession,
		RequiresDuplicateDetection: d.RequiresDuplicateDetection, DeadLetterOnExpiration: d.DeadLetteringOnMessageExpiration,
		Status: d.Status, UserMetadata: d.UserMetadata,
	}
	return p, errors.Join(append(r.errs, p.Validate())...)
}

func (d *subscriptionDescription) properties() (broker.QueueProperties, error) {
	q := queueDescription{
		LockDuration: d.LockDuration, RequiresSession: d.RequiresSession, DefaultMessageTimeToLive: d.DefaultMessageTimeToLive,
		DeadLetteringOnMessageExpiration: d.DeadLetteringOnMessageExpiration, MaxDeliveryCount: d.MaxDeliveryCount,
		AutoDeleteOnIdle: d.AutoDeleteOnIdle, Status: d.Status, UserMetadata: d.UserMetadata,
		ForwardTo: d.ForwardTo, ForwardDeadLetteredMessagesTo: d.ForwardDeadLetteredMessagesTo,
	}
	return q.properties()
}

func (d *topicDescription) properties() (broker.TopicProperties, error) {
	r := &reader{}
	p := broker.TopicProperties{
		DefaultTimeToLive:          r.duration("DefaultMessageTimeToLive", d.DefaultMessageTimeToLive),
		DuplicateWindow:            r.duration("DuplicateDetectionHistoryTimeWindow", d.DuplicateDetectionHistoryTimeWindow),
		AutoDeleteOnIdle:           r.duration("AutoDeleteOnIdle", d.AutoDeleteOnIdle),
		RequiresDuplicateDetection: d.RequiresDuplicateDetection, SupportOrdering: d.SupportOrdering,
		Status: d.Status, UserMetadata: d.UserMetadata,
	}
	return p, errors.Join(append(r.errs, p.Validate())...)
}
