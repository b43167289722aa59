package advice

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Finder finds what there is to advise. All fields are set by whoever makes it.
type Finder struct {
	Engine       *engine.Engine
	Inventory    *inventory.Inventory
	Integrations map[string]rotation.Advisor // by the integration's word
	Graph        Graph
	Now          func() time.Time
}

// Graph is Microsoft Graph, as far as it tells what else an application signs in
// with. Its errors are Faults. Either is asked of up to inventory.MaxOwners
// applications at a time.
type Graph interface {
	// Issuers reads whom applications trust in place of a secret, by object id.
	Issuers(ctx context.Context, objectIDs []string) (map[string][]string, error)
	// LastUsed reads when each credential of applications was used last, by client
	// id and key id.
	LastUsed(ctx context.Context, appIDs []string) (map[string]map[string]time.Time, error)
}

// Page is a page of findings.
type Page struct {
	Items []rotation.Advice
	// Next goes on behind this page, or is empty after the last one. A page that has
	// one may be short, even empty.
	Next string
}

// mostChunks is how many applications times twenty one page looks at.
const mostChunks = 10

// cursor is where a page goes on: in a phase, behind what was looked at, and behind so
// many findings of what comes next.
type cursor struct {
	phase int
	skip  int
	from  string
}

// phases are what is looked at, one after the other: the tenant, the targets of the
// managed applications, and the app registrations.
func (f *Finder) phases() []func(ctx context.Context, from string) (found []rotation.Advice, next string, err error) {
	return []func(context.Context, string) ([]rotation.Advice, string, error){f.ofTenant, f.ofTargets, f.ofRegistrations}
}

// CursorForm is what a cursor looks like.
var CursorForm = regexp.MustCompile(`^[0-2] [0-9]{1,5} ([0-9a-f-]{36}|app\.[0-9a-f] [0-9a-f-]{36})?$`)

func (c cursor) String() string { return fmt.Sprintf("%d %d %s", c.phase, c.skip, c.from) }

// parse reads what String wrote; what has another form is the beginning.
func parse(text string) (c cursor) {
	if !CursorForm.MatchString(text) {
		return cursor{}
	}
	parts := strings.SplitN(text, " ", 3)
	c.phase, _ = strconv.Atoi(parts[0])
	c.skip, _ = strconv.Atoi(parts[1])
	c.from = parts[2]
	return c
}

// List returns a page of findings, from the one after a cursor.
func (f *Finder) List(ctx context.Context, from string, limit int) (page Page, err error) {
	at := parse(from)
	phases := f.phases()
	for range mostChunks {
		found, next, err := phases[at.phase](ctx, at.from)
		if err != nil {
			return page, err
		}
		found = found[min(at.skip, len(found)):] // there may be fewer than a moment ago
		if room := limit - len(page.Items); len(found) > room {
			page.Items = append(page.Items, found[:room]...)
			at.skip += room
			page.Next = at.String()
			return page, nil
		}
		page.Items = append(page.Items, found...)
		if at = (cursor{phase: at.phase, from: next}); next == "" {
			at.phase++
		}
		if at.phase == len(phases) {
			return page, nil
		}
	}
	page.Next = at.String()
	return page, nil
}

// together is how many applications are looked at together: as many as Graph is asked
// about in one batch.
const together = inventory.MaxOwners

// ofTargets asks the integrations about the targets of managed applications.
func (f *Finder) ofTargets(ctx context.Context, from string) (found []rotation.Advice, next string, err error) {
	apps, next, err := f.Engine.Applications(ctx, from, together)
	if err != nil {
		return nil, "", err
	}
	for _, app := range apps {
		targets, err := f.Engine.TargetsOf(ctx, app.AppID)
		if err != nil {
			return nil, "", err
		}
		for _, t := range targets {
			advisor, ok := f.Integrations[t.Integration]
			if !ok || !t.Enabled {
				continue
			}
			for _, one := range advisor.Advise(app, t) {
				one.AppID, one.Name, one.Target = app.AppID, app.Name, t.ID
				found = append(found, one)
			}
		}
	}
	return found, next, nil
}

// ofRegistrations judges app registrations.
func (f *Finder) ofRegistrations(ctx context.Context, from string) (found []rotation.Advice, next string, err error) {
	page, err := f.Inventory.List(ctx, inventory.Query{}, from, together)
	if err != nil {
		return nil, "", err
	}
	all, err := f.gather(ctx, page.Items)
	if err != nil {
		return nil, "", err
	}
	for _, one := range all {
		found = append(found, judge(one)...)
	}
	return found, page.Next, nil
}
