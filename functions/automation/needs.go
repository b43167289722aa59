package automation

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// foreignIdentity refuses rekey's own identity: whoever may write a task could do
// with it what rekey may do.
// https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get
func (c *client) foreignIdentity(ctx context.Context, id string, self []string) error {
	var found struct {
		Properties struct {
			ClientID string `json:"clientId"`
		} `json:"properties"`
	}
	doing := fmt.Sprintf("read identity %q", last(id))
	err := c.get(ctx, doing, id, identityVersion, &found)
	switch {
	case err != nil:
		return withRemedy(err, rotation.Denied, assign("Managed Identity Operator", id))
	case found.Properties.ClientID == "":
		return transient(doing, fmt.Errorf("the answer names no client id"))
	case slices.ContainsFunc(self, func(own string) bool { return strings.EqualFold(own, found.Properties.ClientID) }):
		return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: identity %q is rekey's own", last(id)),
			Remedy: "give the script an identity of its own that may do what the script does and nothing else"}
	}
	return nil
}

// storageKey reads a key of the storage account that a script's files go through.
// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys
func (c *client) storageKey(ctx context.Context, id string) (secret.Value, error) {
	var found struct {
		Keys []struct {
			Value string `json:"value"`
		} `json:"keys"`
	}
	doing := fmt.Sprintf("read the key of storage account %q", last(id))
	err := c.do(ctx, doing, call{method: http.MethodPost, id: id + "/listKeys", version: storageVersion, into: &found})
	if err == nil && (len(found.Keys) == 0 || found.Keys[0].Value == "") {
		err = transient(doing, fmt.Errorf("the answer has none"))
	}
	if err != nil {
		return secret.Value{}, withRemedy(err, rotation.Denied, assign("Storage Account Key Operator Service Role", id))
	}
	return secret.New(found.Keys[0].Value), nil
}
