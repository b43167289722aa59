package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	day = 24 * time.Hour
	app = "11111111-1111-4111-8111-111111111111"
)

var now = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// said are findings in words.
func said(found []rotation.Finding) (all []string) {
	for _, f := range found {
		all = append(all, string(f.Severity)+" "+f.Subject+": "+f.Finding+"; "+f.Remedy)
	}
	return all
}

// view is a kind with a credential that was made a week ago, as healthy as can be.
func view(change func(*engine.View)) engine.View {
	v := engine.View{Snapshot: rotation.Snapshot{
		Now: now, Kind: rotation.Secret,
		App:     rotation.Application{AppID: app, Policies: map[rotation.Kind]rotation.Policy{rotation.Secret: rotation.DefaultPolicy(rotation.Secret)}},
		Current: &rotation.Rotation{ID: rotation.ID{AppID: app, Kind: rotation.Secret, Generation: 7}, State: rotation.Completed},
	}}
	v.Head.Secret = rotation.KindState{Current: "key", Ledger: []rotation.Entry{{Generation: 7, KeyID: "key", Start: now.Add(-7 * day), End: now.Add(14 * day)}}}
	if change != nil {
		change(&v)
	}
	v.Due = v.Head.Secret.Due(v.Policy())
	return v
}

func TestAStandstillIsFound(t *testing.T) {
	inFlight := func(state rotation.State, ago time.Duration) func(*engine.View) {
		return func(v *engine.View) {
			v.InFlight = &rotation.Rotation{ID: rotation.ID{AppID: app, Kind: rotation.Secret, Generation: 8}, State: state, RequestedAt: now.Add(-ago)}
		}
	}
	delivery := func(state rotation.DeploymentState, ago time.Duration) func(*engine.View) {
		return func(v *engine.View) {
			v.Current.State = rotation.Published
			v.Deployments = []rotation.Deployment{{Rotation: v.Current.ID, Target: "kv", State: state, Reason: "vault: closed", UpdatedAt: now.Add(-ago)}}
		}
	}
	for name, c := range map[string]struct {
		change func(*engine.View)
		want   []string
	}{
		"nothing in flight":               {nil, nil},
		"a rotation that has just begun":  {inFlight(rotation.Requested, 5*time.Minute), nil},
		"a rotation that stands":          {inFlight(rotation.Staged, time.Hour), []string{"error secret: the rotation " + app + ".secret.8 is staged since 2026-02-28T23:00:00Z, longer than its waits explain; look at its lines in the log; if they end, cancel it and ask for a new one"}},
		"one whose attempt is looked for": {func(v *engine.View) { inFlight(rotation.Requested, 12*time.Hour)(v); v.InFlight.AttemptOpen = true }, nil},
		"one that is held back": {func(v *engine.View) {
			inFlight(rotation.Requested, time.Hour)(v)
			v.InFlight.NotBefore = now.Add(time.Minute)
		}, nil},
		"a delivery that is under way":    {delivery(rotation.DeploymentRunning, time.Minute), nil},
		"a delivery that nobody comes to": {delivery(rotation.DeploymentRunning, time.Hour), []string{`error kv: the delivery of ` + app + `.secret.7 to "kv" is running since 2026-02-28T23:00:00Z, and nobody comes back to it; see that messages are received by the function of its integration, and resume the deployment`}},
		"a delivery that failed":          {delivery(rotation.DeploymentFailed, time.Minute), []string{`error kv: the rotation ` + app + `.secret.7 is incomplete: the delivery to "kv" failed: vault: closed; put right what it says, and resume the deployment`}},
		"a delivery with a time to ask at": {func(v *engine.View) {
			delivery(rotation.DeploymentRunning, time.Hour)(v)
			v.Deployments[0].NextAt = now.Add(-time.Minute)
		}, nil},
		"an application that is gone": {func(v *engine.View) { v.Head.Secret.Gone.Since = now.Add(-day) }, []string{"error secret: Microsoft Graph does not know the application since 2026-02-28T00:00:00Z; restore the app registration, or delete the application here"}},
		"a rotation that failed":      {func(v *engine.View) { v.Head.Secret.RetryAt = now.Add(time.Hour) }, []string{"error secret: the last rotation failed; the schedule tries again and again; look at its lines in the log, and put right what they say"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(c.change)
			found := append(judgeInFlight(v, now), judgeCurrent(v, now)...)
			assert.Equal(t, c.want, said(append(found, judgeHead(v, now)...)))
		})
	}
}

func TestWhatIsOverdueIsFound(t *testing.T) {
	late := func(v *engine.View) {
		v.Head.Secret.Ledger[0].Start, v.Head.Secret.Ledger[0].End = now.Add(-22*day), now.Add(2*day)
	}
	const due = "2026-02-27T23:00:00Z"
	for name, c := range map[string]struct {
		change func(*engine.View)
		want   []string
	}{
		"a week old":            {nil, nil},
		"due and not begun":     {late, []string{`error secret: the secret was to be replaced at ` + due + `, and no rotation has begun; see that the functions "sweep" and "rotate" run; ask for a rotation`}},
		"due and begun":         {func(v *engine.View) { late(v); v.InFlight = &rotation.Rotation{} }, nil},
		"due and paused":        {func(v *engine.View) { late(v); v.App.Paused = true }, []string{"warning secret: rotation is paused, and the secret was to be replaced at " + due + "; it ends at 2026-03-03T00:00:00Z; resume it"}},
		"due after a rollback":  {func(v *engine.View) { late(v); v.Head.Secret.SchedulePaused = true }, []string{"warning secret: the schedule is paused since a rollback, and the secret was to be replaced at " + due + "; it ends at 2026-03-03T00:00:00Z; resume the application, or ask for a rotation"}},
		"rolled back, in time":  {func(v *engine.View) { v.Head.Secret.SchedulePaused = true }, nil},
		"ended while in flight": {func(v *engine.View) { late(v); v.Head.Secret.Ledger[0].End = now; v.InFlight = &rotation.Rotation{} }, []string{"error secret: the current secret ended at 2026-03-01T00:00:00Z; rotate it now; what is paused has to be resumed first"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, said(judgeOverdue(view(c.change), now))) })
	}
}

func TestPoliciesAreJudged(t *testing.T) {
	created := now.Add(-365 * day)
	forbids := Policy{Name: "tenant", Enabled: true, Restrictions: []Restriction{{Type: passwordAddition, Enabled: true}}}
	cuts := Policy{Name: "tenant", Enabled: true, Restrictions: []Restriction{{Type: passwordLifetime, Enabled: true, MaxLifetime: 7 * day}, {Type: keyLifetime, Enabled: true, MaxLifetime: 90 * day}}}
	forbidden := []string{`error secret: the app management policy "tenant" forbids client secrets of this application: rekey can add none; assign the application an app management policy of its own in which passwordAddition is disabled, or rotate certificates`}
	younger := func(p Policy, since time.Time) Policy {
		p.Restrictions = []Restriction{p.Restrictions[0]}
		p.Restrictions[0].CreatedAfter = since
		return p
	}
	for name, c := range map[string]struct {
		tenant Policy
		own    []Policy
		kind   rotation.Kind
		want   []string
	}{
		"no policy":                       {Policy{}, nil, rotation.Secret, nil},
		"one that is off":                 {Policy{Restrictions: forbids.Restrictions}, nil, rotation.Secret, nil},
		"passwords forbidden":             {forbids, nil, rotation.Secret, forbidden},
		"passwords forbidden, not keys":   {forbids, nil, rotation.Certificate, nil},
		"for younger applications":        {younger(forbids, created.Add(day)), nil, rotation.Secret, nil},
		"for applications of that age":    {younger(forbids, created), nil, rotation.Secret, forbidden},
		"exempt by a policy of its own":   {forbids, []Policy{{Name: "own", Enabled: true, Restrictions: []Restriction{{Type: passwordAddition}}}}, rotation.Secret, nil},
		"a policy of its own that is off": {forbids, []Policy{{Name: "own", Restrictions: []Restriction{{Type: passwordAddition}}}}, rotation.Secret, forbidden},
		"lifetimes cut":                   {cuts, nil, rotation.Secret, []string{`error secret: the app management policy "tenant" lets a secret live for 7 days, and rekey would ask for 23 days; set maxLifetime of its secret policy to 7 days or less, or exempt the application`}},
		"lifetimes of keys cut":           {cuts, nil, rotation.Certificate, []string{`error certificate: the app management policy "tenant" lets a certificate live for 90 days, and rekey would ask for 365 days; set maxLifetime of its certificate policy to 90 days or less, or exempt the application`}},
		"its own allows a longer one":     {cuts, []Policy{{Name: "own", Enabled: true, Restrictions: []Restriction{{Type: passwordLifetime, Enabled: true, MaxLifetime: 90 * day}}}}, rotation.Secret, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := judgePolicies(c.kind, rotation.DefaultPolicy(c.kind), effective(c.tenant, c.own, created), now)
			assert.Equal(t, c.want, said(found))
		})
	}
	assert.Len(t, judgeTenantPolicy(forbids), 1)
	assert.Empty(t, judgeTenantPolicy(younger(forbids, created)), "judged for each application")
}

func TestSubscriptionsAreJudged(t *testing.T) {
	const event = "Microsoft.KeyVault.SecretNearExpiry"
	at := func(t time.Time) Subscription {
		return Subscription{Function: "NearExpiry", EventTypes: []string{event}, Created: t}
	}
	const missing = `warning kv: no Event Grid subscription brings Microsoft.KeyVault.SecretNearExpiry of vault "shop" to rekey: the timer alone looks after the target; az eventgrid event-subscription create --name rekey --source-resource-id <the id of vault shop> --endpoint-type azurefunction --endpoint <the function app's id>/functions/nearexpiry --included-event-types Microsoft.KeyVault.SecretNearExpiry`
	for name, c := range map[string]struct {
		all  []Subscription
		want []string
	}{
		"none":                              {nil, []string{missing}},
		"one that was there before":         {[]Subscription{at(now.Add(-2 * day))}, nil},
		"one to all events":                 {[]Subscription{{Function: "nearexpiry", Created: now.Add(-2 * day)}}, nil},
		"one that does not say since when":  {[]Subscription{{Function: "nearexpiry"}}, nil},
		"one to somebody else":              {[]Subscription{{Function: "audit", Created: now.Add(-2 * day)}}, []string{missing}},
		"one to other events":               {[]Subscription{{Function: "nearexpiry", EventTypes: []string{"Microsoft.KeyVault.SecretExpired"}, Created: now.Add(-2 * day)}}, []string{missing}},
		"one that is younger":               {[]Subscription{at(now)}, []string{`warning kv: the Event Grid subscription to vault "shop" is younger, of 2026-03-01T00:00:00Z, than the version of 2026-02-28T00:00:00Z: no event comes for that version; nothing needs to be done: the timer looks after it, and the next version has events; a rotation now brings that sooner`}},
		"a younger one beside an older one": {[]Subscription{at(now), at(now.Add(-2 * day))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, said(judgeSubscriptions("kv", "/subscriptions/s/x/shop", event, c.all, now.Add(-day))))
		})
	}
}

func TestTheInstallationIsJudged(t *testing.T) {
	self := Self{ObjectID: "object", AppID: "A", Roles: []string{writeOwned, readPolicies}}
	assert.Empty(t, judgePermissions(self, true))
	assert.Empty(t, judgePermissions(Self{Roles: []string{writeAll}}, false))
	assert.Equal(t, []string{
		"error Application.ReadWrite.OwnedBy: rekey's identity has neither Application.ReadWrite.OwnedBy nor Application.ReadWrite.All: it can write no credential; grant the service principal object the application permission Application.ReadWrite.OwnedBy on Microsoft Graph; a token that rekey has already can be a day old",
		"warning Policy.Read.All: rekey's identity lacks Policy.Read.All: what the tenant's policies forbid is seen only when it is refused; grant the service principal object the application permission Policy.Read.All on Microsoft Graph; a token that rekey has already can be a day old",
	}, said(judgePermissions(Self{ObjectID: "object"}, true)))

	assert.Empty(t, judgeProtected(self, []string{"a"}))
	assert.Equal(t, []string{"warning : rekey runs as A, and nothing keeps it from rotating that: it would lock itself out; add it to REKEY_PROTECTED_APPS"}, said(judgeProtected(self, nil)))

	assert.Empty(t, judgeOwnership(rotation.Application{AppID: "app"}, self, []string{"other", "OBJECT"}))
	assert.Empty(t, judgeOwnership(rotation.Application{AppID: "app"}, Self{Roles: []string{writeAll}}, nil))
	assert.Equal(t, []string{"error : rekey's identity is no owner of the application: it can neither add nor remove a credential; az ad app owner add --id app --owner-object-id object"}, said(judgeOwnership(rotation.Application{AppID: "app"}, self, []string{"other"})))

	assert.Empty(t, judgeClock(now, now.Add(time.Minute)))
	assert.Equal(t, []string{"warning : rekey's clock is more than 1m0s behind that of Entra ID; see that the machine's clock is synchronized"}, said(judgeClock(now, now.Add(61*time.Second))))
	assert.Equal(t, []string{"error : rekey's clock is more than 5m0s ahead of that of Entra ID: credentials could be removed too early; see that the machine's clock is synchronized"}, said(judgeClock(now, now.Add(-301*time.Second))))

	assert.Empty(t, judgeDeadLetters(map[string]int64{"rotation-requests": 0}))
	assert.Equal(t, []string{"warning rotated/vercel: messages of rotated/vercel were given up and lie in its dead-letter queue: 3; read why at /api/deadletters, put that right, and replay or discard them"}, said(judgeDeadLetters(map[string]int64{"rotated/vercel": 3})))

	assert.Empty(t, judgeStaging("staging", Vault{SoftDelete: true, PurgeProtection: true}))
	assert.Equal(t, []string{
		`error certificate: rekey's identity lacks import at the staging vault "staging": no certificate can be staged; assign it Key Vault Secrets Officer and Key Vault Certificates Officer at the vault`,
		`warning staging: the staging vault "staging" lets what is deleted be lost: soft-delete and purge protection are not both on; az keyvault update --name staging --enable-purge-protection true`,
	}, said(judgeStaging("staging", Vault{SoftDelete: true, Lacks: map[rotation.Kind][]string{rotation.Certificate: {"import"}}})))

	assert.Empty(t, judgeSweep(time.Time{}, now))
	assert.Empty(t, judgeSweep(now.Add(-sweepLate), now))
	assert.Len(t, judgeSweep(now.Add(-sweepLate-time.Second), now), 1)
}
