package entra

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// The SDK's models cannot tell a list that Graph left out from an empty one, which in
// a delta page is the whole difference, and cost ten times the memory of a page. So
// these calls read JSON themselves, through the same client.

const (
	deltaURL    = graphURL + "/applications/delta"
	deltaSelect = "id,appId,displayName,passwordCredentials,keyCredentials"
	firstDelta  = deltaURL + "?$select=" + deltaSelect
)

// readAll is the least permission that Changes and Owners take.
const readAll = "grant rekey's identity Application.Read.All on Microsoft Graph"

// Changes reads one page of a delta query. A link that Graph knows no longer is an
// inventory.Restart.
// https://learn.microsoft.com/graph/api/application-delta
func (c *Client) Changes(ctx context.Context, link string) (inventory.Changes, error) {
	if link == "" {
		link = firstDelta
	}
	if !isDelta(link) {
		// It comes from a row, and the token goes there.
		return inventory.Changes{}, &inventory.Restart{Err: errors.New("graph: read changes: what was kept is no link of a delta query")}
	}
	var page deltaPage
	if err := c.ask(ctx, http.MethodGet, link, nil, &page); err != nil {
		return inventory.Changes{}, restart(err, link != firstDelta)
	}
	changes, err := page.changes()
	if err != nil {
		return changes, fault("read", "changes", err)
	}
	return changes, nil
}

// isDelta reports whether a link is one that a delta query goes on with.
func isDelta(link string) bool {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host != graphHost {
		return false
	}
	path := strings.TrimSuffix(u.EscapedPath(), "()")
	return path == "/v1.0/applications/delta" || path == "/v1.0/applications/microsoft.graph.delta"
}

// restart makes of a refused link the order to begin anew. Graph may say from where. A
// token that it calls wrong will not become right.
// https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset
func restart(err error, hasToken bool) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || !hasToken || !refused.forgotten() {
		return readFault("changes", err)
	}
	again := &inventory.Restart{Err: readFault("changes", err)}
	if u, err := url.Parse(refused.location); err == nil && isDelta(refused.location) && (u.Query().Get("$skiptoken") != "" || u.Query().Get("$deltatoken") != "") {
		again.Link = refused.location // without a token it would have lost what is selected
	}
	return again
}

// forgotten reports whether Graph no longer knows where a client stands. Without the
// status, the codes say so.
func (r *refusal) forgotten() bool {
	return r.status == http.StatusGone || r.status == http.StatusBadRequest || r.code == "syncStateNotFound" || r.code == "syncStateInvalid" || r.code == "resyncRequired"
}

func readFault(subject string, err error) error {
	err = fault("read", subject, err)
	if f, ok := errors.AsType[*rotation.Fault](err); ok && f.Class == rotation.Denied && f.Remedy != "" {
		f.Remedy = readAll
	}
	return err
}

// deltaPage is a page as Graph answers it. What is not there is not decoded.
type deltaPage struct {
	Value []struct {
		ID        string          `json:"id"`
		Removed   json.RawMessage `json:"@removed"`
		AppID     *string         `json:"appId"`
		Name      *string         `json:"displayName"`
		Passwords *[]datedKey     `json:"passwordCredentials"`
		Keys      *[]datedKey     `json:"keyCredentials"`
	} `json:"value"`
	Next  string `json:"@odata.nextLink"`
	Delta string `json:"@odata.deltaLink"`
}

// datedKey is what a password and a certificate have in common.
type datedKey struct {
	KeyID string  `json:"keyId"`
	Name  *string `json:"displayName"`
	Start moment  `json:"startDateTime"`
	End   moment  `json:"endDateTime"`
}

// moment is a time that Graph may leave out. One that cannot be read is none: a single
// one must not hold back a whole page.
type moment time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(text []byte) error {
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(text))
	if err == nil {
		*m = moment(t.UTC())
	}
	return nil
}

func (p deltaPage) changes() (found inventory.Changes, err error) {
	found.Next, found.Last = p.Next, p.Next == ""
	if found.Last {
		found.Next = p.Delta
	}
	if !isDelta(found.Next) {
		return found, errIncomplete
	}
	for _, one := range p.Value {
		id, err := uuid.Parse(one.ID)
		if err != nil {
			return found, errIncomplete
		}
		change := inventory.Change{ObjectID: id.String(), Removed: one.Removed != nil, Name: one.Name}
		if one.AppID != nil {
			appID, err := uuid.Parse(*one.AppID)
			if err != nil {
				return found, errIncomplete
			}
			change.AppID = new(appID.String())
		}
		change.Secrets = credentials(rotation.Secret, one.Passwords)
		change.Certificates = credentials(rotation.Certificate, one.Keys)
		found.Changes = append(found.Changes, change)
	}
	return found, nil
}

// credentials leaves out what has no key id: nothing could be said of it.
func credentials(kind rotation.Kind, given *[]datedKey) *[]inventory.Credential {
	if given == nil {
		return nil
	}
	all := []inventory.Credential{}
	for _, one := range *given {
		if id, err := uuid.Parse(one.KeyID); err == nil {
			all = append(all, inventory.Credential{
				Kind: kind, KeyID: id.String(), Name: value(one.Name), Start: time.Time(one.Start), End: time.Time(one.End),
			})
		}
	}
	return &all
}

// ask sends one request to Graph and reads its answer.
func (c *Client) ask(ctx context.Context, method, link string, body io.Reader, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, link, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if err := c.identity.sign(ctx, request.Header); err != nil {
		return err
	}
	response, err := c.plain.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}
