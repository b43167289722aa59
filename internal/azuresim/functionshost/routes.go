package functionshost

import (
	"cmp"
	"slices"
	"strings"
)

// route is an HTTP function's route: literals, {name} and, at its end, {*name}.
// https://learn.microsoft.com/aspnet/core/fundamentals/routing
type route struct {
	function function
	segments []string
}

// httpRoutes returns the app's routes, the more particular first.
func (a app) httpRoutes() []route {
	var routes []route
	for _, f := range a.functions {
		if f.http != nil {
			template := strings.Trim(a.routePrefix+"/"+f.http.route, "/")
			routes = append(routes, route{function: f, segments: splitPath(template)})
		}
	}
	slices.SortStableFunc(routes, func(x, y route) int {
		return slices.CompareFunc(x.segments, y.segments, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	})
	return routes
}

// rank orders segments as ASP.NET does: literal, parameter, rest of the path.
func rank(segment string) int {
	switch {
	case strings.HasPrefix(segment, "{*"):
		return 2
	case strings.HasPrefix(segment, "{"):
		return 1
	}
	return 0
}

func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match compares a path with the route, ignoring case and one slash at the end.
func (r route) match(method, path string) (params map[string]string, ok bool) {
	if methods := r.function.http.methods; len(methods) > 0 && !slices.Contains(methods, method) {
		return nil, false
	}
	params = map[string]string{}
	rest := strings.TrimPrefix(path, "/")
	for _, segment := range r.segments {
		name := strings.Trim(segment, "{}")
		if rank(segment) == 2 {
			params[strings.TrimLeft(name, "*")] = rest
			return params, true
		}
		var value string
		value, rest, _ = strings.Cut(rest, "/")
		if value == "" || rank(segment) == 0 && !strings.EqualFold(value, segment) {
			return nil, false
		}
		if rank(segment) == 1 {
			params[name] = value
		}
	}
	return params, rest == ""
}
