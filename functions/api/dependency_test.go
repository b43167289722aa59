package api_test

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

// other is an application beside the usual one.
const other = "22222222-aaaa-4111-8111-111111111111"

// depend saves targets of two applications, one of them at a place of both.
func (w *world) depend(name string) {
	w.t.Helper()
	w.manage("first", "second")
	w.must(201, "PUT", "/api/applications/"+other, managed)
	w.must(201, "PUT", "/api/applications/"+other+"/targets/shared", `{"integration":"place","kind":"secret","settings":{"vault":"v"}}`)
	w.must(201, "PUT", "/api/applications/"+other+"/targets/own", `{"integration":"place","kind":"secret","enabled":false,"settings":{"vault":"w"}}`)
	w.must(201, "PUT", "/api/applications/44444444-aaaa-4111-8111-111111111111", managed) // without targets
	key := engine.Key{Table: engine.TableApplications, Partition: w.Tenant, Row: other}
	require.NoError(w.t, w.store.Store.Write(w.t.Context(), engine.Change{Op: engine.Put, Key: key, Properties: map[string]any{"name": name}}))
}

func TestDependenciesAreListedBothWays(t *testing.T) {
	w := newWorld(t)
	w.depend("Other")
	page := w.must(200, "GET", "/api/dependencies", "")
	items := page["items"].([]any)
	require.Len(t, items, 2, "applications without targets are left out")
	assert.Equal(t, map[string]any{
		"appId": other, "name": "Other", "targets": []any{
			map[string]any{"target": "own", "kind": "secret", "integration": "place", "enabled": false, "placeKind": "vault", "place": "w"},
			map[string]any{"target": "shared", "kind": "secret", "integration": "place", "enabled": true, "placeKind": "vault", "place": "v"},
		},
	}, items[1])
	assert.Equal(t, []any{
		map[string]any{"integration": "place", "placeKind": "vault", "place": "v", "applications": []any{appID, other}},
		map[string]any{"integration": "place", "placeKind": "vault", "place": "w", "applications": []any{other}},
	}, page["places"])

	for query, count := range map[string]int{
		"?app=" + other: 1, "?place=W": 1, "?place=v": 2, "?integration=place": 2, "?integration=plain": 0, "?limit=1": 1,
	} {
		assert.Len(t, w.must(200, "GET", "/api/dependencies"+query, "")["items"], count, query)
	}
	assert.Equal(t, 404, w.call("GET", "/api/dependencies?app="+ownID, "").status)
	assert.Equal(t, 422, w.call("GET", "/api/dependencies?cursor=eA", "").status)
	assert.Equal(t, 422, w.call("GET", "/api/dependencies?format=ndjson", "").status)
}

func TestDependenciesAreExportedPageByPage(t *testing.T) {
	w := newWorld(t)
	w.depend("=Other")
	var all [][]string
	for _, page := range w.export("/api/dependencies?limit=1", "text/csv") {
		rows, err := csv.NewReader(strings.NewReader(page)).ReadAll()
		require.NoError(t, err)
		assert.Equal(t, []string{"appId", "application", "target", "kind", "integration", "enabled", "placeKind", "place"}, rows[0])
		all = append(all, rows[1:]...)
	}
	require.Len(t, all, 4)
	assert.Equal(t, []string{other, "'=Other", "own", "secret", "place", "false", "vault", "w"}, all[2])
}

const hostile = "x|y\"]; end\n# <b> `z` ü"

func TestDependenciesAreATableInMarkdown(t *testing.T) {
	w := newWorld(t)
	w.depend(hostile)
	for _, a := range []answer{w.call("GET", "/api/dependencies", "", "Accept", "text/markdown"), w.call("GET", "/api/dependencies?format=markdown", "")} {
		assert.Equal(t, "text/markdown; charset=utf-8", a.header.Get("Content-Type"))
		assert.Contains(t, a.body, "| x\\|y\"\\]; end \\# \\<b\\> \\`z\\` ü | "+other+" | own, disabled | secret | vault | w |\n")
		assert.Contains(t, a.body, "| vault | v | "+appID+", "+other+" |\n")
	}
}

func TestDependenciesAreAFlowchartInMermaid(t *testing.T) {
	w := newWorld(t)
	w.depend(hostile)
	a := w.call("GET", "/api/dependencies?format=mermaid", "")
	assert.Equal(t, "text/vnd.mermaid; charset=utf-8", a.header.Get("Content-Type"))
	assert.Equal(t, fmt.Sprintf(`flowchart LR
  p0[("vault: v")]
  p1[("vault: w")]
  a0["Shop, %s"]
  a0 -->|"first, secret"| p0
  a0 -->|"second, secret"| p0
  a1["x#124;y#34;#93;#59; end #35; #60;b#62; #96;z#96; ü, %s"]
  a1 -.->|"own, secret"| p1
  a1 -->|"shared, secret"| p0
`, appID, other), a.body)
}

var (
	mermaidLine  = regexp.MustCompile(`^  (p\d+\[\("[^"\n]*"\)\]|a\d+\["[^"\n]*"\]|a\d+ (-->|-\.->)\|"[^"\n]*"\| p\d+)$`)
	markdownCell = regexp.MustCompile(`[^\\]\|`)
)

// FuzzNamesInDiagrams gives an application any name: the forms keep their shape.
func FuzzNamesInDiagrams(f *testing.F) {
	for _, name := range []string{hostile, "\\", "\\|", "a\r\n\tb", "\xff", "\u2028", "=1"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		w := newWorld(t)
		w.depend(name)
		a := w.call("GET", "/api/dependencies?format=mermaid", "")
		for _, line := range strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")[1:] {
			assert.Regexp(t, mermaidLine, line)
		}
		a = w.call("GET", "/api/dependencies?format=markdown", "")
		for _, line := range strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")[:6] {
			cells := strings.ReplaceAll(line, `\\`, "")
			assert.Len(t, markdownCell.FindAllString(cells, -1), 6, line)
		}
		rows, err := csv.NewReader(strings.NewReader(w.call("GET", "/api/dependencies?format=csv", "").body)).ReadAll()
		assert.NoError(t, err)
		assert.Len(t, rows, 5)
	})
}
