package api_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// policy returns the secret policy of the application as it is shown.
func (w *world) policy() map[string]any {
	w.t.Helper()
	return w.must(200, "GET", appPath, "")["policies"].(map[string]any)["secret"].(map[string]any)
}

func TestWhatIsShownCanBePut(t *testing.T) {
	w := newWorld(t)
	given := `{"policies":{"secret":{"enabled":false,"lifetimeDays":100.25,"thresholdHours":0.1,"overlapHours":0.00277,
		"deliveryAllowanceHours":0,"maxLifetimeDays":99.9,"wideLimits":true,"onNearExpiry":"rotate","onUnverifiable":"continue",
		"waits":{"verifyEveryHours":0.00139,"verifyDeadlineHours":0.1,"verifySuccesses":2,"createAttempts":4,"lostAnswerHours":0.01,
		"lookAgainHours":[0.1,0.2,0.3],"resendHours":0.05,"retryAfterHours":0.004,"giveUpHours":1.5,"grantSettlesHours":0,
		"retryFailedHours":0.7,"missingAgainHours":0.11,"goneHours":0.9,"emergencyCutHours":0,"heartbeatHours":23.9}},
		"certificate":{"enabled":false,"keyBits":3072,"lifetimeDays":400.5,"thresholdDays":33.3,"overlapHours":25,"deliveryAllowanceHours":24,
		"maxLifetimeDays":null,"wideLimits":false,"onUnverifiable":"stop","waits":{"verifyEveryHours":0.00139,"verifyDeadlineHours":0.1,
		"verifySuccesses":2,"createAttempts":4,"lostAnswerHours":0.01,"lookAgainHours":[0.1,0.2,0.3],"resendHours":0.05,"retryAfterHours":0.004,
		"giveUpHours":1.5,"grantSettlesHours":0,"retryFailedHours":0.7,"missingAgainHours":0.11,"goneHours":0.9,"emergencyCutHours":0,"heartbeatHours":23.9}}}}`
	w.must(201, "PUT", appPath, given)
	shown, err := json.Marshal(map[string]any{"policies": w.must(200, "GET", appPath, "")["policies"]})
	require.NoError(t, err)
	assert.JSONEq(t, given, string(shown), "no field is lost, every decimal is as it was given")

	before := w.policy()
	w.must(200, "PUT", appPath, string(shown))
	assert.Equal(t, before, w.policy())

	app, _, err := w.Application(t.Context(), appID)
	require.NoError(t, err)
	assert.Equal(t, 5004*time.Millisecond, app.Policies[rotation.Secret].Waits.VerifyEvery)
	assert.Equal(t, 6*time.Minute, app.Policies[rotation.Secret].Threshold)
	assert.Equal(t, time.Duration(33.3*24*float64(time.Hour)), app.Policies[rotation.Certificate].Threshold)
}

func TestDecimalsComeBackAsTheyWereGiven(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		lifetime := strconv.FormatFloat(1+89*random.Float64(), 'f', random.IntN(9), 64)
		overlap := strconv.FormatFloat(1000*random.Float64(), 'f', random.IntN(9), 64)
		body := `{"policies":{"secret":{"lifetimeDays":` + lifetime + `,"overlapHours":` + overlap + `}}}`
		require.Less(t, w.call("PUT", appPath, body).status, 300, body)
		policy := w.policy()
		assert.Equal(t, decimal(t, lifetime), policy["lifetimeDays"])
		assert.Equal(t, decimal(t, overlap), policy["overlapHours"])
	}
}

func decimal(t *testing.T, text string) float64 {
	t.Helper()
	number, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return number
}

func TestNullIsTheDefault(t *testing.T) {
	w := newWorld(t)
	w.must(201, "PUT", appPath, managed)
	defaults := w.policy()
	fields := maps.Clone(defaults)
	for field := range fields {
		fields[field] = nil
	}
	body, err := json.Marshal(map[string]any{"policies": map[string]any{"secret": fields, "certificate": nil}})
	require.NoError(t, err)
	w.must(200, "PUT", appPath, string(body))
	assert.Equal(t, defaults, w.policy())
}
