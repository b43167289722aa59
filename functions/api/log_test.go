package api_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

var nextLink = regexp.MustCompile(`^<(/api/[^>]*)>; rel="next"$`)

// export reads an export to its end, page by page.
func (w *world) export(path, accept string) (pages []string) {
	w.t.Helper()
	for path != "" {
		a := w.call(http.MethodGet, path, "", "Accept", accept)
		require.Equal(w.t, 200, a.status, a.body)
		require.Contains(w.t, a.header.Get("Content-Type"), accept)
		pages = append(pages, a.body)
		path = ""
		if link := a.header.Get("Link"); link != "" {
			parts := nextLink.FindStringSubmatch(link)
			require.NotNil(w.t, parts, link)
			path = parts[1]
		}
		require.Less(w.t, len(pages), 100, "pages without end")
	}
	return pages
}

func TestTheTenantsLogIsExported(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.must(202, "POST", appPath+"/rotations", `{"kind":"secret"}`)
	w.LogChange(t.Context(), rotation.LogEntry{What: "group", Detail: "=HYPERLINK(\"x\")\nand \"more\", ü", Actor: "@somebody"})
	all := w.must(200, "GET", "/api/log?limit=2000", "")["items"].([]any)
	require.Greater(t, len(all), 3)

	var lines []any
	for _, page := range w.export("/api/log?limit=2", "application/x-ndjson") {
		for scan := bufio.NewScanner(strings.NewReader(page)); scan.Scan(); {
			var line any
			require.NoError(t, json.Unmarshal(scan.Bytes(), &line))
			lines = append(lines, line)
		}
	}
	assert.Equal(t, all, lines)

	var details []string
	for _, page := range w.export("/api/log?limit=2", "text/csv") {
		assert.Equal(t, strings.Count(page, "\n"), strings.Count(page, "\r\n"), "lines end as RFC 4180 says")
		rows, err := csv.NewReader(strings.NewReader(page)).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{"at", "appId", "kind", "rotation", "target", "what", "detail", "actor", "failure", "correlation"}, rows[0])
		for _, row := range rows[1:] {
			details = append(details, row[6])
		}
	}
	require.Len(t, details, len(all))
	assert.Equal(t, "'=HYPERLINK(\"x\")\nand \"more\", ü", details[0])
	assert.Equal(t, len(all), len(strings.Split(strings.TrimSpace(w.export("/api/log", "application/x-ndjson")[0]), "\n")), "one page is enough")
}

func TestTheLogTakesFilters(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.must(202, "POST", appPath+"/rotations", `{"kind":"secret"}`, "X-Correlation-Id", "mine-1")
	for path, count := range map[string]int{
		"/api/log?what=target":                                               1,
		"/api/log?what=target&app=" + strings.ToUpper(appID):                 1,
		"/api/log?what=target&app=" + unknown:                                0,
		"/api/log?rotation=" + appID + ".secret.1":                           1,
		"/api/log?correlation=mine-1":                                        1,
		"/api/log?actor=anybody&what=requested&kind=secret":                  1,
		"/api/log?failure=true":                                              0,
		"/api/log?target=vault":                                              1,
		"/api/log?from=2027-01-01T00:00:00Z":                                 0,
		"/api/log?to=2026-01-01T00:00:00Z":                                   0,
		"/api/log?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z":         3,
		appPath + "/log?what=target":                                         1,
		appPath + "/log?correlation=mine-1&from=2026-03-01T00:00:00%2B00:00": 1,
	} {
		assert.Len(t, w.must(200, "GET", path, "")["items"], count, path)
	}
	for path, location := range map[string]string{
		"/api/log?from=yesterday": "query.from", "/api/log?limit=2001": "query.limit", "/api/log?cursor=eA": "query.cursor", "/api/log?app=x": "query.app",
		"/api/log?kind=x": "query.kind", "/api/log?format=markdown": "query.format", appPath + "/log?cursor=MjAyNi0wMy0wMS4": "query.cursor",
	} {
		a := w.call("GET", path, "")
		assert.Equal(t, 422, a.status, path)
		assert.Contains(t, a.body, location, path)
	}
}

func TestARequestAndWhatFollowsCarryOneID(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	trace := "0af7651916cd43dd8448eb211c80319c"
	for name, c := range map[string]struct{ header, value, want string }{
		"an id":                 {"X-Correlation-Id", "ticket:42", "ticket:42"},
		"a trace":               {"traceparent", "00-" + trace + "-b7ad6b7169203331-01", trace},
		"a trace that is none":  {"traceparent", "00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", ""},
		"one that is too long":  {"X-Correlation-Id", strings.Repeat("x", 101), ""},
		"one that is a formula": {"X-Correlation-Id", "=1+1", ""},
		"none":                  {"Accept", "application/json", ""},
	} {
		got := w.call("GET", "/api/health", "", c.header, c.value).header.Get("X-Correlation-Id")
		if c.want == "" {
			assert.Regexp(t, `^[a-z2-7]{26}$`, got, name)
			continue
		}
		assert.Equal(t, c.want, got, name)
	}
	a := w.call("POST", appPath+"/rotations", `{"kind":"secret"}`, "X-Correlation-Id", "mine")
	require.Equal(t, 202, a.status)
	w.run(10 * 60e9)
	items := w.must(200, "GET", "/api/log?rotation="+appID+".secret.1", "")["items"].([]any)
	require.Greater(t, len(items), 3)
	for _, item := range items {
		assert.Equal(t, "mine", item.(map[string]any)["correlation"], item)
	}
}

func TestWhatIsRefusedIsInTheLog(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(200, "POST", appPath+"/pause", "")
	a := w.call("POST", appPath+"/rotations", `{"kind":"secret"}`, "X-Correlation-Id", "mine")
	require.Equal(t, 409, a.status)
	for _, path := range []string{"/api/log?what=refused", appPath + "/log?what=refused"} {
		items := w.must(200, "GET", path, "")["items"].([]any)
		require.Len(t, items, 1)
		line := items[0].(map[string]any)
		assert.Equal(t, `POST `+appPath+`/rotations: "`+appID+`" is paused; resume it, or ask for an emergency rotation`, line["detail"])
		assert.Equal(t, []any{appID, "anybody", "mine"}, []any{line["appId"], line["actor"], line["correlation"]})
	}
}

func TestSettingsAreKept(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/settings", "")
	assert.JSONEq(t, `{"logRetentionDays":365}`, a.body)
	first := a.header.Get("ETag")
	a = w.call("PUT", "/api/settings", `{"logRetentionDays":30}`, "If-Match", first)
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, 412, w.call("PUT", "/api/settings", `{"logRetentionDays":40}`, "If-Match", first).status)
	assert.Equal(t, 412, w.call("PUT", "/api/settings", `{"logRetentionDays":40}`, "If-Match", `"eA"`).status)
	assert.JSONEq(t, `{"logRetentionDays":365}`, w.call("PUT", "/api/settings", `{}`, "If-Match", a.header.Get("ETag")).body, "PUT replaces")
	assert.Equal(t, 422, w.call("PUT", "/api/settings", `{"logRetentionDays":29}`).status)
	assert.Equal(t, 200, w.call("PUT", "/api/settings", `{"logRetentionDays":3650}`, "If-Match", "*").status)
	items := w.must(200, "GET", "/api/log?what=settings", "")["items"].([]any)
	assert.Equal(t, "logRetentionDays from 365 to 3650", items[0].(map[string]any)["detail"])
}

// FuzzLogQueries asks for the log with any cursor and filter. It answers a page, or says
// which parameter is wrong.
func FuzzLogQueries(f *testing.F) {
	for _, query := range []string{
		"", "limit=1", "cursor=MjAyNi0wMy0wMS4", "cursor=OTk5OS0xMi0zMS4", "cursor=MDAwMC0wMC0wMC4", "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59.999999999Z",
		"rotation=" + appID + ".secret.1", "rotation=x.secret.99999999999999999999", "app=" + appID + "&cursor=x", "format=csv&what=%00", "correlation=%2F..&actor='",
	} {
		f.Add(query, "text/csv;q=0.5, application/json")
		f.Add(query, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	}
	f.Fuzz(func(t *testing.T, query, accept string) {
		w := newWorld(t)
		w.manage("vault")
		for _, path := range []string{"/api/log", appPath + "/log"} {
			a, sent := w.request(operation{http.MethodGet, path}, nil, query, "", map[string]string{"Accept": accept, "X-Correlation-Id": accept, "Traceparent": accept})
			if sent {
				assert.Regexp(t, `^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`, a.header.Get("X-Correlation-Id"))
			}
			if sent && a.status != 200 {
				assert.Contains(t, []int{400, 404, 405, 422}, a.status, a.body)
				assertProblem(t, a)
			}
		}
	})
}
