package api

import (
	"encoding/json"
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const day = 24 * time.Hour

// longest is above every limit of a policy, and so small that no sum of
// durations overflows.
const longest = 10_000 * day

// hours is a duration that JSON shows as a decimal number of hours.
type hours time.Duration

// days is a duration that JSON shows as a decimal number of days.
type days time.Duration

var (
	_ huma.SchemaProvider = hours(0)
	_ huma.SchemaProvider = days(0)
)

func (h hours) duration() time.Duration { return time.Duration(h) }
func (d days) duration() time.Duration  { return time.Duration(d) }

func (h hours) MarshalJSON() ([]byte, error) { return marshalDuration(time.Duration(h), time.Hour) }
func (d days) MarshalJSON() ([]byte, error)  { return marshalDuration(time.Duration(d), day) }

func (h *hours) UnmarshalJSON(text []byte) error {
	return unmarshalDuration(text, time.Hour, (*time.Duration)(h))
}

func (d *days) UnmarshalJSON(text []byte) error {
	return unmarshalDuration(text, day, (*time.Duration)(d))
}

// Schema implements huma.SchemaProvider.
func (hours) Schema(huma.Registry) *huma.Schema { return durationSchema(time.Hour) }

// Schema implements huma.SchemaProvider.
func (days) Schema(huma.Registry) *huma.Schema { return durationSchema(day) }

func durationSchema(unit time.Duration) *huma.Schema {
	low, high := 0.0, float64(longest/unit)
	return &huma.Schema{Type: huma.TypeNumber, Minimum: &low, Maximum: &high}
}

// marshalDuration divides, which a float64 rounds to the nearest decimal: what
// was given with 15 digits or less comes back digit by digit.
func marshalDuration(d, unit time.Duration) ([]byte, error) {
	return json.Marshal(float64(d) / float64(unit))
}

// unmarshalDuration leaves what is null as it is, so that it keeps its default.
func unmarshalDuration(text []byte, unit time.Duration, d *time.Duration) error {
	var number *float64
	if err := json.Unmarshal(text, &number); err != nil || number == nil {
		return err
	}
	nanoseconds := math.Round(*number * float64(unit))
	*d = time.Duration(min(max(nanoseconds, -float64(longest)), float64(longest)))
	return nil
}
