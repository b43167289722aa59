package keyvault

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const pageSize = 25 // the default and the most

var noTime time.Time

type page struct {
	Value    []any   `json:"value"`
	NextLink *string `json:"nextLink"`
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets
// https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificates
func (s *Service) list(c *call) (any, error) {
	items := map[string]any{}
	for key, found := range c.held.objects {
		if found.phase(c.now, c.vault, s.options.DeletionDelay) == active && c.sees(found) {
			items[key] = c.item(found)
		}
	}
	return c.page(items)
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions
func (s *Service) listVersions(c *call) (any, error) {
	found, stands := c.find(s)
	if stands != active {
		return nil, c.notFound(c.name())
	}
	items := map[string]any{}
	for _, v := range found.versions {
		items[v.id] = c.properties(found, v)
	}
	return c.page(items)
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secrets
func (s *Service) listDeleted(c *call) (any, error) {
	items := map[string]any{}
	for key, found := range c.held.objects {
		if found.phase(c.now, c.vault, s.options.DeletionDelay) == deleted && c.sees(found) {
			items[key] = c.asDeleted(found, c.item(found))
		}
	}
	return c.page(items)
}

// page cuts the items, in the order of their keys, as maxresults and $skiptoken say.
func (c *call) page(items map[string]any) (any, error) {
	query := c.request.URL.Query()
	size, err := maxResults(query.Get("maxresults"))
	if err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(query.Get("$skiptoken"))
	if err != nil {
		return nil, badParameter("The $skiptoken is not valid.")
	}
	keys := slices.Sorted(maps.Keys(items))
	if len(after) > 0 {
		keys = slices.DeleteFunc(keys, func(key string) bool { return key <= string(after) })
	}
	p := page{Value: []any{}}
	for _, key := range keys[:min(size, len(keys))] {
		p.Value = append(p.Value, items[key])
	}
	if size < len(keys) {
		p.NextLink = c.nextLink(query.Get("api-version"), keys[size-1], size)
	}
	return p, nil
}

// nextLink names the port, as the service does.
func (c *call) nextLink(version, last string, size int) *string {
	token := base64.RawURLEncoding.EncodeToString([]byte(last))
	link := fmt.Sprintf("%s:443%s?api-version=%s&$skiptoken=%s&maxresults=%d",
		c.base(), c.request.URL.EscapedPath(), url.QueryEscape(version), token, size)
	return &link
}

func maxResults(text string) (int, error) {
	if text == "" {
		return pageSize, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageSize {
		return 0, badParameter("The parameter maxresults must be between 1 and %d.", pageSize)
	}
	return n, nil
}
