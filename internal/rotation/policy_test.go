package rotation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const day = 24 * time.Hour

func TestPoliciesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		kind          rotation.Kind
		change        func(*rotation.Policy)
		field, detail string
	}{
		"a lifetime above 90 days": {rotation.Secret, func(p *rotation.Policy) { p.Lifetime = 91 * day },
			"lifetime", "must be from 24 hours to 90 days, not 91 days"},
		"a lifetime of no time": {rotation.Secret, func(p *rotation.Policy) { p.Lifetime = 0 },
			"lifetime", "must be from 24 hours to 90 days, not 0s"},
		"a threshold of a day": {rotation.Secret, func(p *rotation.Policy) { p.Threshold = day },
			"threshold", "must be from 1 hour to 23 hours, not 24 hours"},
		"a certificate of a week": {rotation.Certificate, func(p *rotation.Policy) { p.Lifetime, p.Threshold = 7*day, 2*day },
			"lifetime", "must be from 30 days to 1095 days, not 7 days"},
		"a threshold as long as the lifetime": {rotation.Secret, func(p *rotation.Policy) { p.WideLimits, p.Threshold = true, p.Lifetime },
			"threshold", "must be shorter than the lifetime of 21 days: a credential would be due before it starts"},
		"a tenant's cut that leaves no use": {rotation.Secret, func(p *rotation.Policy) { p.MaxLifetime = 49 * time.Hour },
			"maxLifetime", "leaves 0s of use: from 49 hours the threshold or the reserve of 49 hours (delivery allowance and overlap) is taken off; at least 1 hour must remain"},
		"a negative overlap": {rotation.Secret, func(p *rotation.Policy) { p.Overlap = -time.Second },
			"overlap", "must be from 0s to 365 days, not -1s"},
		"an event that would rotate for ever": {rotation.Secret, func(p *rotation.Policy) { p.OnNearExpiry = rotation.NearExpiryRotate },
			"onNearExpiry", `must be "checkDue" with a lifetime of 60 days or less: the event comes 30 days before the end, or at once, and would start rotation after rotation`},
		"an unknown answer to what cannot be verified": {rotation.Secret, func(p *rotation.Policy) { p.OnUnverifiable = "hope" },
			"onUnverifiable", `must be "stop" or "continue", not "hope"`},
		"no proof at all": {rotation.Secret, func(p *rotation.Policy) { p.Waits.VerifySuccesses = 0 },
			"waits.verifySuccesses", "must be from 1 to 20, not 0"},
		"looks in no order": {rotation.Secret, func(p *rotation.Policy) { p.Waits.LookAgain = rotation.Looks{2, 1, 3} },
			"waits.lookAgain", "must be three growing times"},
		"a heartbeat of two days": {rotation.Secret, func(p *rotation.Policy) { p.Waits.Heartbeat = 2 * day },
			"waits.heartbeat", "must be 24 hours or less"},
	} {
		t.Run(name, func(t *testing.T) {
			p := rotation.DefaultPolicy(c.kind)
			c.change(&p)
			assert.Contains(t, p.Check(c.kind), rotation.Problem{Field: c.field, Detail: c.detail})
		})
	}
}

func TestTheDefaultsAreRight(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		assert.Empty(t, rotation.DefaultPolicy(kind).Check(kind), kind)
	}
	assert.Greater(t, rotation.DefaultPolicy(rotation.Secret).Overlap, day, "consumers may cache a reference for a day")
}

func TestTheOldCredentialOutlivesItsReplacementByTheReserve(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*rotation.Policy)
		start  time.Time
		end    func(rotation.Policy) time.Time
		due    time.Duration // after the start
		reason rotation.DueReason
	}{
		"by its lifetime": {func(*rotation.Policy) {}, start, nil, 21*day - time.Hour, rotation.DueLifetime},
		"by its lifetime with a long threshold": {func(p *rotation.Policy) { p.WideLimits, p.Threshold = true, 10*day },
			start, nil, 11 * day, rotation.DueLifetime},
		"by the end that a tenant's policy cuts": {func(p *rotation.Policy) { p.MaxLifetime = 10 * day },
			start, nil, 10*day - 49*time.Hour, rotation.DueEnd},
		"by the end of an adopted one": {func(*rotation.Policy) {},
			start, func(rotation.Policy) time.Time { return start.Add(5 * day) }, 5*day - 49*time.Hour, rotation.DueEnd},
		"by the age of an adopted one": {func(*rotation.Policy) {},
			start, func(rotation.Policy) time.Time { return start.Add(700 * day) }, 21*day - time.Hour, rotation.DueLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			p := rotation.DefaultPolicy(rotation.Secret)
			c.change(&p)
			end := p.EndOf(c.start)
			if c.end != nil {
				end = c.end(p)
			}
			k := rotation.KindState{Current: "key", Ledger: []rotation.Entry{{KeyID: "key", Start: c.start, End: end}}}
			due := k.Due(p)
			assert.Equal(t, c.start.Add(c.due), due.At)
			assert.Equal(t, c.reason, due.Reason)
			assert.GreaterOrEqual(t, end.Sub(due.At), p.Reserve())
		})
	}
}

func TestWhatIsDueWithoutACredential(t *testing.T) {
	p := rotation.DefaultPolicy(rotation.Secret)
	assert.Equal(t, rotation.Due{Reason: rotation.DueNoCredential}, rotation.KindState{}.Due(p), "at once")
	again := rotation.KindState{RetryAt: now}.Due(p)
	assert.Equal(t, rotation.Due{At: now, Reason: rotation.DueAgain}, again, "after a failure: later")
}

func TestNearExpiryEvents(t *testing.T) {
	for name, c := range map[string]struct {
		lifetime time.Duration
		choice   rotation.NearExpiryAction
		rotates  bool
	}{
		"of a short-lived secret check what is due":    {60 * day, rotation.NearExpiryByLifetime, false},
		"of a long-lived one start a rotation":         {61 * day, rotation.NearExpiryByLifetime, true},
		"can be told to check":                         {90 * day, rotation.NearExpiryCheckDue, false},
		"can be told to rotate what lives long enough": {90 * day, rotation.NearExpiryRotate, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := rotation.DefaultPolicy(rotation.Secret)
			p.Lifetime, p.OnNearExpiry = c.lifetime, c.choice
			assert.Equal(t, c.rotates, p.NearExpiryRotates())
		})
	}
}
