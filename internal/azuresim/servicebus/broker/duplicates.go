package broker

import "time"

// history is the memory of duplicate detection: the message ids of the last
// window, scheduled messages included,
// https://learn.microsoft.com/azure/service-bus-messaging/duplicate-detection.
type history struct {
	seen  map[string]struct{}
	order []sighting
}

type sighting struct {
	id string
	at time.Time
}

// repeated reports whether the id was seen within the window, and remembers it.
func (h *history) repeated(id string, now time.Time, window time.Duration) bool {
	h.forget(now.Add(-window))
	if _, known := h.seen[id]; known {
		return true
	}
	if h.seen == nil {
		h.seen = map[string]struct{}{}
	}
	h.seen[id] = struct{}{}
	h.order = append(h.order, sighting{id, now})
	return false
}

func (h *history) forget(before time.Time) {
	old := 0
	for old < len(h.order) && !h.order[old].at.After(before) {
		delete(h.seen, h.order[old].id)
		old++
	}
	h.order = h.order[old:]
}
