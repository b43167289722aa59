// Package iso8601 reads and writes durations as Service Bus has them in its
// configuration and its administration API, such as PT1M or P14D.
//
// Years and months are refused, because their length is not fixed.
package iso8601

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Forever is the longest duration. It stands for .NET's TimeSpan.MaxValue, which
// is how Service Bus says "never".
const Forever = time.Duration(math.MaxInt64)

const forever = "P10675199DT2H48M5.4775807S"

var pattern = regexp.MustCompile(`^P(?:(\d+)D)?(T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$`)

// Parse reads a duration. One that a time.Duration cannot hold is Forever.
func Parse(s string) (time.Duration, error) {
	m := pattern.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "T") || s == "P" {
		return 0, fmt.Errorf("duration %q is not ISO 8601 such as PT1M or P14D", s)
	}
	units := []struct {
		text string
		unit time.Duration
	}{{m[1], 24 * time.Hour}, {m[3], time.Hour}, {m[4], time.Minute}, {m[5], time.Second}}
	var sum float64
	for _, u := range units {
		if u.text == "" {
			continue
		}
		n, err := strconv.ParseFloat(u.text, 64)
		if err != nil {
			return 0, fmt.Errorf("duration %q: %w", s, err)
		}
		sum += math.Round(n * float64(u.unit))
	}
	if sum >= float64(Forever) {
		return Forever, nil
	}
	return time.Duration(sum), nil
}

// Format writes a duration as the service does: the largest units first, none
// of them zero.
func Format(d time.Duration) string {
	if d == Forever {
		return forever
	}
	if d == 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteByte('P')
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	rest := d % (24 * time.Hour)
	if rest == 0 {
		return b.String()
	}
	b.WriteByte('T')
	if hours := rest / time.Hour; hours > 0 {
		fmt.Fprintf(&b, "%dH", hours)
	}
	if minutes := rest % time.Hour / time.Minute; minutes > 0 {
		fmt.Fprintf(&b, "%dM", minutes)
	}
	if seconds := rest % time.Minute; seconds > 0 {
		b.WriteString(strconv.FormatFloat(seconds.Seconds(), 'f', -1, 64) + "S")
	}
	return b.String()
}
