package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// when shows a time of an answer, and how far away it is.
func when(p *page, value any) string {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return textOf(value)
	}
	return at.In(p.zone).Format("2006-01-02 15:04") + " (" + away(at.Sub(p.now)) + ")"
}

// clock shows a time of an answer to the second.
func clock(p *page, value any) string {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return textOf(value)
	}
	return at.In(p.zone).Format(time.DateTime)
}

// away says how far away a time is, in one unit.
func away(d time.Duration) string {
	switch {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 730*day:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dy", d/(365*day))
}

// parseSpan reads a span of time such as 90s, 15m, 2h, 30d or 2w.
func parseSpan(text string) (time.Duration, error) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err != nil || !(n >= 0 && n < 1e5) {
				break
			}
			return time.Duration(n * float64(length)), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q must be a span of time such as 90s, 15m, 2h, 30d or 2w", text)
	}
	return d, nil
}

// spanFlag is a flag that takes a span of time.
type spanFlag time.Duration

func (s *spanFlag) Set(text string) error {
	d, err := parseSpan(text)
	*s = spanFlag(d)
	return err
}

func (s *spanFlag) String() string { return time.Duration(*s).String() }

// Type is what help calls the value.
func (*spanFlag) Type() string { return "span" }
