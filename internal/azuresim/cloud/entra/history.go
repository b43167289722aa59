package entra

import (
	"strings"
	"time"
)

// remembered is how far back a replica can be asked to look; it is more than any
// replica lags.
const remembered = time.Hour

// history is one object as it changed, so that a replica can be shown as it lags.
type history[T any] struct {
	versions []version[T]
}

// version is the object from a time on; nil means that it does not exist.
type version[T any] struct {
	at       time.Time
	sequence uint64
	value    *T
}

// put adds the newest version and forgets those that nobody can still see.
func (h *history[T]) put(v version[T]) {
	for len(h.versions) > 1 && h.versions[1].at.Before(v.at.Add(-remembered)) {
		h.versions = h.versions[1:]
	}
	h.versions = append(h.versions, v)
}

// asOf returns the version that was the newest at a time.
func (h *history[T]) asOf(t time.Time) (v version[T], existed bool) {
	if h == nil {
		return v, false
	}
	for i := len(h.versions) - 1; i >= 0; i-- {
		if !h.versions[i].at.After(t) {
			return h.versions[i], true
		}
	}
	return v, false
}

// get returns the object as it was at a time.
func (h *history[T]) get(t time.Time) (object T, exists bool) {
	v, existed := h.asOf(t)
	if !existed || v.value == nil {
		return object, false
	}
	return *v.value, true
}

// table holds the objects of one kind by object id, in order of creation.
type table[T any] struct {
	histories map[string]*history[T]
	order     []string
	appIDs    map[string]string
}

func newTable[T any]() table[T] {
	return table[T]{histories: map[string]*history[T]{}, appIDs: map[string]string{}}
}

// put adds a version; without an app id the object keeps the one it has.
func (t *table[T]) put(id, appID string, v version[T]) {
	if t.histories[id] == nil {
		t.histories[id] = &history[T]{}
		t.order = append(t.order, id)
	}
	if appID != "" {
		t.appIDs[strings.ToLower(appID)] = id
	}
	t.histories[id].put(v)
}

func (t *table[T]) byAppID(appID string) *history[T] {
	return t.histories[t.appIDs[strings.ToLower(appID)]]
}

func (t *table[T]) list(at time.Time) []T {
	objects := make([]T, 0, len(t.order))
	for _, id := range t.order {
		if object, exists := t.histories[id].get(at); exists {
			objects = append(objects, object)
		}
	}
	return objects
}
