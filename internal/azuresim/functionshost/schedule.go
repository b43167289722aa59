package functionshost

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// schedule says when a timer is due next, after an instant. Times are UTC.
type schedule interface {
	next(after time.Time) time.Time
}

// parseSchedule reads an NCRONTAB expression of five or six fields, or a time span.
func parseSchedule(expression string) (schedule, error) {
	fields := strings.Fields(expression)
	if len(fields) == 1 {
		every, err := parseTimeSpan(expression)
		if err == nil && every <= 0 {
			err = fmt.Errorf("time span %q is not positive", expression)
		}
		return interval(every), err
	}
	if len(fields) == 5 {
		fields = append([]string{"0"}, fields...)
	}
	if len(fields) != 6 {
		return nil, fmt.Errorf("schedule %q: six fields or a time span expected", expression)
	}
	return parseCron(expression, fields)
}

// interval is a schedule that comes again after a fixed time.
type interval time.Duration

func (i interval) next(after time.Time) time.Time { return after.Add(time.Duration(i)) }

// cron is an NCRONTAB schedule, a bit for each value of a field. Unlike in Vixie's
// cron, the day of the month and the day of the week both have to match.
// https://github.com/atifaziz/NCrontab/wiki/Crontab-Expression
type cron struct {
	second, minute, hour, day, month, weekday uint64
}

func parseCron(expression string, fields []string) (cron, error) {
	var c cron
	for at, f := range []struct {
		name     string
		min, max int
		names    []string
		into     *uint64
	}{
		{"second", 0, 59, nil, &c.second},
		{"minute", 0, 59, nil, &c.minute},
		{"hour", 0, 23, nil, &c.hour},
		{"day", 1, 31, nil, &c.day},
		{"month", 1, 12, monthNames(), &c.month},
		{"weekday", 0, 6, weekdayNames(), &c.weekday},
	} {
		set, err := parseField(fields[at], f.min, f.max, f.names)
		if err != nil {
			return cron{}, fmt.Errorf("schedule %q: %s: %w", expression, f.name, err)
		}
		*f.into = set
	}
	if c.next(time.Unix(0, 0).UTC()).IsZero() {
		return cron{}, fmt.Errorf("schedule %q never comes", expression)
	}
	return c, nil
}

// parseField reads a list of values, ranges and steps; the names begin at min.
func parseField(field string, min, max int, names []string) (set uint64, err error) {
	for part := range strings.SplitSeq(field, ",") {
		values, step, stepped := strings.Cut(part, "/")
		every := 1
		if stepped {
			if every, err = strconv.Atoi(step); err != nil || every < 1 {
				return 0, fmt.Errorf("%q: a step must be a positive number", part)
			}
		}
		low, high, err := parseRange(values, min, max, names, stepped)
		if err != nil {
			return 0, err
		}
		for value := low; value <= high; value += every {
			set |= 1 << value
		}
	}
	return set, nil
}

// parseRange reads *, a value or a range; a single value with a step has no end, and
// a range the wrong way round is turned.
func parseRange(values string, min, max int, names []string, open bool) (low, high int, err error) {
	if values == "*" {
		return min, max, nil
	}
	from, to, ranged := strings.Cut(values, "-")
	if low, err = parseValue(from, min, max, names); err != nil {
		return 0, 0, err
	}
	if !ranged {
		if open {
			return low, max, nil
		}
		return low, low, nil
	}
	if high, err = parseValue(to, min, max, names); err != nil {
		return 0, 0, err
	}
	if low > high {
		low, high = high, low
	}
	return low, high, nil
}

func parseValue(text string, min, max int, names []string) (int, error) {
	for at, name := range names {
		if len(text) >= 3 && len(text) <= len(name) && strings.EqualFold(name[:len(text)], text) {
			return min + at, nil
		}
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < min || value > max {
		return 0, fmt.Errorf("%q is not a value from %d to %d", text, min, max)
	}
	return value, nil
}

func monthNames() (names []string) {
	for month := time.January; month <= time.December; month++ {
		names = append(names, month.String())
	}
	return names
}

func weekdayNames() (names []string) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		names = append(names, day.String())
	}
	return names
}

// next skips to the first instant that every field allows; zero if there is none in
// the eight years within which every date comes by.
func (c cron) next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Second).Add(time.Second)
	for end := t.AddDate(8, 0, 1); t.Before(end); {
		year, month, day := t.Date()
		switch {
		case !has(c.month, int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !has(c.day, day) || !has(c.weekday, int(t.Weekday())):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hour, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minute, t.Minute()):
			t = t.Truncate(time.Minute).Add(time.Minute)
		case !has(c.second, t.Second()):
			t = t.Add(time.Duration(gap(c.second, t.Second())) * time.Second)
		default:
			return t
		}
	}
	return time.Time{}
}

func has(set uint64, value int) bool { return set>>value&1 == 1 }

// gap is how far the next member is, or the end of the minute.
func gap(set uint64, value int) int {
	return min(bits.TrailingZeros64(set>>value), 60-value)
}

// parseTimeSpan reads .NET's [d.]hh:mm:ss[.fraction]. Hours beyond 23 are taken for
// days, as .NET does: 24:00:00 are twenty-four days.
func parseTimeSpan(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a time span", text)
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, wrong
	}
	days, hours, found := strings.Cut(parts[0], ".")
	if !found {
		days, hours = "0", parts[0]
	}
	d, errDays := strconv.Atoi(days)
	h, errHours := strconv.Atoi(hours)
	m, errMinutes := strconv.Atoi(parts[1])
	s, errSeconds := strconv.ParseFloat(parts[2], 64)
	if errDays != nil || errHours != nil || errMinutes != nil || errSeconds != nil {
		return 0, wrong
	}
	if h > 23 && !found {
		d, h, m, s = h, m, int(s), 0
	}
	if d < 0 || d > 100_000 || h < 0 || h > 23 || m < 0 || m > 59 || !(s >= 0 && s < 60) {
		return 0, wrong
	}
	return time.Duration(d)*24*time.Hour + time.Duration(h)*time.Hour + time.Duration(m)*time.Minute +
		time.Duration(s*float64(time.Second)), nil
}
