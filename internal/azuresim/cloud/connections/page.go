package connections

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// page cuts a list as $top and $skiptoken say.
func (s *Service) page(r *resourcemanager.Request, all []any) (int, any, error) {
	query := r.URL.Query()
	size := s.options.PageSize
	if top := query.Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 {
			return 0, nil, badRequest("InvalidTop", "The value '%s' of $top is not valid.", top)
		}
		size = min(size, n)
	}
	start, err := readToken(query.Get("$skiptoken"))
	if err != nil || start > len(all) {
		return 0, nil, badRequest("InvalidSkipToken", "The $skiptoken is not valid.")
	}
	end := min(start+size, len(all))
	page := map[string]any{"value": append([]any{}, all[start:end]...)}
	if end < len(all) {
		query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
		page["nextLink"] = (&url.URL{Scheme: "https", Host: "management.azure.com", Path: r.URL.Path, RawQuery: query.Encode()}).String()
	}
	return http.StatusOK, page, nil
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(plain))
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

func badRequest(code, format string, args ...any) error {
	return resourcemanager.Refuse(http.StatusBadRequest, code, format, args...)
}
