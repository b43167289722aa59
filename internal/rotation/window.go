package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a span of hours in which targets may be written. It recurs on days of
// the week, by the clock of a time zone, summer time included.
type Window struct {
	// Days are those on which it opens: "monday" to "sunday". None means every day.
	Days []string `json:"days"`
	// From and To are times of day, "22:00". To at or before From is on the next day.
	From string `json:"from"`
	To   string `json:"to"`
	// TimeZone is a name of the IANA database, "Europe/Berlin".
	TimeZone string `json:"timeZone"`
}

// Windows are open while one of them is. None at all are always open.
type Windows []Window

const timeOfDay = "15:04"

// Check reports everything that is wrong with the windows.
func (ws Windows) Check() (problems []Problem) {
	for i, w := range ws {
		for _, p := range w.check() {
			problems = append(problems, Problem{fmt.Sprintf("windows[%d].%s", i, p.Field), p.Detail})
		}
	}
	return problems
}

func (w Window) check() (problems []Problem) {
	for i, day := range w.Days {
		if _, ok := weekday(day); !ok {
			problems = append(problems, Problem{fmt.Sprintf("days[%d]", i), fmt.Sprintf(`must be a day of the week, such as "saturday", not %q`, day)})
		}
	}
	for _, at := range []struct{ field, text string }{{"from", w.From}, {"to", w.To}} {
		if _, err := time.Parse(timeOfDay, at.text); err != nil {
			problems = append(problems, Problem{at.field, fmt.Sprintf(`must be a time of day from "00:00" to "23:59", not %q`, at.text)})
		}
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "" || w.TimeZone == "Local" {
		problems = append(problems, Problem{"timeZone", fmt.Sprintf(`must be a time zone of the IANA database, such as "Europe/Berlin", not %q`, w.TimeZone)})
	}
	return problems
}

func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String(), text) {
			return day, true
		}
	}
	return 0, false
}

// span is one time that a window is open: from, until and not at its end.
type span struct{ from, to time.Time }

// on returns the window's span that opens on a date, if it opens then.
func (w Window) on(year int, month time.Month, day int, zone *time.Location) (span, bool) {
	from, errFrom := time.Parse(timeOfDay, w.From)
	to, errTo := time.Parse(timeOfDay, w.To)
	if errFrom != nil || errTo != nil {
		return span{}, false
	}
	opens := time.Date(year, month, day, from.Hour(), from.Minute(), 0, 0, zone)
	date := time.Date(year, month, day, 12, 0, 0, 0, zone).Weekday()
	listed := slices.ContainsFunc(w.Days, func(d string) bool { known, ok := weekday(d); return ok && known == date })
	if len(w.Days) > 0 && !listed {
		return span{}, false
	}
	if !to.After(from) {
		day++
	}
	closes := time.Date(year, month, day, to.Hour(), to.Minute(), 0, 0, zone)
	return span{opens, closes}, closes.After(opens)
}

// spans returns what is open between two times, in order, joined where windows touch.
func (ws Windows) spans(from, to time.Time) (all []span) {
	for _, w := range ws {
		zone, err := time.LoadLocation(w.TimeZone)
		if err != nil {
			continue
		}
		first := from.In(zone).AddDate(0, 0, -2)
		for n := 0; ; n++ {
			year, month, day := first.AddDate(0, 0, n).Date()
			if time.Date(year, month, day, 0, 0, 0, 0, zone).After(to) {
				break
			}
			if s, ok := w.on(year, month, day, zone); ok && s.to.After(from) && s.from.Before(to) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	return joined(all)
}

func joined(spans []span) (all []span) {
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && !s.from.After(all[last].to) {
			all[last].to = latest(all[last].to, s.to)
			continue
		}
		all = append(all, s)
	}
	return all
}

// fortnight is far enough ahead to see every window open once.
const fortnight = 14 * day

// Opens returns when a window is open next: now, if one is.
func (ws Windows) Opens(now time.Time) time.Time {
	if len(ws) == 0 {
		return now
	}
	for _, s := range ws.spans(now, now.Add(fortnight)) {
		return latest(s.from, now)
	}
	return now
}

// longestPast is how far back windows are followed: longer than anything waits.
const longestPast = 366 * day

// OpenBetween returns for how long windows were open between two times.
func (ws Windows) OpenBetween(from, to time.Time) (open time.Duration) {
	if len(ws) == 0 {
		return to.Sub(from)
	}
	from = latest(from, to.Add(-longestPast))
	for _, s := range ws.spans(from, to) {
		open += earlier(s.to, to).Sub(latest(s.from, from))
	}
	return open
}

// aWeek is any week, to measure windows by.
var aWeek = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// LongestWait returns how long it can take until a window opens, an hour more
// where clocks change.
func (ws Windows) LongestWait() (longest time.Duration) {
	if len(ws) == 0 {
		return 0
	}
	spans := ws.spans(aWeek, aWeek.Add(2*fortnight))
	for i := 1; i < len(spans); i++ {
		longest = max(longest, spans[i].from.Sub(spans[i-1].to))
	}
	if longest > 0 {
		longest += time.Hour
	}
	return longest
}
