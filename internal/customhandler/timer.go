package customhandler

import (
	"encoding/json"
	"fmt"
	"time"
)

// Timer is one tick of a timerTrigger. Last and Next are zero without useMonitor,
// Last also on the first tick of all.
type Timer struct {
	PastDue bool
	Last    time.Time
	Next    time.Time
}

// Timer reads the call of a timerTrigger.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
func (in Invocation) Timer() (Timer, error) {
	value, err := in.trigger()
	if err != nil {
		return Timer{}, fmt.Errorf("customhandler: read timer of function %q: %w", in.Function, err)
	}
	var wire struct {
		IsPastDue      bool
		ScheduleStatus struct{ Last, Next json.RawMessage }
	}
	if err := json.Unmarshal(document(value), &wire); err != nil {
		return Timer{}, fmt.Errorf("customhandler: read timer of function %q: must be a JSON object: %w", in.Function, unreadable(err))
	}
	return Timer{
		PastDue: wire.IsPastDue,
		Last:    instant(wire.ScheduleStatus.Last),
		Next:    instant(wire.ScheduleStatus.Next),
	}, nil
}
