package broker

import "sort"

// journal holds a queue's messages in the order of their sequence numbers,
// which only grow. Removed ones stay as gaps until they are the majority.
type journal struct {
	messages []*Message
	gaps     int
}

func (j *journal) append(m *Message) { j.messages = append(j.messages, m) }

// removed has to be called after m.stage became gone.
func (j *journal) removed() {
	j.gaps++
	if j.gaps <= len(j.messages)/2 {
		return
	}
	kept := make([]*Message, 0, len(j.messages)-j.gaps)
	for _, m := range j.messages {
		if m.stage != gone {
			kept = append(kept, m)
		}
	}
	j.messages, j.gaps = kept, 0
}

// from calls yield for every message from a sequence number on until it returns
// false.
func (j *journal) from(sequence int64, yield func(*Message) bool) {
	start := sort.Search(len(j.messages), func(i int) bool { return j.messages[i].sequence >= sequence })
	for _, m := range j.messages[start:] {
		if m.stage != gone && !yield(m) {
			return
		}
	}
}

// at returns the message with a sequence number, nil if there is none.
func (j *journal) at(sequence int64) (found *Message) {
	j.from(sequence, func(m *Message) bool {
		if m.sequence == sequence {
			found = m
		}
		return false
	})
	return found
}
