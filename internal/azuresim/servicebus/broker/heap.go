package broker

import "container/heap"

// indexedHeap is a heap whose items know their place, so that any can be taken
// out. position points at an item's place, counted from 1; 0 = not in the heap.
type indexedHeap[T any] struct {
	items    []T
	less     func(a, b T) bool
	position func(T) *int
}

func (h *indexedHeap[T]) Len() int           { return len(h.items) }
func (h *indexedHeap[T]) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }

func (h *indexedHeap[T]) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.position(h.items[i]), *h.position(h.items[j]) = i+1, j+1
}

// Push is for container/heap alone; put adds an item.
func (h *indexedHeap[T]) Push(x any) {
	item := x.(T)
	h.items = append(h.items, item)
	*h.position(item) = len(h.items)
}

// Pop is for container/heap alone; remove takes an item out.
func (h *indexedHeap[T]) Pop() any {
	last := len(h.items) - 1
	item := h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	*h.position(item) = 0
	return item
}

// put adds the item, or finds its new place after its order changed.
func (h *indexedHeap[T]) put(item T) {
	if at := *h.position(item); at > 0 {
		heap.Fix(h, at-1)
		return
	}
	heap.Push(h, item)
}

func (h *indexedHeap[T]) remove(item T) {
	if at := *h.position(item); at > 0 {
		heap.Remove(h, at-1)
	}
}

func (h *indexedHeap[T]) first() (item T, ok bool) {
	if len(h.items) == 0 {
		return item, false
	}
	return h.items[0], true
}
