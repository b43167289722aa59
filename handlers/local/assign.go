package main

import (
	"context"
	"net/http"
	"time"
)

// assigned is where one application's credentials go.
type assigned struct {
	targets map[string]map[string]any // by id
	both    bool                      // certificates are rotated as well
	// later is done once everything is configured, or nil.
	later func()
}

// assign decides where the n-th application's credentials go: the first twelve
// show every integration at least twice, the others go to a vault.
func (t *Tenant) assign(n int) assigned {
	p, app := t.places, t.Apps[n]
	one := func(id string, body map[string]any) assigned {
		return assigned{targets: map[string]map[string]any{id: body}}
	}
	switch n {
	case 1, 8:
		return one("vault", p.inVault("secret", policyVault, nil))
	case 2:
		return t.assignEverything()
	case 3:
		_, pipeline := p.serviceConnection(app, "secret", "warehouse")
		return one("pipeline", pipeline)
	case 4:
		return one("mail", p.mailConnection(app, "mail-gateway"))
	case 5:
		return one("restart", p.task(restartTask))
	case 6:
		return one("web", p.webProject("customer-portal"))
	case 7: // broken on purpose: somebody converts the connection, which then needs no secret
		id, pipeline := p.serviceConnection(app, "secret", "invoices")
		broken := one("pipeline", pipeline)
		broken.later = func() { p.azure.DevOps.Federate(organization, id) }
		return broken
	case 9:
		return one("bridge", p.customConnection(app, "bridge"))
	case 10:
		both := one("third-party", p.task(runbookTask))
		both.targets["vault"] = p.inVault("secret", rbacVault, map[string]any{"name": runbookSecret})
		return both
	case 11:
		feed := one("vault", p.inVault("secret", rbacVault, nil))
		feed.targets["certificate"] = p.inVault("certificate", rbacVault, map[string]any{"name": "partner-feed-certificate"})
		feed.both = true
		return feed
	}
	return one("vault", p.inVault("secret", rbacVault, nil))
}

// runbookSecret is the secret that the runbook reads.
const runbookSecret = "backup-agent"

// assignEverything is one target of each integration, and both kinds.
func (t *Tenant) assignEverything() assigned {
	p, app := t.places, t.Apps[2]
	_, pipeline := p.serviceConnection(app, "secret", "shop")
	_, signed := p.serviceConnection(app, "certificate", "shop-signed")
	return assigned{both: true, targets: map[string]map[string]any{
		"vault":       p.inVault("secret", policyVault, nil),
		"pipeline":    pipeline,
		"web":         p.webProject("web-shop"),
		"mail":        p.mailConnection(app, "shop-mail"),
		"restart":     p.task(restartTask),
		"certificate": p.inVault("certificate", rbacVault, map[string]any{"name": "web-shop-certificate"}),
		"signed":      signed,
	}}
}

// windowed is the application whose deliveries wait for a maintenance window.
const windowed = 8

// window opens a little later, for ten minutes a day.
func window(now time.Time) []map[string]any {
	opens := now.UTC().Add(90 * time.Second)
	return []map[string]any{{"from": opens.Format("15:04"), "to": opens.Add(10 * time.Minute).Format("15:04"), "timeZone": "UTC"}}
}

// configureShared makes what several applications name: the Vercel group and the tasks.
func (s *Stack) configureShared(ctx context.Context) error {
	var members []string
	for _, n := range []int{2, 6} {
		if n < len(s.Tenant.Apps) {
			members = append(members, s.Tenant.Apps[n].AppID)
		}
	}
	p := s.Tenant.places
	for path, body := range map[string]map[string]any{
		"/api/groups/" + vercelGroup: {"name": "Contoso", "team": team, "accessToken": p.token, "applications": members},
		"/api/tasks/" + restartTask: {"name": "Write the configuration and restart", "steps": []any{
			map[string]any{"name": "restart", "powershell": map[string]any{"where": "vm", "vm": p.machine, "script": restartScript}},
		}},
		"/api/tasks/" + runbookTask: {"name": "Tell the third party", "steps": []any{
			map[string]any{"name": "tell", "runbook": map[string]any{"account": p.account, "runbook": "Deliver", "vault": rbacVault, "secretName": runbookSecret}},
		}},
	} {
		if err := s.call(ctx, http.MethodPut, path, body); err != nil {
			return err
		}
	}
	return nil
}

const restartScript = `param([Parameter(Mandatory = $true)][string]$NewSecret)
$file = 'C:\Shop\appsettings.json'
$settings = Get-Content $file | ConvertFrom-Json
$settings.ClientSecret = $NewSecret
$settings | ConvertTo-Json | Set-Content $file
Restart-Service Shop`
