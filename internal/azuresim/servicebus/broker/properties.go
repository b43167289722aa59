package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

// Status of an entity; empty means active.
const (
	StatusActive          = "Active"
	StatusDisabled        = "Disabled"
	StatusSendDisabled    = "SendDisabled"
	StatusReceiveDisabled = "ReceiveDisabled"
)

// QueueProperties describe a queue or a subscription. The zero value of a field
// means the service's default.
// https://learn.microsoft.com/rest/api/servicebus/queues
type QueueProperties struct {
	LockDuration               time.Duration // default 1 min
	DefaultTimeToLive          time.Duration // default forever
	DuplicateWindow            time.Duration // default 10 min
	AutoDeleteOnIdle           time.Duration // kept, without effect
	MaxDeliveryCount           int32         // default 10
	RequiresSession            bool
	RequiresDuplicateDetection bool // queues only
	DeadLetterOnExpiration     bool
	Status                     string
	UserMetadata               string
}

// TopicProperties describe a topic.
// https://learn.microsoft.com/rest/api/servicebus/topics
type TopicProperties struct {
	DefaultTimeToLive          time.Duration
	DuplicateWindow            time.Duration
	AutoDeleteOnIdle           time.Duration
	RequiresDuplicateDetection bool
	SupportOrdering            bool
	Status                     string
	UserMetadata               string
}

// Limits of https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas.
const (
	minLock, maxLock           = 5 * time.Second, 5 * time.Minute
	minWindow, maxWindow       = 20 * time.Second, 7 * 24 * time.Hour
	minTTL                     = time.Second
	maxDeliveries        int32 = 2000
)

func (p QueueProperties) withDefaults() QueueProperties {
	p.LockDuration = orElse(p.LockDuration, time.Minute)
	p.DefaultTimeToLive = orElse(p.DefaultTimeToLive, iso8601.Forever)
	p.DuplicateWindow = orElse(p.DuplicateWindow, 10*time.Minute)
	p.AutoDeleteOnIdle = orElse(p.AutoDeleteOnIdle, iso8601.Forever)
	p.MaxDeliveryCount = orElse(p.MaxDeliveryCount, 10)
	p.Status = orElse(p.Status, StatusActive)
	return p
}

func (p TopicProperties) withDefaults() TopicProperties {
	p.DefaultTimeToLive = orElse(p.DefaultTimeToLive, iso8601.Forever)
	p.DuplicateWindow = orElse(p.DuplicateWindow, 10*time.Minute)
	p.AutoDeleteOnIdle = orElse(p.AutoDeleteOnIdle, iso8601.Forever)
	p.Status = orElse(p.Status, StatusActive)
	return p
}

func orElse[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Validate reports everything that the service would refuse.
func (p QueueProperties) Validate() error {
	p = p.withDefaults()
	errs := []error{
		within("LockDuration", p.LockDuration, minLock, maxLock),
		within("DefaultMessageTimeToLive", p.DefaultTimeToLive, minTTL, iso8601.Forever),
		within("DuplicateDetectionHistoryTimeWindow", p.DuplicateWindow, minWindow, maxWindow),
		knownStatus(p.Status),
	}
	if p.MaxDeliveryCount < 1 || p.MaxDeliveryCount > maxDeliveries {
		errs = append(errs, fmt.Errorf("MaxDeliveryCount %d is not within 1 and %d", p.MaxDeliveryCount, maxDeliveries))
	}
	return errors.Join(errs...)
}

// Validate reports everything that the service would refuse.
func (p TopicProperties) Validate() error {
	p = p.withDefaults()
	return errors.Join(
		within("DefaultMessageTimeToLive", p.DefaultTimeToLive, minTTL, iso8601.Forever),
		within("DuplicateDetectionHistoryTimeWindow", p.DuplicateWindow, minWindow, maxWindow),
		knownStatus(p.Status),
	)
}

func within(name string, d, low, high time.Duration) error {
	if d < low || d > high {
		return fmt.Errorf("%s %s is not within %s and %s", name, iso8601.Format(d), iso8601.Format(low), iso8601.Format(high))
	}
	return nil
}

func knownStatus(status string) error {
	switch status {
	case StatusActive, StatusDisabled, StatusSendDisabled, StatusReceiveDisabled:
		return nil
	}
	return fmt.Errorf("Status %q is unknown", status)
}

func maySend(status string) bool    { return status == StatusActive || status == StatusReceiveDisabled }
func mayReceive(status string) bool { return status == StatusActive || status == StatusSendDisabled }
