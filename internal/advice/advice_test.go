package advice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func secretOf(start, end time.Duration) inventory.Credential {
	return inventory.Credential{Kind: rotation.Secret, KeyID: fmt.Sprint(start, end), Name: "by hand", Start: now.Add(start), End: now.Add(end)}
}

func TestRulesJudgeOneApplication(t *testing.T) {
	owned := []inventory.Owner{{ID: "ann"}}
	young, fresh := secretOf(-day, 80*day), secretOf(-2*day, 90*day)
	ours := young
	ours.Ours = true
	otherOurs := fresh
	otherOurs.Ours = true
	old := secretOf(-200*day, 100*day)
	for name, c := range map[string]struct {
		facts facts
		want  map[string]string // the finding, by rule
	}{
		"nothing to say":             {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{young}}}, nil},
		"no owner":                   {facts{}, map[string]string{"no-owner": "nobody owns it"}},
		"federated, without secrets": {facts{Application: inventory.Application{Owners: owned}, issuers: []string{"https://x"}}, nil},
		"federated, beside a secret": {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{young}}, issuers: []string{"https://x"}}, map[string]string{"federated-with-secrets": "it trusts https://x in place of a secret, and still has 1 secret that works"}},
		"rekey's overlap":            {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{ours, otherOurs}}}, nil},
		"two secrets":                {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{ours, fresh}}}, map[string]string{"several-secrets": "2 secrets work at the same time, 1 of which rekey did not make"}},
		"expired a week ago":         {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{secretOf(-90*day, -7*day)}}}, nil},
		"expired long ago":           {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{secretOf(-90*day, -60*day), secretOf(-90*day, -50*day)}}}, map[string]string{"expired-credentials": "2 credentials ended long ago, the first on 2026-09-21"}},
		"a year":                     {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{secretOf(-day, 365*day)}}}, nil},
		"two years":                  {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{secretOf(-day, 729*day)}}}, map[string]string{"long-lived-credential": `the secret "by hand" is valid for 730 days`}},
		"a certificate of two years": {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{{Kind: rotation.Certificate, Start: now, End: now.Add(730 * day)}}}}, nil},
		"use is not known":           {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{old}}}, nil},
		"used yesterday":             {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{old}}, used: map[string]time.Time{old.KeyID: now.Add(-day)}}, nil},
		"used long ago":              {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{old}}, used: map[string]time.Time{old.KeyID: now.Add(-100 * day)}}, map[string]string{"unused-credential": `the secret "by hand" works, and was last used on 2026-08-12`}},
		"never used":                 {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{old}}, used: map[string]time.Time{}}, map[string]string{"unused-credential": `the secret "by hand" works, and no sign-in with it is reported`}},
		"new, and not used":          {facts{Application: inventory.Application{Owners: owned, Credentials: []inventory.Credential{young}}, used: map[string]time.Time{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.facts.now, c.facts.AppID, c.facts.Name = now, "app", "App"
			var found map[string]string
			for _, one := range judge(c.facts) {
				if found == nil {
					found = map[string]string{}
				}
				found[one.Rule] = one.Finding
				assert.Equal(t, "App", one.Name)
				assert.NotEmpty(t, one.WayOut)
				assert.Contains(t, one.Page, "https://learn.microsoft.com/")
			}
			assert.Equal(t, c.want, found)
		})
	}
}

// tenant is Graph with a number of applications that nobody owns, each with two secrets.
type tenant struct {
	apps   int
	denied bool
	asked  []int // of how many applications, in each call
}

func id(n int) string { return fmt.Sprintf("%x%07x-0000-4000-8000-000000000000", n%16, n) }

func (g *tenant) Changes(context.Context, string) (c inventory.Changes, err error) {
	c.Next, c.Last = "delta", true
	for n := range g.apps {
		secrets := []inventory.Credential{secretOf(-day, time.Duration(n+1)*day), secretOf(-day, time.Duration(n+2)*day)}
		c.Changes = append(c.Changes, inventory.Change{ObjectID: id(n), AppID: new(id(n)), Name: new("App"), Secrets: &secrets})
	}
	return c, nil
}

func (g *tenant) Owners(context.Context, []string) (map[string][]inventory.Owner, error) {
	return nil, nil
}

func (g *tenant) Issuers(_ context.Context, ids []string) (map[string][]string, error) {
	g.asked = append(g.asked, len(ids))
	return map[string][]string{id(3): {"https://token.actions.githubusercontent.com"}}, nil
}

func (g *tenant) LastUsed(context.Context, []string) (map[string]map[string]time.Time, error) {
	if g.denied {
		return nil, &rotation.Fault{Class: rotation.Denied, Err: errors.New("graph: 403"), Remedy: "grant rekey's identity AuditLog.Read.All"}
	}
	return nil, nil
}

type federable struct{}

func (federable) Advise(_ rotation.Application, t rotation.TargetRow) []rotation.Advice {
	return []rotation.Advice{{Rule: "place-federation", Finding: "it needs none", WayOut: "convert it", Page: "https://example.com"}}
}

// newFinder is a finder over a tenant, in which so many applications are managed with
// a target each.
func newFinder(t *testing.T, g *tenant, managed int) *Finder {
	t.Helper()
	store := &memory.Store{}
	e := &engine.Engine{Store: store, Tenant: "tenant", Installation: "test", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Directory: directory{}, Bus: &memory.Bus{}, CallTimeout: time.Second}
	for n := range managed {
		_, _, err := e.SaveApplication(t.Context(), rotation.Application{AppID: id(n)}, "", "test")
		require.NoError(t, err)
		_, err = e.SaveTarget(t.Context(), id(n), rotation.TargetRow{ID: "place", Integration: "place", Kind: rotation.Secret, Enabled: true}, "", "test")
		require.NoError(t, err)
	}
	i := &inventory.Inventory{Store: store, Directory: g, Known: e, Now: e.Now, Log: e.Log}
	return &Finder{Engine: e, Inventory: i, Integrations: map[string]rotation.Advisor{"place": federable{}}, Graph: g, Now: e.Now}
}

type directory struct{ engine.Directory }

func (directory) Application(_ context.Context, appID string, _ rotation.Kind) (engine.DirectoryApplication, error) {
	return engine.DirectoryApplication{ObjectID: appID, AppID: appID, Name: "App"}, nil
}

// all reads page by page and says rule and application of every finding.
func (f *Finder) all(t *testing.T, limit int) (found []string) {
	t.Helper()
	for cursor, more, pages := "", true, 0; more; pages++ {
		require.Less(t, pages, 1000)
		page, err := f.List(t.Context(), cursor, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Items), limit)
		for _, one := range page.Items {
			found = append(found, one.Rule+" "+one.AppID)
		}
		cursor, more = page.Next, page.Next != ""
		if more {
			require.Regexp(t, CursorForm, cursor)
		}
	}
	return found
}

func TestFindingsComePageByPage(t *testing.T) {
	g := &tenant{apps: 250, denied: true}
	f := newFinder(t, g, 25)
	assert.Equal(t, "inventory-unread ", f.all(t, 100)[0])
	_, err := f.Inventory.Refresh(t.Context(), now.Add(time.Hour))
	require.NoError(t, err)
	want := f.all(t, 1000)
	assert.Equal(t, "sign-ins-unread ", want[0])
	assert.Contains(t, want, "place-federation "+id(24))
	assert.Contains(t, want, "federated-with-secrets "+id(3))
	assert.Contains(t, want, "several-secrets "+id(249))
	assert.Len(t, want, 1+25+250*2+1)
	for _, limit := range []int{1, 7, 100} {
		assert.Equal(t, want, f.all(t, limit), limit)
	}
	assert.LessOrEqual(t, slices.Max(g.asked), inventory.MaxOwners)
}

// One page asks Graph so often and no more, whatever it finds.
func TestAPageLooksAtSoManyApplications(t *testing.T) {
	g := &tenant{apps: 1000}
	f := newFinder(t, g, 0)
	_, err := f.Inventory.Refresh(t.Context(), now.Add(time.Hour))
	require.NoError(t, err)
	page, err := f.List(t.Context(), "", 1000)
	require.NoError(t, err)
	assert.NotEmpty(t, page.Next)
	assert.LessOrEqual(t, len(g.asked), mostChunks)
}

func FuzzCursors(f *testing.F) {
	for _, seed := range []string{"", "0 0 ", "2 3 app.1 " + id(1), "1 99999 " + id(1), "2 0 " + id(1), "9 9 9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := parse(text)
		assert.Less(t, c.phase, 3)
		assert.Equal(t, c, parse(c.String()))
		_, err := newFinder(t, &tenant{}, 1).List(t.Context(), text, 10)
		if err != nil {
			assert.ErrorIs(t, err, inventory.ErrCursor)
		}
	})
}
