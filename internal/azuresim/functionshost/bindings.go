package functionshost

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
func readHTTPTrigger(raw json.RawMessage, name string) (*httpTrigger, error) {
	var wire struct {
		Type, Name, Direction, AuthLevel string

		Route   *string
		Methods []string
	}
	if err := decodeStrictly(raw, &wire); err != nil {
		return nil, err
	}
	if !strings.EqualFold(wire.AuthLevel, "anonymous") {
		return nil, fmt.Errorf("authLevel %q: function keys are not simulated, use \"anonymous\"", wire.AuthLevel)
	}
	trigger := &httpTrigger{route: name}
	if wire.Route != nil {
		trigger.route = *wire.Route
	}
	for _, method := range wire.Methods {
		trigger.methods = append(trigger.methods, strings.ToUpper(method))
	}
	return trigger, nil
}

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
func readTimerTrigger(raw json.RawMessage, s settings) (*timerTrigger, error) {
	var wire struct {
		Type, Name, Direction, Schedule string

		RunOnStartup bool
		UseMonitor   *bool
	}
	if err := decodeStrictly(raw, &wire); err != nil {
		return nil, err
	}
	expression, err := s.resolve(wire.Schedule)
	if err != nil {
		return nil, err
	}
	parsed, err := parseSchedule(expression)
	if err != nil {
		return nil, err
	}
	monitored := wire.UseMonitor == nil || *wire.UseMonitor
	return &timerTrigger{
		schedule:     parsed,
		runOnStartup: wire.RunOnStartup,
		useMonitor:   monitored && !frequent(parsed),
	}, nil
}

// frequent says whether a schedule comes more often than once a minute: then the
// host keeps no status, whatever useMonitor says.
func frequent(s schedule) bool {
	first := s.next(time.Unix(0, 0).UTC())
	return s.next(first).Sub(first) < time.Minute
}

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger
func readServiceBusTrigger(raw json.RawMessage, s settings) (*serviceBusTrigger, error) {
	var wire struct {
		Type, Name, Direction, QueueName, TopicName, SubscriptionName, Connection, DataType, AccessRights, Cardinality string

		IsSessionsEnabled bool
	}
	if err := decodeStrictly(raw, &wire); err != nil {
		return nil, err
	}
	if wire.IsSessionsEnabled {
		return nil, errors.New("isSessionsEnabled: sessions are not simulated")
	}
	if wire.Cardinality != "" && wire.Cardinality != "one" {
		return nil, errors.New("cardinality: batches are not simulated")
	}
	if wire.DataType != "" && wire.DataType != "string" && wire.DataType != "binary" {
		return nil, fmt.Errorf("dataType %q is neither \"string\" nor \"binary\"", wire.DataType)
	}
	if (wire.QueueName == "") == (wire.TopicName == "") || (wire.TopicName == "") != (wire.SubscriptionName == "") {
		return nil, errors.New("either queueName or topicName and subscriptionName are needed")
	}
	if wire.Connection == "" {
		wire.Connection = "ServiceBus"
	}
	return resolveServiceBus(serviceBusTrigger{
		queue: wire.QueueName, topic: wire.TopicName, subscription: wire.SubscriptionName,
		connection: wire.Connection, binary: wire.DataType == "binary",
	}, s)
}

func resolveServiceBus(t serviceBusTrigger, s settings) (*serviceBusTrigger, error) {
	var mistakes []error
	for _, property := range []*string{&t.queue, &t.topic, &t.subscription} {
		resolved, err := s.resolve(*property)
		*property, mistakes = resolved, append(mistakes, err)
	}
	name, err := s.resolve(t.connection)
	if err != nil {
		return nil, err
	}
	t.connection, err = s.connection(name)
	return &t, errors.Join(append(mistakes, err)...)
}
