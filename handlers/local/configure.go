package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/httpfault"
)

// Configure tells rekey, through its API as any user would, to manage every
// application: its targets are saved, and the secret that somebody pasted by hand
// is handed over, before rotation is enabled.
func (s *Stack) Configure(ctx context.Context) error {
	if err := s.configureShared(ctx); err != nil {
		return err
	}
	return s.everyApp(ctx, s.configure)
}

func (s *Stack) configure(ctx context.Context, n int, path string) error {
	if err := s.call(ctx, http.MethodPut, path, settings(n, false, false)); err != nil {
		return err
	}
	goes := s.Tenant.assign(n)
	for id, body := range goes.targets {
		if err := s.call(ctx, http.MethodPut, path+"/targets/"+id, body); err != nil {
			return err
		}
	}
	adopt := map[string]any{"keyId": s.Tenant.Apps[n].Passwords[0].KeyID}
	if err := s.call(ctx, http.MethodPost, path+"/adopt", adopt); err != nil {
		return err
	}
	if goes.later != nil {
		goes.later()
	}
	return s.call(ctx, http.MethodPut, path, settings(n, true, goes.both))
}

// settings are an application's policies, and its window where it has one.
func settings(n int, enabled, both bool) any {
	secret := policyFor(n)
	secret["enabled"] = enabled
	all := map[string]any{"policies": map[string]any{"secret": secret}}
	if both {
		all["policies"] = map[string]any{"secret": secret, "certificate": certificatePolicy()}
	}
	if n == windowed {
		all["windows"] = window(time.Now())
	}
	return all
}

// everyApp does something for each application, several at a time.
func (s *Stack) everyApp(ctx context.Context, do func(ctx context.Context, n int, path string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for n, app := range s.Tenant.Apps {
		group.Go(func() error { return do(ctx, n, "/api/applications/"+app.AppID) })
	}
	return group.Wait()
}

func inHours(d time.Duration) float64 { return float64(d) / float64(time.Hour) }

func policies(secret map[string]any) any {
	return map[string]any{"policies": map[string]any{"secret": secret}}
}

// The fast motion of the demonstration.
const (
	fastLifetime  = 3 * time.Minute
	fastAllowance = 2 * time.Minute
	fastOverlap   = 10 * time.Second
)

// policyFor is a policy in fast motion: a secret lives for minutes, and the old
// one is removed seconds after the new one has arrived. The first application
// keeps a secret for 90 days, so that only its near-expiry event rotates it.
func policyFor(n int) map[string]any {
	if n == 0 {
		return map[string]any{"enabled": true, "lifetimeDays": 90, "overlapHours": inHours(fastOverlap)}
	}
	return map[string]any{
		"enabled": true, "wideLimits": true,
		"lifetimeDays":           inHours(fastLifetime) / 24,
		"thresholdHours":         inHours(20 * time.Second),
		"overlapHours":           inHours(fastOverlap),
		"deliveryAllowanceHours": inHours(fastAllowance),
		"waits": map[string]any{
			"verifyEveryHours": inHours(time.Second),
			"retryAfterHours":  inHours(2 * time.Second),
			"lostAnswerHours":  inHours(5 * time.Second),
			"resendHours":      inHours(30 * time.Second),
		},
	}
}

// certificatePolicy lets a certificate live a little longer than a secret.
func certificatePolicy() map[string]any {
	policy := policyFor(1)
	delete(policy, "thresholdHours")
	policy["lifetimeDays"], policy["thresholdDays"] = inHours(2*fastLifetime)/24, inHours(20*time.Second)/24
	return policy
}

// call sends one request to rekey's API and wants a success. A request that is to
// be repeated after a time is.
func (s *Stack) call(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		again, err := s.send(ctx, method, path, text)
		if err == nil || again == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// send sends a request once. Again is when to repeat one that was put off, or 0.
func (s *Stack) send(ctx context.Context, method, path string, text []byte) (again time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.Endpoints.Host+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode == http.StatusServiceUnavailable {
		again = httpfault.After(response.Header, time.Now())
	}
	if response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return again, err
}

// get reads one answer of rekey's API.
func (s *Stack) get(ctx context.Context, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoints.Host+path, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
