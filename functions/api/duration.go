package api

import (
	"encoding/json"
	"math"
	"strconv"
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

// marshalDuration writes the shortest decimal that is read as the same duration.
// Plain division would not do: 41.729339 days would come back as
// 41.72933900000001.
func marshalDuration(d, unit time.Duration) ([]byte, error) {
	exact := float64(d) / float64(unit)
	for digits := 15; digits < 17; digits++ {
		number, err := strconv.ParseFloat(strconv.FormatFloat(exact, 'g', digits, 64), 64)
		if err == nil && times(number, unit) == d {
			return json.Marshal(number)
		}
	}
	return json.Marshal(exact)
}

// unmarshalDuration leaves what is null as it is, so that it keeps its default.
func unmarshalDuration(text []byte, unit time.Duration, d *time.Duration) error {
	var number *float64
	if err := json.Unmarshal(text, &number); err != nil || number == nil {
		return err
	}
	*d = times(*number, unit)
	return nil
}

// times multiplies, to the nearest nanosecond and not beyond the longest duration.
func times(number float64, unit time.Duration) time.Duration {
	nanoseconds := math.Round(number * float64(unit))
	return time.Duration(min(max(nanoseconds, -float64(longest)), float64(longest)))
}
