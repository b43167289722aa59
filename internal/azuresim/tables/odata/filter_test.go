package odata_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

var row = map[string]any{
	"PartitionKey": "shard-3", "RowKey": "2026-01-02",
	"Name": "O'Brien", "Empty": "", "Größe": "groß",
	"Count": int32(7), "Negative": int32(-3), "Big": int64(7), "Ratio": 7.0, "NotANumber": math.NaN(),
	"On": true, "Off": false,
	"At":  time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC),
	"ID":  odata.GUID("c9da6455-213d-42c9-9a79-3e9149a57833"),
	"Raw": []byte{0x0a, 0xff},
}

func lookUp(property string) (any, bool) {
	value, ok := row[property]
	return value, ok
}

func TestFilterMatches(t *testing.T) {
	for name, test := range map[string]struct {
		filter string
		want   bool
	}{
		"nothing is asked":                           {"", true},
		"a string equals":                            {"PartitionKey eq 'shard-3'", true},
		"a string differs in case":                   {"PartitionKey eq 'Shard-3'", false},
		"a quote is doubled":                         {"Name eq 'O''Brien'", true},
		"an empty string equals":                     {"Empty eq ''", true},
		"names and strings may be any letters":       {"Größe eq 'groß'", true},
		"ne finds another value":                     {"Name ne 'x'", true},
		"a range holds the key":                      {"RowKey ge '2026-01-02' and RowKey lt '2026-01-03'", true},
		"gt excludes the value itself":               {"RowKey gt '2026-01-02'", false},
		"le includes the value itself":               {"RowKey le '2026-01-02'", true},
		"an int32 equals":                            {"Count eq 7", true},
		"an int32 may be negative":                   {"Negative eq -3", true},
		"an int32 is no int64":                       {"Count eq 7L", false},
		"an int32 is no double":                      {"Count eq 7.0", false},
		"an int64 needs its suffix":                  {"Big eq 7", false},
		"an int64 equals with its suffix":            {"Big eq 7L", true},
		"an int64 is ordered":                        {"Big gt 6L and Big le 7L", true},
		"a double is no int32":                       {"Ratio eq 7", false},
		"a double equals":                            {"Ratio eq 7.0", true},
		"a double may have an exponent":              {"Ratio eq 70e-1", true},
		"a double may have a suffix":                 {"Ratio eq 7d", true},
		"every double is finite here":                {"Ratio lt INF and Ratio gt -INF", true},
		"NaN has no order":                           {"NotANumber ge 0.0 or NotANumber lt 0.0", false},
		"a string is no number":                      {"Count eq '7'", false},
		"ne does not match another type":             {"Count ne '7'", false},
		"a number too big for int32 matches nothing": {"Big lt 99999999999 or Big ge 99999999999", false},
		"a boolean equals":                           {"On eq true", true},
		"a boolean stands by itself":                 {"On", true},
		"a false boolean stands by itself":           {"Off", false},
		"a boolean is negated":                       {"not Off", true},
		"a string is no flag":                        {"Name", false},
		"a datetime equals":                          {"At eq datetime'2026-01-02T03:04:05.6789Z'", true},
		"a datetime is in UTC without saying so":     {"At eq datetime'2026-01-02T03:04:05.6789'", true},
		"a datetime may have an offset":              {"At eq datetime'2026-01-02T05:04:05.6789+02:00'", true},
		"a datetime is ordered":                      {"At lt datetime'2026-01-02T03:04:06Z'", true},
		"a datetime is no string":                    {"At eq '2026-01-02T03:04:05.6789Z'", false},
		"a guid equals in either case":               {"ID eq guid'C9DA6455-213D-42C9-9A79-3E9149A57833'", true},
		"a guid is no string":                        {"ID eq 'c9da6455-213d-42c9-9a79-3e9149a57833'", false},
		"binary equals":                              {"Raw eq X'0aFF'", true},
		"binary has a longer name":                   {"Raw eq binary'0aff'", true},
		"a missing property never equals":            {"Missing eq 'x'", false},
		"a missing property never differs":           {"Missing ne 'x'", false},
		"a missing property makes not true":          {"not (Missing eq 'x')", true},
		"the constant comes first":                   {"6 lt Count and 7 ge Count", true},
		"and binds tighter than or":                  {"On or Off and Off", true},
		"parentheses bind tighter":                   {"(On or Off) and Off", false},
		"not binds tighter than and":                 {"not (Off) and Off", false},
		"not not":                                    {"not not On", true},
		"spaces do not matter":                       {"  ( Count   eq 7 )\t", true},
	} {
		t.Run(name, func(t *testing.T) {
			filter, err := odata.Parse(test.filter)
			require.NoError(t, err)
			assert.Equal(t, test.want, filter.Match(lookUp))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, filter := range map[string]string{
		"half a comparison":           "Count eq",
		"no operator":                 "Count 7",
		"an unknown operator":         "Count has 7",
		"an operator in capitals":     "Count EQ 7",
		"an open parenthesis":         "(Count eq 7",
		"a closing parenthesis":       "Count eq 7)",
		"an open string":              "Name eq 'x",
		"two constants":               "1 eq 1",
		"two properties":              "Count eq Big",
		"a constant alone":            "true",
		"an operator as a name":       "and eq 1",
		"a bare not before eq":        "not Name eq 'x'",
		"something after the end":     "On Off",
		"a dangling and":              "On and",
		"an unknown constant":         "Name eq time'12:00'",
		"a wrong datetime":            "At eq datetime'yesterday'",
		"a datetime before the first": "At eq datetime'1600-12-31T23:59:59Z'",
		"a wrong guid":                "ID eq guid'c9da6455'",
		"wrong binary":                "Raw eq X'0g'",
		"an int64 out of range":       "Big eq 9223372036854775808L",
		"a number in Go's hex":        "Count eq 0x10",
		"a number with letters":       "Count eq 12ab",
		"a function":                  "startswith(Name,'O')",
		"an odd character":            "Count eq 7;",
		"sixteen comparisons":         strings.Repeat("On and ", 15) + "On",
		"endless nesting":             strings.Repeat("(", 100000) + "On",
		"endless negation":            strings.Repeat("not ", 100000) + "On",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := odata.Parse(filter)
			assert.Error(t, err)
		})
	}
}

func TestFifteenComparisonsAreAllowed(t *testing.T) {
	_, err := odata.Parse(strings.Repeat("On and ", 14) + "On")
	assert.NoError(t, err)
}

func TestRangeCoversWhatCanMatch(t *testing.T) {
	endless := odata.Range{Endless: true}
	for name, test := range map[string]struct {
		filter string
		want   odata.Range
	}{
		"nothing is asked":            {"", endless},
		"eq":                          {"RowKey eq 'b'", odata.Range{Low: "b", High: "b\x00"}},
		"ge and lt":                   {"RowKey ge 'b' and RowKey lt 'd'", odata.Range{Low: "b", High: "d"}},
		"gt and le":                   {"RowKey gt 'b' and RowKey le 'd'", odata.Range{Low: "b\x00", High: "d\x00"}},
		"the constant first":          {"'b' le RowKey", odata.Range{Low: "b", Endless: true}},
		"lt within other conditions":  {"PartitionKey eq 'p' and RowKey lt 'd' and Count eq 1", odata.Range{High: "d"}},
		"or covers both":              {"RowKey eq 'b' or RowKey eq 'f'", odata.Range{Low: "b", High: "f\x00"}},
		"the narrower end counts":     {"RowKey lt 'd' and RowKey lt 'b'", odata.Range{High: "b"}},
		"in either order":             {"RowKey lt 'b' and RowKey lt 'd'", odata.Range{High: "b"}},
		"or covers both backwards":    {"RowKey eq 'f' or RowKey eq 'b'", odata.Range{Low: "b", High: "f\x00"}},
		"or with something else":      {"RowKey eq 'b' or Count eq 1", endless},
		"or with an endless one":      {"RowKey eq 'b' or RowKey gt 'f'", odata.Range{Low: "b", Endless: true}},
		"ne says nothing":             {"RowKey ne 'b'", endless},
		"not says nothing":            {"not (RowKey lt 'b')", endless},
		"another type says nothing":   {"RowKey lt 7", endless},
		"another property is ignored": {"PartitionKey lt 'b'", endless},
	} {
		t.Run(name, func(t *testing.T) {
			filter, err := odata.Parse(test.filter)
			require.NoError(t, err)
			assert.Equal(t, test.want, filter.Range("RowKey"))
		})
	}
}

// Whatever a filter says, its ranges must hold every row that it matches.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"", "PartitionKey eq 'a' and RowKey lt 'b'", "not (Count ge 7) or On", "Name eq 'O''Brien'",
		"Big eq 7L or Ratio lt -1.5e3", "At gt datetime'2026-01-01T00:00:00Z'", "Raw eq X'0a'", "ID ne guid''",
		"RowKey gt '2026' and (RowKey le '2027' or 'x' gt RowKey)", "((((", "not not not", "'", "\xff eq 1",
	} {
		f.Add(seed, "2026-01-02")
	}
	f.Fuzz(func(t *testing.T, expression, key string) {
		filter, err := odata.Parse(expression)
		if err != nil {
			return
		}
		matches := filter.Match(func(property string) (any, bool) {
			if property == "RowKey" {
				return key, true
			}
			return lookUp(property)
		})
		if matches && !filter.Range("RowKey").Contains(key) {
			t.Fatalf("%q matches %q outside its range", expression, key)
		}
	})
}
