package advice

import (
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const day = 24 * time.Hour

// What the rules go by.
const (
	unusedFor = 90 * day // a credential that nobody needs, rather than one for each quarter
	cleanedUp = 30 * day // an expired credential that somebody still looks at
	// longSecret and longCertificate are what Microsoft's default policies recommend at most.
	// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
	longSecret      = 366 * day
	longCertificate = 3 * 366 * day
)

// The vendor's pages.
const (
	pageHygiene    = "https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration"
	pageFederation = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	pageUnused     = "https://learn.microsoft.com/entra/identity/monitoring-health/recommendation-remove-unused-credential-from-apps"
	pageReports    = "https://learn.microsoft.com/graph/api/reportroot-list-appcredentialsigninactivities"
	pageDelta      = "https://learn.microsoft.com/graph/delta-query-overview"
)

// facts are what is known of one app registration.
type facts struct {
	inventory.Application
	now time.Time
	// issuers are those that the application trusts in place of a secret.
	issuers []string
	// used is when each credential was used last, by key id; nil where that is not known.
	used map[string]time.Time
}

func (f facts) live(kind rotation.Kind) (all []inventory.Credential) {
	for _, c := range f.Credentials {
		if c.Kind == kind && f.now.Before(c.End) {
			all = append(all, c)
		}
	}
	return all
}

// rules judge an app registration, in the order in which their findings are shown.
var rules = [...]func(facts) []rotation.Advice{federated, several, unused, expired, longLived, ownerless}

// judge is what all rules find.
func judge(f facts) (all []rotation.Advice) {
	for _, rule := range rules {
		for _, found := range rule(f) {
			found.AppID, found.Name = f.AppID, f.Name
			all = append(all, found)
		}
	}
	return all
}

func federated(f facts) []rotation.Advice {
	secrets := f.live(rotation.Secret)
	if len(f.issuers) == 0 || len(secrets) == 0 {
		return nil
	}
	return []rotation.Advice{{
		Rule: "federated-with-secrets", Page: pageFederation,
		Finding: fmt.Sprintf("it trusts %s in place of a secret, and still has %s", f.issuers[0], counted(len(secrets), "secret that works", "secrets that work")),
		WayOut:  "find out who still signs in with the secret, move it to the federated credential, and remove the secret",
	}}
}

// several leaves rekey's own overlap alone.
func several(f facts) []rotation.Advice {
	foreign := 0
	secrets := f.live(rotation.Secret)
	for _, c := range secrets {
		if !c.Ours {
			foreign++
		}
	}
	if len(secrets) < 2 || foreign == 0 {
		return nil
	}
	return []rotation.Advice{{
		Rule: "several-secrets", Page: pageHygiene,
		Finding: fmt.Sprintf("%d secrets work at the same time, %d of which rekey did not make", len(secrets), foreign),
		WayOut:  "give each consumer an application of its own, or remove the secrets that nobody uses",
	}}
}

func unused(f facts) (all []rotation.Advice) {
	if f.used == nil {
		return nil
	}
	for _, c := range f.Credentials {
		last, known := f.used[c.KeyID]
		if !f.now.Before(c.End) || f.now.Sub(c.Start) < unusedFor || known && f.now.Sub(last) < unusedFor {
			continue
		}
		finding := fmt.Sprintf("the %s %q works, and no sign-in with it is reported", c.Kind, c.Name)
		if known {
			finding = fmt.Sprintf("the %s %q works, and was last used on %s", c.Kind, c.Name, last.UTC().Format(time.DateOnly))
		}
		all = append(all, rotation.Advice{
			Rule: "unused-credential", KeyID: c.KeyID, Page: pageUnused, Finding: finding, WayOut: "remove it, after asking the application's owners",
		})
	}
	return all
}

func expired(f facts) []rotation.Advice {
	count, first := 0, inventory.Credential{}
	for _, c := range f.Credentials {
		if !c.End.IsZero() && f.now.Sub(c.End) > cleanedUp {
			if count == 0 {
				first = c
			}
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return []rotation.Advice{{
		Rule: "expired-credentials", KeyID: first.KeyID, Page: pageHygiene,
		Finding: fmt.Sprintf("%s long ago, the first on %s", counted(count, "credential ended", "credentials ended"), first.End.UTC().Format(time.DateOnly)),
		WayOut:  "remove what has ended: it hides what still works",
	}}
}

func longLived(f facts) (all []rotation.Advice) {
	longest := map[rotation.Kind]time.Duration{rotation.Secret: longSecret, rotation.Certificate: longCertificate}
	for _, c := range f.Credentials {
		if lives := c.End.Sub(c.Start); f.now.Before(c.End) && lives > longest[c.Kind] {
			all = append(all, rotation.Advice{
				Rule: "long-lived-credential", KeyID: c.KeyID, Page: pageHygiene,
				Finding: fmt.Sprintf("the %s %q is valid for %d days", c.Kind, c.Name, int(lives/day)),
				WayOut:  "let rekey rotate it, or replace it by one with a shorter life",
			})
		}
	}
	return all
}

func ownerless(f facts) []rotation.Advice {
	if len(f.Owners) > 0 {
		return nil
	}
	return []rotation.Advice{{
		Rule: "no-owner", Page: pageHygiene, Finding: "nobody owns it",
		WayOut: "make somebody its owner who can say what it is for, or delete it",
	}}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
