package servicebus

import (
	"encoding/json"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// DecodeLifecycle reads a message of the topic "lifecycle".
func DecodeLifecycle(body []byte) (event rotation.Event, err error) {
	envelope, err := Decode(body)
	if err != nil {
		return event, err
	}
	if err := json.Unmarshal(envelope.Data, &event); err != nil {
		return event, fmt.Errorf("data: %w", err)
	}
	switch {
	case event.ID == "":
		return event, fmt.Errorf("data.id: must name what happened")
	case string(event.Type) != envelope.Type:
		return event, fmt.Errorf("data.type: must be that of the message, %q", envelope.Type)
	}
	return event, nil
}
