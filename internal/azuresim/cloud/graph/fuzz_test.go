package graph

import (
	"strings"
	"testing"
)

// Whatever a name holds, a filter for exactly that name can be written.
func FuzzAFilterFindsTheNameItQuotes(f *testing.F) {
	for _, seed := range []string{"shop", "O'Neill", "''", "", " a ", "a' or 'b", "\n", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		found, err := readFilter("displayName eq '"+strings.ReplaceAll(name, "'", "''")+"'", applicationType)
		if err != nil {
			t.Fatal(err)
		}
		if found.property != "displayName" || !found.matches(name) || found.matches(name+"x") {
			t.Fatalf("the filter for %q does not find it alone", name)
		}
	})
}

// A path names an object or nothing; it never panics and loses no segment.
func FuzzPathsAreTakenApart(f *testing.F) {
	for _, seed := range []string{"applications", "applications/a/addPassword", "applications(appId='b')/owners/$ref", "//", "$batch", "applications/delta()"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		target := parse(path)
		joined := target.collection + "/" + target.key.id + "/" + target.rest
		if target.key.byAppID {
			joined = target.collection + "(appId='" + target.key.id + "')/" + target.rest
		}
		if strings.Trim(joined, "/") != strings.Trim(path, "/") && !strings.Contains(path, "//") {
			t.Fatalf("%q became %q", path, joined)
		}
	})
}
