package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// vaultCall calls a vault as rekey's identity, through the proxy as any program
// would.
func (s *Stack) vaultCall(ctx context.Context, method, url string, body, answer any) error {
	token, err := s.token(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, url+"?api-version=2025-07-01", bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	return fetch(s.Azure.Cloud.Client(), request, answer)
}

// token gets a token for Key Vault from the identity endpoint.
func (s *Stack) token(ctx context.Context) (string, error) {
	e := s.Azure.Endpoints()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.IdentityEndpoint+"?api-version=2019-08-01&resource=https://vault.azure.net", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-IDENTITY-HEADER", e.IdentityHeader)
	var answer struct {
		Token string `json:"access_token"`
	}
	return answer.Token, fetch(s.client, request, &answer)
}

// fetch sends a request and reads a successful answer.
func fetch(client *http.Client, request *http.Request, answer any) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s", request.Method, request.URL.Path, response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// shorten moves a secret's end to ten days ahead, as somebody with access to the
// vault might; Key Vault then sends SecretNearExpiry.
func (s *Stack) shorten(ctx context.Context, vault, name string) error {
	end := time.Now().Add(10 * 24 * time.Hour).Unix()
	body := map[string]any{"attributes": map[string]any{"exp": end}}
	return s.vaultCall(ctx, http.MethodPatch, "https://"+vault+".vault.azure.net/secrets/"+name+"/", body, nil)
}

// nearExpiry lets the first application's secret near its end once its vault has
// it, so that an event is seen to start a rotation.
func (s *Stack) nearExpiry(ctx context.Context) error {
	for {
		name, version := s.placed(s.Tenant.Apps[0].AppID)
		if version != "" {
			return s.shorten(ctx, rbacVault, name)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// placed finds an application's secret in a vault of a target, and its newest version.
func (s *Stack) placed(appID string) (name, version string) {
	for _, vault := range s.Azure.Vaults.State().Vaults {
		for name, secret := range vault.Secrets {
			newest := secret.Versions[len(secret.Versions)-1]
			if newest.Tags["appId"] == appID && newest.Tags["target"] != "" {
				return name, newest.Version
			}
		}
	}
	return "", ""
}
