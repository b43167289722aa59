package tables

import (
	"maps"
	"strings"
	"time"
)

type verb int

const (
	insert verb = iota
	replace
	merge
	remove
)

// change is one write to one row.
type change struct {
	verb       verb
	key        key
	ifMatch    string // an ETag, "*", or nothing: then replace and merge also insert
	properties map[string]any
}

// outcome decides what the row becomes; nil means that it goes. It changes nothing.
func (c change) outcome(current *Entity, written time.Time) (*Entity, error) {
	if err := c.precondition(current); err != nil {
		return nil, err
	}
	if c.verb == remove {
		return nil, nil
	}
	properties := c.properties
	if c.verb == merge && current != nil {
		properties = maps.Clone(current.Properties)
		maps.Copy(properties, c.properties)
	}
	next := newEntity(c.key, properties, written)
	return next, next.check()
}

func (c change) precondition(current *Entity) error {
	switch {
	case c.verb == insert:
		if current != nil {
			return errEntityAlreadyExists
		}
	case c.ifMatch == "":
	case current == nil:
		return errResourceNotFound
	case c.ifMatch != "*" && c.ifMatch != current.ETag:
		return errUpdateConditionNotSatisfied
	}
	return nil
}

// check reports what is wrong with the change whatever the row holds.
func (c change) check() error {
	if c.verb == remove && c.ifMatch == "" {
		return errMissingRequiredHeader
	}
	weak := strings.HasPrefix(c.ifMatch, `W/"`) && strings.HasSuffix(c.ifMatch, `"`) && len(c.ifMatch) > 3
	if c.ifMatch != "" && c.ifMatch != "*" && !weak {
		return invalidETag(c.ifMatch)
	}
	return c.key.check()
}
