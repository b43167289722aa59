package devops

import (
	"net/http"
	"strings"
)

// route is one operation. In its template {name} stands for one segment; the
// other segments match without case.
type route struct {
	method, host, template string
	resourceVersion        int // the highest N of api-version=7.1-preview.N
	handle                 func(*call) (any, error)
}

func (s *Service) allRoutes() []route {
	return []route{
		{http.MethodOptions, Host, "/{org}/_apis", 1, s.locations},
		{http.MethodGet, Host, "/{org}/_apis/resourceAreas", 1, s.resourceAreas},
		{http.MethodGet, Host, "/{org}/_apis/projects", 4, s.listProjects},
		{http.MethodGet, Host, "/{org}/_apis/projects/{project}", 4, s.getProject},
		{http.MethodPut, Host, "/{org}/_apis/serviceendpoint/endpoints/{endpoint}", 4, s.putConnection},
		{http.MethodGet, Host, "/{org}/{project}/_apis/serviceendpoint/endpoints", 4, s.listConnections},
		{http.MethodGet, Host, "/{org}/{project}/_apis/serviceendpoint/endpoints/{endpoint}", 4, s.getConnection},
		{http.MethodPost, Host, "/{org}/{project}/_apis/serviceendpoint/endpointproxy", 1, s.proxyRequest},
		{http.MethodOptions, ProfileHost, "/_apis", 1, s.locations},
		{http.MethodGet, ProfileHost, "/_apis/resourceAreas", 1, s.resourceAreas},
		{http.MethodGet, ProfileHost, "/_apis/profile/profiles/{id}", 3, s.getProfile},
		{http.MethodGet, ProfileHost, "/_apis/accounts", 1, s.listAccounts},
	}
}

func (s *Service) match(r *http.Request) (*route, map[string]string) {
	for i, candidate := range s.routes {
		onProfiles := strings.EqualFold(r.Host, ProfileHost)
		if candidate.method != r.Method || onProfiles != (candidate.host == ProfileHost) {
			continue
		}
		if path, ok := matchPath(candidate.template, r.URL.Path); ok {
			return &s.routes[i], path
		}
	}
	return nil, nil
}

// matchPath returns what a path has in the place of a template's placeholders.
func matchPath(template, path string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(have) {
		return nil, false
	}
	found := map[string]string{}
	for i, segment := range want {
		switch name, isPlace := strings.CutPrefix(segment, "{"); {
		case isPlace && have[i] != "":
			found[strings.TrimSuffix(name, "}")] = have[i]
		case !strings.EqualFold(segment, have[i]):
			return nil, false
		}
	}
	return found, true
}
