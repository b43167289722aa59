package entra

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// betaBatchURL is a batch of the version that alone has reports of credentials.
const betaBatchURL = "https://" + graphHost + "/beta/$batch"

// Issuers reads whom up to twenty applications trust in place of a secret, in one
// call.
// https://learn.microsoft.com/graph/api/application-list-federatedidentitycredentials
func (c *Client) Issuers(ctx context.Context, objectIDs []string) (map[string][]string, error) {
	paths := make([]string, len(objectIDs))
	for n, id := range objectIDs {
		paths[n] = "/applications/" + id + "/federatedIdentityCredentials?$select=issuer"
	}
	all := map[string][]string{}
	err := c.batch(ctx, batchURL, paths, func(n int, body []byte) error {
		var page struct {
			Value []struct {
				Issuer string `json:"issuer"`
			} `json:"value"`
		}
		err := json.Unmarshal(body, &page)
		for _, one := range page.Value {
			all[objectIDs[n]] = append(all[objectIDs[n]], shortened(one.Issuer))
		}
		return err
	})
	if err != nil {
		return nil, readFault("federated credentials", err)
	}
	return all, nil
}

// LastUsed reads when the credentials of up to twenty applications were used last, in
// one call: by client id and key id. The report is days behind.
// https://learn.microsoft.com/graph/api/reportroot-list-appcredentialsigninactivities
func (c *Client) LastUsed(ctx context.Context, appIDs []string) (map[string]map[string]time.Time, error) {
	paths := make([]string, len(appIDs))
	for n, id := range appIDs {
		paths[n] = "/reports/appCredentialSignInActivities?$filter=appId%20eq%20'" + id + "'"
	}
	all := map[string]map[string]time.Time{}
	err := c.batch(ctx, betaBatchURL, paths, func(n int, body []byte) (err error) {
		all[appIDs[n]], err = signInsIn(body)
		return err
	})
	if err == nil {
		return all, nil
	}
	err = fault("read", "sign-ins", err)
	if f, ok := errors.AsType[*rotation.Fault](err); ok && f.Class == rotation.Denied && f.Remedy != "" {
		f.Remedy = "grant rekey's identity AuditLog.Read.All on Microsoft Graph"
	}
	return nil, err
}

func signInsIn(body []byte) (map[string]time.Time, error) {
	var page struct {
		Value []struct {
			KeyID    string `json:"keyId"`
			Activity struct {
				At moment `json:"lastSignInDateTime"`
			} `json:"signInActivity"`
		} `json:"value"`
	}
	err := json.Unmarshal(body, &page)
	used := map[string]time.Time{}
	for _, one := range page.Value {
		if at := time.Time(one.Activity.At); at.After(used[one.KeyID]) {
			used[one.KeyID] = at
		}
	}
	return used, err
}
