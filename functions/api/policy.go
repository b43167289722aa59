package api

import (
	"encoding/json"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Policies are the policies of one application. A kind that is left out is not
// rotated.
type Policies struct {
	Secret      *SecretPolicy      `json:"secret,omitempty"`
	Certificate *CertificatePolicy `json:"certificate,omitempty"`
}

// SecretPolicy is the policy of an application's client secret.
type SecretPolicy struct {
	ThresholdHours hours `json:"thresholdHours" required:"false" doc:"How long before the end of its lifetime a secret is replaced"`
	CommonPolicy
}

// CertificatePolicy is the policy of an application's certificate.
type CertificatePolicy struct {
	ThresholdDays days `json:"thresholdDays" required:"false" doc:"How long before the end of its lifetime a certificate is replaced"`
	KeyBits       int  `json:"keyBits" required:"false" enum:"2048,3072,4096" doc:"The length of its RSA key"`
	CommonPolicy
}

// CommonPolicy is what policies of all kinds have.
type CommonPolicy struct {
	Enabled                bool                        `json:"enabled" required:"false" doc:"Whether credentials of this kind are rotated"`
	LifetimeDays           days                        `json:"lifetimeDays" required:"false" doc:"How long a credential is used, threshold included"`
	OverlapHours           hours                       `json:"overlapHours" required:"false" doc:"How long the old credential stays valid after the last target confirmed the new one"`
	DeliveryAllowanceHours hours                       `json:"deliveryAllowanceHours" required:"false" doc:"How long the delivery to all targets may take"`
	MaxLifetimeDays        *days                       `json:"maxLifetimeDays" required:"false" nullable:"true" minimum:"0.0001" doc:"Cuts a credential's end, as a tenant's policy does; null cuts nothing"`
	WideLimits             bool                        `json:"wideLimits" required:"false" doc:"Permits lifetimes and thresholds outside the usual range, for tests"`
	OnNearExpiry           rotation.NearExpiryAction   `json:"onNearExpiry,omitempty" enum:"rotate,checkDue" doc:"What a Key Vault near-expiry event does; left out, it depends on the lifetime"`
	OnUnverifiable         rotation.UnverifiableAction `json:"onUnverifiable" required:"false" enum:"stop,continue" doc:"What happens with a credential that nobody could get a token with"`
	Waits                  Waits                       `json:"waits" required:"false" doc:"The pauses and patiences of a rotation"`
}

// Waits are the pauses and patiences of a rotation.
type Waits struct {
	VerifyEveryHours    hours    `json:"verifyEveryHours" required:"false" doc:"Between two tries to get a token"`
	VerifyDeadlineHours hours    `json:"verifyDeadlineHours" required:"false" doc:"After that an attempt is given up"`
	VerifySuccesses     int      `json:"verifySuccesses" required:"false" doc:"Tokens in a row that prove a credential"`
	CreateAttempts      int      `json:"createAttempts" required:"false" doc:"Attempts to create a credential"`
	LostAnswerHours     hours    `json:"lostAnswerHours" required:"false" doc:"For so long a lost answer may still take effect"`
	LookAgainHours      [3]hours `json:"lookAgainHours" required:"false" nullable:"false" doc:"Ages at which an attempt of unknown outcome is looked for"`
	ResendHours         hours    `json:"resendHours" required:"false" doc:"A deployment without an answer is sent again"`
	RetryAfterHours     hours    `json:"retryAfterHours" required:"false" doc:"First wait after a transient error; it doubles"`
	GiveUpHours         hours    `json:"giveUpHours" required:"false" doc:"Age at which a deployment fails"`
	GrantSettlesHours   hours    `json:"grantSettlesHours" required:"false" doc:"A refusal so soon after rekey's own grant is transient"`
	RetryFailedHours    hours    `json:"retryFailedHours" required:"false" doc:"A failed rotation is tried again"`
	MissingAgainHours   hours    `json:"missingAgainHours" required:"false" doc:"Between the two reads that prove a credential gone"`
	GoneHours           hours    `json:"goneHours" required:"false" doc:"An application answers 404 for so long: it is gone"`
	EmergencyCutHours   hours    `json:"emergencyCutHours" required:"false" doc:"From an emergency's publication to the revocation"`
	HeartbeatHours      hours    `json:"heartbeatHours" required:"false" doc:"Every application is looked at so often"`
}

// UnmarshalJSON reads a policy over the defaults.
func (p *SecretPolicy) UnmarshalJSON(text []byte) error {
	type fields SecretPolicy
	*p = secretPolicyOf(rotation.DefaultPolicy(rotation.Secret))
	return json.Unmarshal(text, (*fields)(p))
}

// UnmarshalJSON reads a policy over the defaults.
func (p *CertificatePolicy) UnmarshalJSON(text []byte) error {
	type fields CertificatePolicy
	*p = certificatePolicyOf(rotation.DefaultPolicy(rotation.Certificate))
	return json.Unmarshal(text, (*fields)(p))
}

func policiesOf(all map[rotation.Kind]rotation.Policy) (policies Policies) {
	if p, ok := all[rotation.Secret]; ok {
		secret := secretPolicyOf(p)
		policies.Secret = &secret
	}
	if p, ok := all[rotation.Certificate]; ok {
		certificate := certificatePolicyOf(p)
		policies.Certificate = &certificate
	}
	return policies
}

func (p Policies) domain() map[rotation.Kind]rotation.Policy {
	all := map[rotation.Kind]rotation.Policy{}
	if p.Secret != nil {
		policy := p.Secret.CommonPolicy.domain()
		policy.Threshold = p.Secret.ThresholdHours.duration()
		all[rotation.Secret] = policy
	}
	if p.Certificate != nil {
		policy := p.Certificate.CommonPolicy.domain()
		policy.Threshold = p.Certificate.ThresholdDays.duration()
		policy.KeyBits = p.Certificate.KeyBits
		all[rotation.Certificate] = policy
	}
	return all
}

func secretPolicyOf(p rotation.Policy) SecretPolicy {
	return SecretPolicy{hours(p.Threshold), commonPolicyOf(p)}
}

func certificatePolicyOf(p rotation.Policy) CertificatePolicy {
	return CertificatePolicy{days(p.Threshold), p.KeyBits, commonPolicyOf(p)}
}

func commonPolicyOf(p rotation.Policy) CommonPolicy {
	common := CommonPolicy{
		Enabled: p.Enabled, LifetimeDays: days(p.Lifetime), OverlapHours: hours(p.Overlap),
		DeliveryAllowanceHours: hours(p.DeliveryAllowance), WideLimits: p.WideLimits,
		OnNearExpiry: p.OnNearExpiry, OnUnverifiable: p.OnUnverifiable, Waits: waitsOf(p.Waits),
	}
	if p.MaxLifetime > 0 {
		longest := days(p.MaxLifetime)
		common.MaxLifetimeDays = &longest
	}
	return common
}

func (p CommonPolicy) domain() rotation.Policy {
	policy := rotation.Policy{
		Enabled: p.Enabled, Lifetime: p.LifetimeDays.duration(), Overlap: p.OverlapHours.duration(),
		DeliveryAllowance: p.DeliveryAllowanceHours.duration(), WideLimits: p.WideLimits,
		OnNearExpiry: p.OnNearExpiry, OnUnverifiable: p.OnUnverifiable, Waits: p.Waits.domain(),
	}
	if p.MaxLifetimeDays != nil {
		policy.MaxLifetime = p.MaxLifetimeDays.duration()
	}
	return policy
}
