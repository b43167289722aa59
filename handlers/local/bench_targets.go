package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// leastOfDelivery is what the APIs demand at the least of one delivery to each kind
// of place, after the first one there, and why.
var leastOfDelivery = []struct {
	integration string
	hosts       []string
	least       int
	why         string
	target      func(*places, entra.Application) map[string]any
}{
	{"keyvault", []string{policyVault + ".vault.azure.net"}, 1, "set the version",
		func(p *places, _ entra.Application) map[string]any {
			return p.inVault("secret", policyVault, map[string]any{"grant": "none"})
		}},
	{"devops", []string{"dev.azure.com"}, 4, "read, test the new one, put the whole, test the stored one",
		func(p *places, app entra.Application) map[string]any {
			_, body := p.serviceConnection(app, "secret", "bench")
			return body
		}},
	{"vercel", []string{"api.vercel.com"}, 5, "read the entries, edit one, find what to redeploy, redeploy, see it READY",
		func(p *places, _ entra.Application) map[string]any { return p.webProject("bench") }},
	{"apiconnection", []string{"management.azure.com"}, 4, "read the connection, its connector, put the whole, test it",
		func(p *places, app entra.Application) map[string]any { return p.mailConnection(app, "bench") }},
	{"automation", []string{"management.azure.com"}, 4, "see that the machine runs, start the command, read its end, delete it",
		func(p *places, _ entra.Application) map[string]any { return p.task(restartTask) }},
}

// benchDeliveries counts the calls of one delivery to each kind of place.
func (s *Stack) benchDeliveries(ctx context.Context) error {
	if len(s.Tenant.Apps) < len(leastOfDelivery)+3 {
		return nil // too few applications to give each its own
	}
	if err := s.configureShared(ctx); err != nil {
		return err
	}
	fmt.Printf("\noutside calls per delivery, and the least that the APIs allow:\n")
	for n, d := range leastOfDelivery {
		calls, err := s.benchDelivery(ctx, n, d.target, d.hosts)
		if err != nil {
			return fmt.Errorf("%s: %w", d.integration, err)
		}
		report(d.integration, fmt.Sprint(calls), fmt.Sprintf("%d", d.least), float64(calls) <= wantCalls*float64(d.least))
		fmt.Printf("    %s\n", d.why)
	}
	return nil
}

func (s *Stack) benchDelivery(ctx context.Context, n int, target func(*places, entra.Application) map[string]any, hosts []string) (int, error) {
	app := s.Tenant.Apps[benchMember(n)]
	path := "/api/applications/" + app.AppID
	if err := s.call(ctx, http.MethodPut, path+"/targets/bench", target(s.Tenant.places, app)); err != nil {
		return 0, err
	}
	if err := s.rotateOnce(ctx, path); err != nil { // the first delivery there
		return 0, err
	}
	if err := s.rotateOnce(ctx, path); err != nil {
		return 0, err
	}
	if _, err := s.callsTo(ctx, hosts); err != nil {
		return 0, err
	}
	if err := s.rotateOnce(ctx, path); err != nil {
		return 0, err
	}
	return s.callsTo(ctx, hosts)
}

// benchMember picks an application that may deliver there: two are in the Vercel group.
func benchMember(n int) int { return []int{3, 4, 6, 5, 7}[n] }

// rotateOnce asks for a rotation and waits until every target has confirmed it.
func (s *Stack) rotateOnce(ctx context.Context, path string) error {
	if err := s.call(ctx, http.MethodPost, path+"/rotations", map[string]any{"kind": "secret"}); err != nil {
		return err
	}
	for began := time.Now(); ; {
		var page struct {
			Items []struct {
				State string
			}
		}
		if err := s.get(ctx, path+"/rotations?limit=1", &page); err != nil {
			return err
		}
		switch {
		case page.Items[0].State == "completed":
			return nil
		case time.Since(began) > time.Minute:
			return fmt.Errorf("a rotation of %s is %s after a minute", path, page.Items[0].State)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// callsTo counts the calls to hosts since the last time that it was asked.
func (s *Stack) callsTo(ctx context.Context, hosts []string) (count int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoints.Proxy+"/sim/calls?reset=true", nil)
	if err != nil {
		return 0, err
	}
	var all struct {
		Calls []struct {
			Host, Method string
			Count        int
		}
	}
	if err := fetch(s.client, request, &all); err != nil {
		return 0, err
	}
	for _, call := range all.Calls {
		for _, host := range hosts {
			// A vault is also read when it says that a version nears its end.
			if strings.EqualFold(call.Host, host) && !(call.Method == http.MethodGet && strings.HasSuffix(host, ".vault.azure.net")) {
				count += call.Count
			}
		}
	}
	return count, nil
}
