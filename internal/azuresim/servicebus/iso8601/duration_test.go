package iso8601_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

func TestDurationsGoBothWays(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"PT1M":                       time.Minute,
		"P14D":                       14 * 24 * time.Hour,
		"PT20S":                      20 * time.Second,
		"PT0.5S":                     500 * time.Millisecond,
		"P1DT2H3M4S":                 26*time.Hour + 3*time.Minute + 4*time.Second,
		"PT0S":                       0,
		"P10675199DT2H48M5.4775807S": iso8601.Forever,
	} {
		got, err := iso8601.Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, d, got, text)
		assert.Equal(t, text, iso8601.Format(d))
	}
}

func TestWhatIsNoDurationIsRefused(t *testing.T) {
	for _, text := range []string{"", "P", "PT", "1M", "PT1", "P1Y", "-PT1M", "PT1M ", "P1DT"} {
		_, err := iso8601.Parse(text)
		assert.EqualError(t, err, `duration "`+text+`" is not ISO 8601 such as PT1M or P14D`)
	}
}
