package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/certificate"
)

// managed is one application as those who use it know it.
type managed struct {
	entra.Application // with the foreign credentials that it had at first

	path  string
	hasty bool // its secret lives for a minute or so
	slow  bool // its old credentials live on for a while, and can be rolled back to
	both  bool // its certificate is rotated as well
	adopt bool // its foreign password is handed over
	web   bool // it delivers to Vercel

	mu       sync.Mutex
	targets  map[string]map[string]any // as they are meant to be, by id
	touched  bool                      // somebody changed something, perhaps without an answer
	deleted  map[string]bool           // the targets that somebody deleted: what they hold is not kept alive
	revoking bool                      // there was an emergency: promises 1 and 2 have an exception
}

// shared is what scripts were given, by SHA-256: when, in order.
type shared struct {
	mu  sync.Mutex
	ran map[string]int
}

func (s *shared) onRun(given map[string]string) {
	if value := given["NewSecret"]; value != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ran[digest(value)] = len(s.ran) + 1
	}
}

// soakLatency is an Azure in which everything takes a moment.
func soakLatency() azuresim.Latency {
	return azuresim.Latency{
		Replication: 200 * time.Millisecond, ReadLag: 100 * time.Millisecond, WriteWindow: 20 * time.Millisecond,
		RolePropagation: 300 * time.Millisecond, Recovery: 300 * time.Millisecond, Processing: 200 * time.Millisecond,
		NearExpiry: time.Second, VercelBuild: time.Second, Jobs: 300 * time.Millisecond, EventRetry: 0.05, Limits: true,
	}
}

// populate decides where each application's credentials go, and gives those with
// certificates a foreign one.
func (s *soak) populate() error {
	for n, app := range s.Tenant.Apps {
		m := &managed{
			Application: app, path: "/api/applications/" + app.AppID,
			hasty: n%10 == 1, slow: n%5 == 3, both: n%20 == 4, adopt: n%2 == 0, web: n%10 == 2,
			deleted: map[string]bool{},
		}
		if m.both {
			if err := s.addForeignCertificate(m); err != nil {
				return err
			}
		}
		m.targets = s.placesFor(n, m)
		s.apps = append(s.apps, m)
	}
	return nil
}

// foreignKey is the key of certificates that are not rekey's.
var foreignKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// addForeignCertificate gives an application a certificate that rekey knows nothing of.
func (s *soak) addForeignCertificate(m *managed) error {
	key, err := foreignKey()
	if err != nil {
		return err
	}
	pair, err := certificate.SelfSign(key, certificate.Request{Name: m.DisplayName, Start: time.Now(), End: time.Now().AddDate(1, 0, 0)})
	if err != nil {
		return err
	}
	m.Keys = append(m.Keys, entra.NewKey(pair.Certificate))
	s.Azure.Directory.PutApplication(m.Application)
	return nil
}

// placesFor gives every fifth application a place of another integration beside its
// vault, and every twentieth a certificate in two places.
func (s *soak) placesFor(n int, m *managed) map[string]map[string]any {
	p, name := s.Tenant.places, fmt.Sprintf("soak-%d", n)
	vault := rbacVault
	if n%3 == 0 {
		vault = policyVault
	}
	targets := map[string]map[string]any{"vault": p.inVault("secret", vault, map[string]any{"name": name, "grant": "none"})}
	switch {
	case n%10 == 2:
		targets["web"] = p.webProject(name)
	case n%10 == 5:
		_, targets["pipeline"] = p.serviceConnection(m.Application, "secret", name)
	case n%10 == 7:
		targets["mail"] = p.mailConnection(m.Application, name)
	case n%20 == 9:
		targets["restart"] = p.task(restartTask)
	case m.both:
		targets["certificate"] = p.inVault("certificate", rbacVault, map[string]any{"name": name + "-certificate", "grant": "none"})
		_, targets["signed"] = p.serviceConnection(m.Application, "certificate", name+"-signed")
	}
	return targets
}

// configureAll has rekey manage everything, while all is well.
func (s *soak) configureAll(ctx context.Context) error {
	if err := s.configureShared(ctx); err != nil {
		return err
	}
	if err := s.call(ctx, http.MethodPut, "/api/groups/"+vercelGroup, s.group()); err != nil {
		return err
	}
	return s.everyApp(ctx, func(ctx context.Context, n int, path string) error {
		m := s.apps[n]
		if err := s.call(ctx, http.MethodPut, path, m.policies(false, m.hasty)); err != nil {
			return err
		}
		for id, body := range m.targets {
			if err := s.call(ctx, http.MethodPut, path+"/targets/"+id, body); err != nil {
				return err
			}
		}
		if m.adopt {
			if err := s.call(ctx, http.MethodPost, path+"/adopt", map[string]any{"keyId": m.Passwords[0].KeyID}); err != nil {
				return err
			}
		}
		return s.call(ctx, http.MethodPut, path, m.policies(true, m.hasty))
	})
}

// group lets the applications deliver to Vercel that have a project there.
func (s *soak) group() map[string]any {
	members := []string{}
	for _, m := range s.apps {
		if m.web {
			members = append(members, m.AppID)
		}
	}
	return map[string]any{"name": "Contoso", "team": team, "accessToken": s.Tenant.places.token, "applications": members}
}

// policies are those of the application, whose waits are short. A hasty one's secret
// is replaced within the minute.
func (m *managed) policies(enabled, hasty bool) any {
	common := map[string]any{
		"enabled": enabled, "wideLimits": true, "lifetimeDays": 21, "overlapHours": inHours(3 * time.Second), "deliveryAllowanceHours": 1,
		"waits": map[string]any{
			"verifyEveryHours": inHours(300 * time.Millisecond), "verifyDeadlineHours": inHours(30 * time.Second),
			"lostAnswerHours": inHours(2 * time.Second), "resendHours": inHours(5 * time.Second), "retryAfterHours": inHours(500 * time.Millisecond),
			"lookAgainHours":   []float64{inHours(3 * time.Second), inHours(6 * time.Second), inHours(12 * time.Second)},
			"retryFailedHours": inHours(5 * time.Second), "missingAgainHours": inHours(2 * time.Second), "emergencyCutHours": inHours(5 * time.Second),
		},
	}
	if m.slow {
		common["overlapHours"] = inHours(20 * time.Second)
	}
	secret, certificate := maps.Clone(common), maps.Clone(common)
	secret["thresholdHours"], certificate["thresholdDays"] = 1, 1
	if hasty {
		secret["lifetimeDays"], secret["thresholdHours"] = inHours(time.Minute)/24, inHours(10*time.Second)
		secret["deliveryAllowanceHours"] = inHours(10 * time.Second)
	}
	all := map[string]any{"secret": secret}
	if m.both {
		all["certificate"] = certificate
	}
	return map[string]any{"policies": all}
}
