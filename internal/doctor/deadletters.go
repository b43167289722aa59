package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// DeadLetters counts the messages that were given up, by the entity of the bus: a
// queue's name, or topic/subscription. Errors are Faults.
type DeadLetters interface {
	DeadLettered(ctx context.Context) (map[string]int64, error)
}

func (d *Doctor) deadLetters(ctx context.Context, _ Installation) ([]rotation.Finding, error) {
	counts, err := d.DeadLetters.DeadLettered(ctx)
	return judgeDeadLetters(counts), err
}

func judgeDeadLetters(counts map[string]int64) (found []rotation.Finding) {
	for _, entity := range slices.Sorted(maps.Keys(counts)) {
		if counts[entity] <= 0 {
			continue
		}
		found = append(found, rotation.Finding{
			Subject: entity, Severity: rotation.SeverityWarning,
			Finding: fmt.Sprintf("messages of %s were given up and lie in its dead-letter queue: %d", entity, counts[entity]),
			Remedy:  "read why at /api/deadletters, put that right, and replay or discard them",
		})
	}
	return found
}
