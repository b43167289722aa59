package doctor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzTargets reads the settings of a target, which anybody may have written who can
// write rows.
func FuzzTargets(f *testing.F) {
	f.Add("keyvault", `{"vault":"shop","name":"orders"}`)
	f.Add("keyvault", `{"vault":"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/shop","format":"pfx"}`)
	f.Add("keyvault", `{"vault":1}`)
	f.Add("vercel", `[]`)
	f.Fuzz(func(t *testing.T, integration, settings string) {
		vault, _, ok := vaultOf(rotation.TargetRow{Integration: integration, Settings: json.RawMessage(settings)})
		assert.Equal(t, ok, vault != "")
		assert.False(t, ok && integration != "keyvault")
		for _, found := range judgeSubscriptions("one", vault, nearExpiryTypes(false), nil, time.Time{}) {
			assert.NotEmpty(t, found.Remedy)
		}
	})
}

// FuzzPolicies judges whatever a policy says.
func FuzzPolicies(f *testing.F) {
	f.Add("passwordAddition", true, true, int64(0), int64(0))
	f.Add("passwordLifetime", true, true, int64(time.Hour), int64(1))
	f.Add("asymmetricKeyLifetime", true, false, int64(-1), int64(-1))
	f.Add("symmetricKeyAddition", false, true, int64(1<<62), int64(1<<40))
	f.Fuzz(func(t *testing.T, of string, enabled, restricts bool, lifetime, since int64) {
		p := Policy{Name: "p", Enabled: enabled, Restrictions: []Restriction{{of, restricts, time.Duration(lifetime), time.Unix(since, 0)}}}
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for _, kind := range rotation.Kinds() {
			found := judgePolicies(kind, rotation.DefaultPolicy(kind), effective(p, []Policy{p}, now), now)
			assert.LessOrEqual(t, len(found), 1)
			assert.False(t, len(found) > 0 && (!enabled || !restricts), "a rule that is off forbids nothing")
		}
	})
}
