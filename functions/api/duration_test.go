package api

import (
	"encoding/json"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Hour, "0.5": 30 * time.Minute, "0.00139": 5004 * time.Millisecond, "1e-3": 3600 * time.Millisecond, "0": 0,
		"0.0000000000001": 0, "1e300": longest, "-1e300": -longest,
	} {
		t.Run(text, func(t *testing.T) {
			var h hours
			require.NoError(t, json.Unmarshal([]byte(text), &h))
			assert.Equal(t, want, h.duration())
		})
	}
}

func TestADurationSurvivesToTheNanosecond(t *testing.T) {
	survives := func(n uint64) bool {
		want := time.Duration(n % uint64(20*day)) // beyond a month, a float64 is coarser than that
		text, err := json.Marshal([]any{hours(want), days(want)})
		require.NoError(t, err)
		var h hours
		var d days
		require.NoError(t, json.Unmarshal(text, &[]any{&h, &d}))
		return h.duration() == want && d.duration() == want
	}
	assert.NoError(t, quick.Check(survives, nil))
}

func TestEveryPolicyFieldIsSpelledAsInJSON(t *testing.T) {
	for field, want := range map[string]string{
		"appId": "path.appId", "keyId": "body.keyId", "kind": "body.kind",
		"secret.lifetime": "body.policies.secret.lifetimeDays", "secret.threshold": "body.policies.secret.thresholdHours",
		"certificate.threshold": "body.policies.certificate.thresholdDays", "secret.maxLifetime": "body.policies.secret.maxLifetimeDays",
		"secret.overlap": "body.policies.secret.overlapHours", "secret.deliveryAllowance": "body.policies.secret.deliveryAllowanceHours",
		"secret.onNearExpiry": "body.policies.secret.onNearExpiry", "secret.waits": "body.policies.secret.waits",
		"secret.waits.verifySuccesses": "body.policies.secret.waits.verifySuccesses", "secret.waits.giveUp": "body.policies.secret.waits.giveUpHours",
	} {
		assert.Equal(t, want, location(field))
	}
}
