package rotation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return parsed
}

func TestAWindowOpens(t *testing.T) {
	night := rotation.Window{Days: []string{"saturday"}, From: "22:00", To: "04:00", TimeZone: "Europe/Berlin"}
	daily := rotation.Window{From: "09:00", To: "10:00", TimeZone: "America/New_York"}
	for name, c := range map[string]struct {
		windows   rotation.Windows
		now, want string
	}{
		"no window at all":                           {nil, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
		"before it":                                  {rotation.Windows{night}, "2026-03-03T12:00:00Z", "2026-03-07T21:00:00Z"},
		"at its beginning":                           {rotation.Windows{night}, "2026-03-07T21:00:00Z", "2026-03-07T21:00:00Z"},
		"after midnight of the day it opened on":     {rotation.Windows{night}, "2026-03-08T02:59:00Z", "2026-03-08T02:59:00Z"},
		"at its end":                                 {rotation.Windows{night}, "2026-03-08T03:00:00Z", "2026-03-14T21:00:00Z"},
		"in summer, an hour earlier by UTC":          {rotation.Windows{night}, "2026-07-01T00:00:00Z", "2026-07-04T20:00:00Z"},
		"in the night that clocks go forward":        {rotation.Windows{night}, "2026-03-29T01:59:59Z", "2026-03-29T01:59:59Z"},
		"when that night ends, an hour early by UTC": {rotation.Windows{night}, "2026-03-29T02:00:00Z", "2026-04-04T20:00:00Z"},
		"in the night that clocks go back":           {rotation.Windows{{Days: []string{"saturday"}, From: "23:00", To: "02:30", TimeZone: "Europe/Berlin"}}, "2026-10-25T00:29:59Z", "2026-10-25T00:29:59Z"},
		"every day, where no day is named":           {rotation.Windows{daily}, "2026-01-05T15:00:00Z", "2026-01-06T14:00:00Z"},
		"the first of several":                       {rotation.Windows{night, daily}, "2026-03-06T15:00:00Z", "2026-03-07T14:00:00Z"},
		"a whole day, from a time to the same time":  {rotation.Windows{{Days: []string{"Sunday"}, From: "00:00", To: "00:00", TimeZone: "UTC"}}, "2026-03-08T23:59:59Z", "2026-03-08T23:59:59Z"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, c.windows.Check())
			assert.Equal(t, at(t, c.want), c.windows.Opens(at(t, c.now)).UTC())
		})
	}
}

func TestOpenTimeIsCounted(t *testing.T) {
	windows := rotation.Windows{
		{From: "10:00", To: "11:00", TimeZone: "UTC"},
		{From: "10:30", To: "12:00", TimeZone: "UTC"}, // the same half hour counts once
	}
	assert.Equal(t, 4*time.Hour, windows.OpenBetween(at(t, "2026-03-01T00:00:00Z"), at(t, "2026-03-03T00:00:00Z")))
	assert.Equal(t, 30*time.Minute, windows.OpenBetween(at(t, "2026-03-01T11:30:00Z"), at(t, "2026-03-02T10:00:00Z")))
	assert.Equal(t, time.Hour, rotation.Windows(nil).OpenBetween(at(t, "2026-03-01T00:00:00Z"), at(t, "2026-03-01T01:00:00Z")))
}

func TestTheLongestWaitIsFromOneWindowToTheNext(t *testing.T) {
	assert.Equal(t, 7*24*time.Hour-6*time.Hour+time.Hour, rotation.Windows{
		{Days: []string{"saturday"}, From: "22:00", To: "04:00", TimeZone: "Europe/Berlin"},
	}.LongestWait())
	assert.Zero(t, rotation.Windows(nil).LongestWait())
	assert.Zero(t, rotation.Windows{{From: "00:00", To: "00:00", TimeZone: "UTC"}}.LongestWait(), "always open")
}

func TestWindowsThatAreRefused(t *testing.T) {
	problems := rotation.Windows{{Days: []string{"monday", "caturday"}, From: "24:00", To: "noon", TimeZone: "Mars/Olympus"}}.Check()
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Error())
	}
	assert.Equal(t, []string{
		`windows[0].days[1]: must be a day of the week, such as "saturday", not "caturday"`,
		`windows[0].from: must be a time of day from "00:00" to "23:59", not "24:00"`,
		`windows[0].to: must be a time of day from "00:00" to "23:59", not "noon"`,
		`windows[0].timeZone: must be a time zone of the IANA database, such as "Europe/Berlin", not "Mars/Olympus"`,
	}, texts)
}
