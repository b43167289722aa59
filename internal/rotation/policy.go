package rotation

import (
	"fmt"
	"time"
)

// Policy says when credentials of one kind are replaced and how long everything
// on the way there may take.
type Policy struct {
	Enabled   bool          `json:"enabled"`
	Lifetime  time.Duration `json:"lifetime"`
	Threshold time.Duration `json:"threshold"`
	Overlap   time.Duration `json:"overlap"`

	// DeliveryAllowance is how long the delivery to all targets may take before
	// the old credential's end becomes a danger.
	DeliveryAllowance time.Duration `json:"deliveryAllowance"`
	// WindowWait is how long it can take until a maintenance window opens. It is
	// derived, and saved nowhere.
	WindowWait time.Duration `json:"-"`
	// MaxLifetime cuts a new credential's end, as a tenant's app management
	// policy does. Zero cuts nothing.
	MaxLifetime time.Duration `json:"maxLifetime"`
	// WideLimits permits lifetimes and thresholds outside the usual range.
	WideLimits bool `json:"wideLimits"`

	// KeyBits is the length of a certificate's RSA key.
	KeyBits int `json:"keyBits"`

	OnNearExpiry   NearExpiryAction   `json:"onNearExpiry"`
	OnUnverifiable UnverifiableAction `json:"onUnverifiable"`
	Waits          Waits              `json:"waits"`
}

// NearExpiryAction is what a Key Vault near-expiry event does. The empty value
// leaves it to the lifetime: up to 60 days the event only checks what is due,
// because Key Vault sends it 30 days before the end, and within minutes for
// anything shorter-lived.
type NearExpiryAction string

// The choices of NearExpiryAction.
const (
	NearExpiryByLifetime NearExpiryAction = ""
	NearExpiryRotate     NearExpiryAction = "rotate"
	NearExpiryCheckDue   NearExpiryAction = "checkDue"
)

// UnverifiableAction is what happens with a new credential that nobody could get
// a token with, for example because the application has no service principal.
type UnverifiableAction string

// The choices of UnverifiableAction. The empty value stops.
const (
	UnverifiableStop     UnverifiableAction = "stop"
	UnverifiableContinue UnverifiableAction = "continue"
)

// Waits are the pauses and patiences of a rotation. Each has a default; they are
// settings so that a test, or an impatient tenant, need not wait.
type Waits struct {
	VerifyEvery     time.Duration `json:"verifyEvery"`     // between two tries to get a token
	VerifyDeadline  time.Duration `json:"verifyDeadline"`  // after that the attempt is given up
	VerifySuccesses int           `json:"verifySuccesses"` // tokens in a row that prove a credential
	CreateAttempts  int           `json:"createAttempts"`

	LostAnswer   time.Duration `json:"lostAnswer"`   // a lost answer may still take effect for so long
	LookAgain    Looks         `json:"lookAgain"`    // when an attempt of unknown outcome is looked for
	Resend       time.Duration `json:"resend"`       // a deployment without an answer is sent again
	RetryAfter   time.Duration `json:"retryAfter"`   // first wait after a transient error; it doubles
	GiveUp       time.Duration `json:"giveUp"`       // age at which a deployment fails
	GrantSettles time.Duration `json:"grantSettles"` // a refusal so soon after our own grant is transient
	RetryFailed  time.Duration `json:"retryFailed"`  // a failed rotation is tried again
	MissingAgain time.Duration `json:"missingAgain"` // between the two reads that prove a credential gone
	Gone         time.Duration `json:"gone"`         // an application answers 404 for so long: it is gone
	EmergencyCut time.Duration `json:"emergencyCut"` // from an emergency's publication to the revocation
	Heartbeat    time.Duration `json:"heartbeat"`    // every application is looked at so often
}

// Looks are the ages at which an attempt of unknown outcome is looked for again.
type Looks [3]time.Duration

// The usual ranges, from the product page that rekey is modelled on.
type limits struct {
	lifetimeMin, lifetimeMax   time.Duration
	thresholdMin, thresholdMax time.Duration
}

const day = 24 * time.Hour

func limitsOf(kind Kind, wide bool) limits {
	switch {
	case wide:
		return limits{10 * time.Second, 3650 * day, time.Second, 3650 * day}
	case kind == Certificate:
		return limits{30 * day, 1095 * day, day, 365 * day}
	default:
		return limits{day, 90 * day, time.Hour, 23 * time.Hour}
	}
}

// DefaultPolicy returns the policy of a kind of which nothing was said.
func DefaultPolicy(kind Kind) Policy {
	p := Policy{
		Enabled: true, Lifetime: 21 * day, Threshold: time.Hour,
		// Consumers may cache a Key Vault reference for 24 hours:
		// https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
		Overlap:           25 * time.Hour,
		DeliveryAllowance: day,
		OnUnverifiable:    UnverifiableStop,
		Waits:             DefaultWaits(),
	}
	if kind == Certificate {
		p.Lifetime, p.Threshold, p.KeyBits = 365*day, 30*day, 2048
	}
	return p
}

// DefaultWaits returns the waits of which nothing was said.
func DefaultWaits() Waits {
	return Waits{
		VerifyEvery:     5 * time.Second,
		VerifyDeadline:  10 * time.Minute,
		VerifySuccesses: 3,
		CreateAttempts:  5,
		LostAnswer:      time.Minute,
		LookAgain:       Looks{10 * time.Minute, time.Hour, day},
		Resend:          5 * time.Minute,
		RetryAfter:      15 * time.Second,
		GiveUp:          day,
		GrantSettles:    30 * time.Minute,
		RetryFailed:     time.Hour,
		MissingAgain:    10 * time.Minute,
		Gone:            time.Hour,
		EmergencyCut:    15 * time.Minute,
		Heartbeat:       day,
	}
}

// Reserve is how long an old credential must outlive the moment at which its
// replacement is due.
func (p Policy) Reserve() time.Duration { return p.DeliveryAllowance + p.WindowWait + p.Overlap }

// EndOf returns the end to ask for when a credential starts now.
func (p Policy) EndOf(start time.Time) time.Time {
	lives := p.Lifetime + max(0, p.Reserve()-p.Threshold)
	if p.MaxLifetime > 0 {
		lives = min(lives, p.MaxLifetime)
	}
	return start.Add(lives)
}

// A Problem is one thing that is wrong with what a user gave: which field, and
// what would be right.
type Problem struct {
	Field  string
	Detail string
}

func (p Problem) Error() string { return p.Field + ": " + p.Detail }

// Check reports everything that is wrong with the policy.
func (p Policy) Check(kind Kind) []Problem {
	l := limitsOf(kind, p.WideLimits)
	var problems []Problem
	between := func(field string, d, low, high time.Duration) {
		if d < low || d > high {
			problems = append(problems, Problem{field, fmt.Sprintf("must be from %s to %s, not %s", inWords(low), inWords(high), inWords(d))})
		}
	}
	between("lifetime", p.Lifetime, l.lifetimeMin, l.lifetimeMax)
	between("threshold", p.Threshold, l.thresholdMin, l.thresholdMax)
	between("overlap", p.Overlap, 0, 365*day)
	between("deliveryAllowance", p.DeliveryAllowance, 0, 365*day)
	between("maxLifetime", p.MaxLifetime, 0, 3650*day)
	if kind == Certificate && p.KeyBits != 2048 && p.KeyBits != 3072 && p.KeyBits != 4096 {
		problems = append(problems, Problem{"keyBits", fmt.Sprintf("must be 2048, 3072 or 4096, not %d", p.KeyBits)})
	}
	problems = append(problems, p.Waits.check()...)
	problems = append(problems, p.checkChoices()...)
	return append(problems, p.CheckSense()...)
}

func (p Policy) checkChoices() (problems []Problem) {
	switch p.OnNearExpiry {
	case NearExpiryByLifetime, NearExpiryRotate, NearExpiryCheckDue:
	default:
		problems = append(problems, Problem{"onNearExpiry", fmt.Sprintf("must be %q or %q, not %q", NearExpiryRotate, NearExpiryCheckDue, p.OnNearExpiry)})
	}
	if p.OnNearExpiry == NearExpiryRotate && p.Lifetime <= shortLived {
		problems = append(problems, Problem{"onNearExpiry", fmt.Sprintf(
			"must be %q with a lifetime of %s or less: the event comes 30 days before the end, or at once, and would start rotation after rotation", NearExpiryCheckDue, inWords(shortLived))})
	}
	switch p.OnUnverifiable {
	case UnverifiableStop, UnverifiableContinue:
	default:
		problems = append(problems, Problem{"onUnverifiable", fmt.Sprintf("must be %q or %q, not %q", UnverifiableStop, UnverifiableContinue, p.OnUnverifiable)})
	}
	return problems
}

// shortestUse is the least time that a credential must be in use before the next
// one is due. Wide limits lower it, for tests.
func (p Policy) shortestUse() time.Duration {
	if p.WideLimits {
		return time.Second
	}
	return time.Hour
}

// CheckSense reports policies whose parts contradict each other.
func (p Policy) CheckSense() (problems []Problem) {
	if p.Threshold >= p.Lifetime {
		return []Problem{{"threshold", fmt.Sprintf("must be shorter than the lifetime of %s: a credential would be due before it starts", inWords(p.Lifetime))}}
	}
	start := time.Unix(0, 0)
	due := p.due(start, p.EndOf(start))
	if use := due.At.Sub(start); use < p.shortestUse() {
		problems = append(problems, Problem{"maxLifetime", fmt.Sprintf(
			"leaves %s of use: from %s the threshold or the reserve of %s (delivery allowance and overlap) is taken off; at least %s must remain",
			inWords(use), inWords(p.EndOf(start).Sub(start)), inWords(p.Reserve()), inWords(p.shortestUse()))})
	}
	return problems
}

func (w Waits) check() (problems []Problem) {
	positive := func(field string, d time.Duration) {
		if d <= 0 {
			problems = append(problems, Problem{"waits." + field, "must be longer than 0"})
		}
	}
	positive("verifyEvery", w.VerifyEvery)
	positive("verifyDeadline", w.VerifyDeadline)
	positive("lostAnswer", w.LostAnswer)
	positive("resend", w.Resend)
	positive("retryAfter", w.RetryAfter)
	positive("giveUp", w.GiveUp)
	positive("retryFailed", w.RetryFailed)
	positive("missingAgain", w.MissingAgain)
	positive("gone", w.Gone)
	positive("heartbeat", w.Heartbeat)
	if w.VerifySuccesses < 1 || w.VerifySuccesses > mostTries {
		problems = append(problems, Problem{"waits.verifySuccesses", fmt.Sprintf("must be from 1 to 20, not %d", w.VerifySuccesses)})
	}
	if w.CreateAttempts < 1 || w.CreateAttempts > mostTries {
		problems = append(problems, Problem{"waits.createAttempts", fmt.Sprintf("must be from 1 to 20, not %d", w.CreateAttempts)})
	}
	if w.EmergencyCut < 0 || w.GrantSettles < 0 {
		problems = append(problems, Problem{"waits", "emergencyCut and grantSettles must not be negative"})
	}
	if w.Heartbeat > day {
		problems = append(problems, Problem{"waits.heartbeat", "must be 24 hours or less"})
	}
	return append(problems, w.LookAgain.check()...)
}

// completed returns the waits with the default for each that is none: rows written
// before there was such a wait lack it, and nothing works with a pause of 0.
func (w Waits) completed() Waits {
	usual := DefaultWaits()
	for _, wait := range []struct{ is, usual *time.Duration }{
		{&w.VerifyEvery, &usual.VerifyEvery}, {&w.VerifyDeadline, &usual.VerifyDeadline}, {&w.LostAnswer, &usual.LostAnswer},
		{&w.Resend, &usual.Resend}, {&w.RetryAfter, &usual.RetryAfter}, {&w.GiveUp, &usual.GiveUp}, {&w.RetryFailed, &usual.RetryFailed},
		{&w.MissingAgain, &usual.MissingAgain}, {&w.Gone, &usual.Gone}, {&w.Heartbeat, &usual.Heartbeat},
	} {
		if *wait.is <= 0 {
			*wait.is = *wait.usual
		}
	}
	w.Heartbeat = min(w.Heartbeat, day)
	w.EmergencyCut, w.GrantSettles = max(w.EmergencyCut, 0), max(w.GrantSettles, 0)
	if w.VerifySuccesses < 1 || w.VerifySuccesses > mostTries {
		w.VerifySuccesses = usual.VerifySuccesses
	}
	if w.CreateAttempts < 1 || w.CreateAttempts > mostTries {
		w.CreateAttempts = usual.CreateAttempts
	}
	if len(w.LookAgain.check()) > 0 {
		w.LookAgain = usual.LookAgain
	}
	return w
}

// mostTries is how many tokens in a row, and how many attempts, can be asked for.
const mostTries = 20

// Look is the age at which an attempt is looked for that was looked for n times.
func (l Looks) Look(n int) time.Duration { return l[max(0, min(n, len(l)-1))] }

func (l Looks) check() []Problem {
	if l[0] <= 0 || l[1] <= l[0] || l[2] <= l[1] {
		return []Problem{{"waits.lookAgain", "must be three growing times"}}
	}
	return nil
}

// inWords prints a duration in the unit that a person would use.
func inWords(d time.Duration) string {
	switch {
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d == time.Hour:
		return "1 hour"
	case d > time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return d.String()
	}
}
