package resourcemanager

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

func scopeSubscription(scope string) string {
	if parts := segments(scope); len(parts) >= 2 && strings.EqualFold(parts[0], "subscriptions") {
		return parts[1]
	}
	return ""
}

// checkScope refuses a scope whose subscription, group or vault does not exist.
// Resources that live elsewhere, such as a vault's secrets, are not looked up.
func (s *Service) checkScope(scope string) error {
	at := s.subscriptions[strings.ToLower(scopeSubscription(scope))]
	parts := segments(scope)
	if at == nil || len(parts) < 4 || !strings.EqualFold(parts[2], "resourceGroups") {
		return nil
	}
	if at.groups[strings.ToLower(parts[3])] == nil {
		return groupNotFound(parts[3])
	}
	path, ofVault := match(vaultPath, "/"+strings.Join(parts[:min(8, len(parts))], "/"))
	if ofVault && s.vaultAt(path) == nil {
		return vaultNotFound(path["group"], path["vault"])
	}
	return nil
}

type pageJSON struct {
	Value    []any  `json:"value"`
	NextLink string `json:"nextLink,omitempty"`
}

// page cuts a list as $top and $skiptoken say. The token is where to go on, so a
// list that changes meanwhile may repeat or miss an element, as Azure's may.
func (s *Service) page(c *call, all []any) (answer, error) {
	query := c.request.URL.Query()
	size := s.options.PageSize
	if top := query.Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 {
			return answer{}, badRequest("InvalidTop", "The value '%s' of $top is not valid.", top)
		}
		size = min(size, n)
	}
	start, err := readToken(query.Get("$skiptoken"))
	if err != nil || start > len(all) {
		return answer{}, badRequest("InvalidSkipToken", "The $skiptoken is not valid.")
	}
	end := min(start+size, len(all))
	p := pageJSON{Value: all[start:end]}
	if end < len(all) {
		query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
		p.NextLink = (&url.URL{Scheme: "https", Host: "management.azure.com", Path: c.request.URL.Path, RawQuery: query.Encode()}).String()
	}
	return ok(p)
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(text))
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}
