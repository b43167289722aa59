package functionshost

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestScheduleNext(t *testing.T) {
	after := time.Date(2026, 2, 27, 23, 59, 30, 5, time.UTC) // a Friday
	for name, c := range map[string]struct{ expression, want string }{
		"every second":                    {"* * * * * *", "2026-02-27T23:59:31Z"},
		"every five minutes":              {"0 */5 * * * *", "2026-02-28T00:00:00Z"},
		"five fields have no seconds":     {"*/5 * * * *", "2026-02-28T00:00:00Z"},
		"a step within a range":           {"0 0 9-17/4 * * *", "2026-02-28T09:00:00Z"},
		"a step from a value on":          {"0 50/3 * * * *", "2026-02-28T00:50:00Z"},
		"a list":                          {"10,40 59 23 * * *", "2026-02-27T23:59:40Z"},
		"a list of ranges":                {"0 0 1-2,20-22 * * *", "2026-02-28T01:00:00Z"},
		"a range the wrong way round":     {"0 0 5-3 * * *", "2026-02-28T03:00:00Z"},
		"a weekday by number":             {"0 0 0 * * 1", "2026-03-02T00:00:00Z"},
		"weekdays by name":                {"0 30 9 * * mon-FRI", "2026-03-02T09:30:00Z"},
		"a whole name":                    {"0 30 9 * * Sunday", "2026-03-01T09:30:00Z"},
		"a month by name":                 {"0 0 0 1 jan *", "2027-01-01T00:00:00Z"},
		"the end of a month":              {"0 0 0 31 * *", "2026-03-31T00:00:00Z"},
		"a leap day":                      {"0 0 0 29 2 *", "2028-02-29T00:00:00Z"},
		"day and weekday both must match": {"0 0 0 13 * fri", "2026-03-13T00:00:00Z"},
		"a time span":                     {"00:05:00", "2026-02-28T00:04:30.000000005Z"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := parseSchedule(c.expression)
			require.NoError(t, err)
			assert.Equal(t, c.want, s.next(after).Format(time.RFC3339Nano))
		})
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for name, c := range map[string]struct{ expression, want string }{
		"nothing":                 {"", `schedule "": six fields or a time span expected`},
		"four fields":             {"* * * *", `schedule "* * * *": six fields or a time span expected`},
		"too large a value":       {"60 * * * * *", `schedule "60 * * * * *": second: "60" is not a value from 0 to 59`},
		"weekday seven":           {"0 0 0 * * 7", `schedule "0 0 0 * * 7": weekday: "7" is not a value from 0 to 6`},
		"too short a name":        {"0 0 0 * ja *", `schedule "0 0 0 * ja *": month: "ja" is not a value from 1 to 12`},
		"a step of nothing":       {"*/0 * * * * *", `schedule "*/0 * * * * *": second: "*/0": a step must be a positive number`},
		"a date that never comes": {"0 0 0 30 feb *", `schedule "0 0 0 30 feb *" never comes`},
		"no time span":            {"often", `"often" is not a time span`},
		"no time":                 {"00:00:00", `time span "00:00:00" is not positive`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSchedule(c.expression)
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestParseTimeSpan(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want time.Duration
	}{
		"minutes":                        {"00:05:00", 5 * time.Minute},
		"a fraction":                     {"00:00:00.25", 250 * time.Millisecond},
		"days":                           {"1.02:00:00", 26 * time.Hour},
		"hours beyond a day are days":    {"24:00:00", 24 * 24 * time.Hour},
		"with hours in place of minutes": {"25:06:07", 25*24*time.Hour + 6*time.Hour + 7*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseTimeSpan(c.text)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for _, wrong := range []string{"", "5", "00:60:00", "00:00:60", "-1:00:00", "00:00:NaN", "999999.00:00:00"} {
		_, err := parseTimeSpan(wrong)
		assert.Error(t, err, wrong)
	}
}

// FuzzSchedule: what is accepted comes again and again, always later.
func FuzzSchedule(f *testing.F) {
	f.Add("0 */5 9-17 1,15 jan-mar mon", int64(1_700_000_000))
	f.Add("1.00:00:00", int64(0))
	f.Fuzz(func(t *testing.T, expression string, seconds int64) {
		s, err := parseSchedule(expression)
		if err != nil {
			return
		}
		at := time.Unix(seconds%4_000_000_000, 0).UTC()
		first := s.next(at)
		if first.IsZero() {
			return // in 2100 there are twelve years between two leap days
		}
		assert.True(t, first.After(at))
	})
}

// FuzzPaths: a forwarded path is always absolute, and can be sent.
func FuzzPaths(f *testing.F) {
	f.Add("/api/..%5Crotate")
	f.Add("//a/./%2e%2E/%zz?#")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		decoded, err := kestrelPath(raw)
		if err != nil {
			return
		}
		forwarded := absolutePath(decoded)
		assert.Regexp(t, `^/[!-~]*$`, forwarded)
		assert.NotRegexp(t, `/\.\.?(/|$)`, forwarded)
	})
}
