package graph

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The documented limits, for a small tenant (under 50 users).
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
const (
	unitsPerApp     = 3_500
	unitsWindow     = 10 * time.Second
	writesPerApp    = 3_000
	writesAppWindow = 150 * time.Second
	writesPerTenant = 18_000
	writesWindow    = 5 * time.Minute
	keyLists        = 150
	keyListsWindow  = time.Minute
	// warnFrom is the share of a limit from which answers report it.
	warnFrom = 0.8
)

// limits counts what each limit has seen in its current window.
type limits struct {
	tenantID string
	mu       sync.Mutex
	windows  map[string]*window
}

type window struct {
	ends  time.Time
	spent int
}

func newLimits(tenantID string) *limits {
	return &limits{tenantID: tenantID, windows: map[string]*window{}}
}

// limit is one that a call counts against.
type limit struct {
	scope, information string
	cost, allowed      int
	length             time.Duration
}

// usage is what a call's answer reports.
type usage struct {
	units int
	share float64
	scope string
}

// spend counts a call against every limit that it falls under, or refuses it.
func (l *limits) spend(r *request, now time.Time) (usage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := usage{units: units(r)}
	applicable := l.applicable(r, used.units)
	for _, one := range applicable {
		w := l.windows[one.scope]
		if w == nil || !now.Before(w.ends) {
			w = &window{ends: now.Add(one.length)}
			l.windows[one.scope] = w
		}
		if w.spent+one.cost > one.allowed {
			return used, throttled(one, used, w.ends.Sub(now))
		}
	}
	for _, one := range applicable {
		w := l.windows[one.scope]
		w.spent += one.cost
		if share := float64(w.spent) / float64(one.allowed); share > used.share {
			used.share, used.scope = share, one.scope
		}
	}
	return used, nil
}

func (l *limits) applicable(r *request, units int) []limit {
	if target := parse(r.path); target.collection == "users" {
		return []limit{l.mailLimit(r.token, target.key.id)}
	}
	all := []limit{{l.scope("Tenant_Application/ReadWrite", r.token.AppID), "ResourceUnitLimitExceeded", units, unitsPerApp, unitsWindow}}
	if r.Method != http.MethodGet {
		all = append(all,
			limit{l.scope("Tenant_Application/Write", r.token.AppID), "WriteLimitExceeded", 1, writesPerApp, writesAppWindow},
			limit{l.scope("Tenant/Write", ""), "WriteLimitExceeded", 1, writesPerTenant, writesWindow})
	} else if r.path == "applications" && strings.Contains(r.URL.Query().Get("$select"), "keyCredentials") {
		all = append(all, limit{l.scope("Tenant/Read/keyCredentials", ""), "ReadLimitExceeded", 1, keyLists, keyListsWindow})
	}
	return all
}

func (l *limits) scope(kind, appID string) string {
	if appID == "" {
		return kind + "/" + l.tenantID
	}
	return kind + "/" + appID + "/" + l.tenantID
}

// units is the cost of a call: lists cost 2, $select and a small $top make it
// cheaper and $expand dearer, but nothing costs less than 1.
func units(r *request) int {
	query, cost := r.URL.Query(), 1
	if target := parse(r.path); r.Method == http.MethodGet && target.key.id == "" {
		cost = 2
	}
	if query.Get("$select") != "" {
		cost--
	}
	if top, err := strconv.Atoi(query.Get("$top")); err == nil && top < 20 {
		cost--
	}
	if query.Get("$expand") != "" {
		cost++
	}
	return max(cost, 1)
}

func throttled(exceeded limit, used usage, wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, code: "TooManyRequests", message: "Too many requests. Please retry after the time that Retry-After says.",
		header: http.Header{
			"Retry-After":               {strconv.FormatFloat(wait.Seconds(), 'f', 3, 64)},
			"X-Ms-Throttle-Scope":       {exceeded.scope},
			"X-Ms-Throttle-Information": {exceeded.information},
			"X-Ms-Resource-Unit":        {strconv.Itoa(used.units)},
		}}
}

// annotate reports the cost, and how much of a limit is used up once it matters.
func (u usage) annotate(header http.Header) http.Header {
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Ms-Resource-Unit", strconv.Itoa(u.units))
	if u.share >= warnFrom {
		header.Set("X-Ms-Throttle-Limit-Percentage", fmt.Sprintf("%.1f", u.share))
		header.Set("X-Ms-Throttle-Scope", u.scope)
	}
	return header
}
