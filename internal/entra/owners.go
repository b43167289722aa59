package entra

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	ownersOnAPage = 999
	// mostOwnerPages is far more than an application has.
	mostOwnerPages = 10
)

// Owners returns the object ids of those who own an application: people and service
// principals. It sends one request for each page.
// https://learn.microsoft.com/graph/api/application-list-owners
func (c *Client) Owners(ctx context.Context, appID string) (owners []string, err error) {
	if uuid.Validate(appID) != nil {
		return nil, rotation.Permanently("graph: read owners of %q: it is not a GUID", appID)
	}
	first := fmt.Sprintf("%s/applications(appId='%s')/owners?$select=id&$top=%d", graphURL, appID, ownersOnAPage)
	page := applications.NewItemOwnersRequestBuilder(first, c.graph)
	for range mostOwnerPages {
		found, err := page.Get(ctx, nil)
		if err == nil && found == nil {
			err = errIncomplete
		}
		if err != nil {
			return nil, fault("read owners of", appID, err)
		}
		for _, owner := range found.GetValue() {
			owners = append(owners, value(owner.GetId()))
		}
		next := value(found.GetOdataNextLink())
		if next == "" {
			return owners, nil
		}
		page = page.WithUrl(next)
	}
	return nil, rotation.Permanently("graph: read owners of %q: there are more than %d pages", appID, mostOwnerPages)
}
