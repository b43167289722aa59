package api

import (
	"regexp"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// span is a time to come, in a query: days or hours as 30d or 12h, or the days and
// hours of an ISO 8601 duration, as P1DT12H.
// https://www.rfc-editor.org/rfc/rfc3339#appendix-A
type span string

const spanPattern = `^([0-9]{1,4}d|[0-9]{1,5}h|P[0-9]{1,4}D|PT[0-9]{1,5}H|P[0-9]{1,4}DT[0-9]{1,5}H)$`

var (
	inDays  = regexp.MustCompile(`([0-9]+)[dD]`)
	inHours = regexp.MustCompile(`([0-9]+)[hH]`)
)

// Schema implements huma.SchemaProvider.
func (span) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: spanPattern, PatternDescription: "a time such as 30d, 12h, P30D, PT12H or P1DT12H"}
}

func (s span) duration() (d time.Duration) {
	for pattern, unit := range map[*regexp.Regexp]time.Duration{inDays: day, inHours: time.Hour} {
		if match := pattern.FindStringSubmatch(string(s)); match != nil {
			number, _ := strconv.Atoi(match[1]) // the schema bounds its digits
			d += time.Duration(number) * unit
		}
	}
	return d
}
