package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/inventory"
)

// batchURL takes up to twenty requests in one.
// https://learn.microsoft.com/graph/json-batching
const batchURL = graphURL + "/$batch"

// batched is one request of a batch, and answered its answer.
type batched struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"`
}

type answered struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batch sends GETs together, and gives each answer that was a success to read. What
// does not exist is passed over. One that is refused refuses the batch.
func (c *Client) batch(ctx context.Context, url string, paths []string, read func(n int, body []byte) error) error {
	var wanted struct {
		Requests []batched `json:"requests"`
	}
	for n, path := range paths {
		wanted.Requests = append(wanted.Requests, batched{fmt.Sprint(n), http.MethodGet, path})
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	var given struct {
		Responses []answered `json:"responses"`
	}
	if err := c.ask(ctx, http.MethodPost, url, bytes.NewReader(body), &given); err != nil {
		return err
	}
	left := map[string]int{}
	for n := range paths {
		left[fmt.Sprint(n)] = n
	}
	for _, one := range given.Responses {
		n, asked := left[one.ID]
		if !asked {
			return errIncomplete
		}
		delete(left, one.ID)
		if err := one.taken(n, read); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		return errIncomplete
	}
	return nil
}

func (a answered) taken(n int, read func(n int, body []byte) error) error {
	switch {
	case a.Status == http.StatusNotFound:
		return nil
	case a.Status == http.StatusOK:
		return read(n, a.Body)
	}
	return a.refusal()
}

// refusal is what one request of a batch was refused with.
func (a answered) refusal() *refusal {
	header := http.Header{}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	r := &refusal{status: a.Status, after: httpfault.After(header, time.Now())}
	r.read(a.Body)
	return r
}

// Owners reads the owners of up to twenty applications in one call. A user's names are
// there where rekey may read users too. An application has a hundred owners at most,
// which is one page.
// https://learn.microsoft.com/graph/api/application-list-owners
func (c *Client) Owners(ctx context.Context, objectIDs []string) (map[string][]inventory.Owner, error) {
	paths := make([]string, len(objectIDs))
	for n, id := range objectIDs {
		paths[n] = "/applications/" + id + "/owners?$select=id,displayName,userPrincipalName"
	}
	all := map[string][]inventory.Owner{}
	err := c.batch(ctx, batchURL, paths, func(n int, body []byte) (err error) {
		all[objectIDs[n]], err = ownersIn(body)
		return err
	})
	if err != nil {
		return nil, readFault("owners", err)
	}
	return all, nil
}

func ownersIn(body []byte) ([]inventory.Owner, error) {
	var page struct {
		Value []struct {
			Type string  `json:"@odata.type"`
			ID   string  `json:"id"`
			Name *string `json:"displayName"`
			User *string `json:"userPrincipalName"`
		} `json:"value"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, err
	}
	owners := []inventory.Owner{}
	for _, one := range page.Value {
		id, err := uuid.Parse(one.ID)
		if err != nil {
			return nil, errIncomplete
		}
		owners = append(owners, inventory.Owner{
			ID: id.String(), Name: value(one.Name), User: value(one.User), Kind: strings.TrimPrefix(one.Type, "#microsoft.graph."),
		})
	}
	return owners, nil
}
