package cloud

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// A template holds no GUID and as many segments as the path.
func FuzzTemplatesHoldNoIDs(f *testing.F) {
	for _, seed := range []string{"/", "/v1.0/applications/7d1d1c6b-97f3-4a8c-a0c4-0d4a9a8f6d0e", "/secrets/a/0123456789abcdef0123456789abcdef", "/a('b')", "//", "/vaults/secrets/vaults"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once := template("", path)
		if guid.MatchString(once) {
			t.Fatalf("%q still holds an id: %q", path, once)
		}
		if strings.Count(once, "/") != strings.Count(quoted.ReplaceAllString(path, "''"), "/") {
			t.Fatalf("%q lost a segment: %q", path, once)
		}
	})
}

// Rules that pass the check can be applied.
func FuzzCheckedRulesCanBeApplied(f *testing.F) {
	for _, seed := range []string{`[{"status":429,"retryAfter":2.128,"body":"x"}]`, `[{"status":503,"body":null}]`, `[{"host":"[","cut":true}]`, `[{"latency":"1ms"}]`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var rules []Fault
		if decodeStrictly(bytes.NewReader(body), &rules) != nil || checkAll(rules) != nil {
			return
		}
		for _, rule := range rules {
			rule.matches("graph.microsoft.com", "GET", "/v1.0/applications")
			if rule.Status == 0 {
				continue
			}
			answer := httptest.NewRecorder()
			rule.answer(answer)
			if answer.Code != rule.Status {
				t.Fatalf("%s answered %d", body, answer.Code)
			}
		}
		if _, err := json.Marshal(rules); err != nil {
			t.Fatal(err)
		}
	})
}
