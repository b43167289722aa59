package resourcemanager

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// route is one operation: its template's fixed segments match without case, and
// {scope} in front stands for any number of segments.
type route struct {
	method   string
	template string
	provider provider
	handle   func(*call) (answer, error)
}

const (
	subscriptionPath = "/subscriptions/{subscription}"
	groupPath        = subscriptionPath + "/resourceGroups/{group}"
	keyVaultPath     = "/providers/Microsoft.KeyVault"
	vaultPath        = groupPath + keyVaultPath + "/vaults/{vault}"
	assignmentsPath  = "{scope}/providers/Microsoft.Authorization/roleAssignments"
	definitionsPath  = "{scope}/providers/Microsoft.Authorization/roleDefinitions"
)

func (s *Service) allRoutes() []route {
	return slices.Concat(
		[]route{
			{"GET", "/subscriptions", resources, s.listSubscriptions},
			{"GET", subscriptionPath, resources, s.getSubscription},
			{"GET", subscriptionPath + "/resourceGroups", resources, s.listGroups},
			{"GET", groupPath, resources, s.getGroup},
			{"PUT", groupPath, resources, s.putGroup},
			{"GET", subscriptionPath + "/resources", resources, s.listResources},
			{"GET", subscriptionPath + "/providers/{namespace}", resources, s.getProvider},
		},
		s.vaultRoutes(),
		[]route{
			{"GET", assignmentsPath, authorization, s.listAssignments},
			{"GET", assignmentsPath + "/{name}", authorization, s.getAssignment},
			{"PUT", assignmentsPath + "/{name}", authorization, s.putAssignment},
			{"DELETE", assignmentsPath + "/{name}", authorization, s.deleteAssignment},
			{"GET", "{scope}/providers/Microsoft.Authorization/permissions", authorization, s.listPermissions},
			{"GET", definitionsPath, authorization, s.listDefinitions},
			{"GET", definitionsPath + "/{name}", authorization, s.getDefinition},
		},
	)
}

func (s *Service) route(r *http.Request) (route, map[string]string, error) {
	methodAllowed := true
	for _, candidate := range s.routes {
		path, matches := match(candidate.template, r.URL.Path)
		switch {
		case matches && candidate.method == r.Method:
			return candidate, path, nil
		case matches:
			methodAllowed = false
		}
	}
	if !methodAllowed {
		return route{}, nil, refuse(http.StatusMethodNotAllowed, "HttpMethodNotAllowed", "The HTTP method '%s' is not allowed for '%s'.", r.Method, r.URL.Path)
	}
	return route{}, nil, refuse(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found for the request path '%s'.", r.URL.Path)
}

// match ignores doubled slashes, which SDKs send when a scope begins with one.
func match(template, path string) (map[string]string, bool) {
	want, have := segments(template), segments(path)
	found := map[string]string{}
	if want[0] == "{scope}" {
		want = want[1:]
		head := len(have) - len(want)
		if head < 0 {
			return nil, false
		}
		found["scope"] = "/" + strings.Join(have[:head], "/")
		have = have[head:]
	}
	if len(want) != len(have) {
		return nil, false
	}
	for i, segment := range want {
		switch {
		case strings.HasPrefix(segment, "{"):
			found[strings.Trim(segment, "{}")] = have[i]
		case !strings.EqualFold(segment, have[i]):
			return nil, false
		}
	}
	return found, true
}

func segments(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}

// provider is a family of resource types that share their api-versions.
type provider struct {
	resourceType string
	versions     []string
}

var (
	resources = provider{"resources", strings.Fields(`
		2015-01-01 2015-11-01 2016-02-01 2016-06-01 2016-07-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01
		2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-10-01 2019-11-01 2020-01-01 2020-06-01
		2020-08-01 2020-09-01 2020-10-01 2021-01-01 2021-04-01 2022-01-01 2022-06-01 2022-09-01 2022-12-01
		2023-07-01 2024-03-01 2024-07-01 2024-08-01 2024-11-01 2025-03-01 2025-04-01`)}
	keyVault = provider{"vaults", strings.Fields(`
		2016-10-01 2018-02-14 2019-09-01 2021-10-01 2022-07-01 2022-11-01 2023-02-01 2023-07-01 2024-11-01
		2025-05-01 2026-02-01`)}
	authorization = provider{"roleAssignments", strings.Fields("2015-07-01 2018-01-01-preview 2020-04-01-preview 2022-04-01")}
)

var versionFormat = regexp.MustCompile(`^\d{4}-\d\d-\d\d(-preview)?$`)

// checkVersion: generic resources and resource providers word it differently.
func checkVersion(version string, of provider) error {
	switch {
	case version == "":
		return badRequest("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case slices.Contains(of.versions, version):
		return nil
	case of.resourceType == resources.resourceType || !versionFormat.MatchString(version):
		return badRequest("InvalidApiVersionParameter", "The api-version '%s' is invalid. The supported versions are '%s'.", version, strings.Join(of.versions, ","))
	}
	return badRequest("NoRegisteredProviderFound", "No registered resource provider found for API version '%s' and type '%s'. The supported api-versions are '%s'.", version, of.resourceType, strings.Join(of.versions, ", "))
}
