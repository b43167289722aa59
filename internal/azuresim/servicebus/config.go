package servicebus

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Config is the official emulator's Config.json,
// https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator.
// ParseConfig makes one.
type Config struct {
	UserConfig userConfig
}

type userConfig struct {
	Namespaces []namespaceConfig
	Logging    struct{ Type string }
}

type namespaceConfig struct {
	Name   string
	Queues []queueConfig
	Topics []topicConfig
}

type queueConfig struct {
	Name       string
	Properties queueProperties
}

type queueProperties struct {
	DeadLetteringOnMessageExpiration    bool
	DefaultMessageTimeToLive            string
	DuplicateDetectionHistoryTimeWindow string
	ForwardDeadLetteredMessagesTo       string
	ForwardTo                           string
	LockDuration                        string
	MaxDeliveryCount                    int32
	RequiresDuplicateDetection          bool
	RequiresSession                     bool
}

type topicConfig struct {
	Name          string
	Properties    topicProperties
	Subscriptions []subscriptionConfig
}

type topicProperties struct {
	DefaultMessageTimeToLive            string
	DuplicateDetectionHistoryTimeWindow string
	RequiresDuplicateDetection          bool
}

type subscriptionConfig struct {
	Name       string
	Properties subscriptionProperties
	Rules      []ruleConfig
}

type subscriptionProperties struct {
	DeadLetteringOnMessageExpiration bool
	DefaultMessageTimeToLive         string
	ForwardDeadLetteredMessagesTo    string
	ForwardTo                        string
	LockDuration                     string
	MaxDeliveryCount                 int32
	RequiresSession                  bool
}

type ruleConfig struct {
	Name       string
	Properties ruleProperties
}

type ruleProperties struct {
	FilterType        string
	CorrelationFilter *correlationConfig
	SqlFilter         *sqlConfig
	Action            *sqlConfig
}

type correlationConfig struct {
	ContentType      *string
	CorrelationId    *string
	Label            *string
	MessageId        *string
	ReplyTo          *string
	ReplyToSessionId *string
	SessionId        *string
	To               *string
	Properties       map[string]string
}

type sqlConfig struct{ SqlExpression string }

// ParseConfig reads a Config.json. Whatever the service would not take, and every
// name that the format does not have, is reported, all of it together.
func ParseConfig(data []byte) (Config, error) {
	var cfg Config
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return Config{}, fmt.Errorf("servicebus: config: %w", err)
	}
	errs := unknownNames("", raw, reflect.TypeFor[Config]())
	if err := json.Unmarshal(data, &cfg); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, cfg.validate()...)
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("servicebus: config: %w", err)
	}
	return cfg, nil
}

// unknownNames walks a JSON value along the Go type that it is read into.
func unknownNames(at string, value any, t reflect.Type) (errs []error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if members, isList := value.([]any); isList && t.Kind() == reflect.Slice {
		for i, member := range members {
			errs = append(errs, unknownNames(fmt.Sprintf("%s[%d]", at, i), member, t.Elem())...)
		}
		return errs
	}
	object, isObject := value.(map[string]any)
	if !isObject || t.Kind() != reflect.Struct {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		path := strings.TrimPrefix(at+"."+name, ".")
		field, known := t.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
		if !known {
			errs = append(errs, fmt.Errorf("%s: unknown name", path))
			continue
		}
		errs = append(errs, unknownNames(path, object[name], field.Type)...)
	}
	return errs
}

// name returns the namespace's name.
func (cfg Config) name() string {
	for _, n := range cfg.UserConfig.Namespaces {
		return n.Name
	}
	return "sbemulatorns"
}
