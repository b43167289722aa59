package yamldoc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// anything generates what JSON can say.
func anything(depth int) *rapid.Generator[any] {
	text := rapid.OneOf(
		rapid.String(), rapid.SampledFrom([]string{"", "on", "22:00", "1e5", "null", "~", " a", "a ", "a\n", "\na", "a\n\n  b\n", "# x", "a: b", "- a", "\ttab", "a\u2028b\u0085c\x7f", "2026-01-01", "0x1F", "|", "*a", "&a", "!t", "%d", "a #b", "---", "...", "'", "\"", "\\"}),
		rapid.StringMatching("[ a-c\n:#-]{0,12}"),
	)
	scalars := []*rapid.Generator[any]{
		rapid.Map(text, func(s string) any { return strings.ToValidUTF8(s, "?") }), rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-1e12, 1e12), func(f float64) any { return json.Number(fmt.Sprint(f)) }),
		rapid.Map(rapid.Int64(), func(i int64) any { return json.Number(fmt.Sprint(i)) }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	keys := rapid.OneOf(rapid.StringMatching(`[a-z0-9$_-]{1,8}`), rapid.Map(text, func(s string) string { return strings.ToValidUTF8(s, "?") }))
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.MapOfN(keys, anything(depth-1), 0, 4), func(m map[string]any) any { return m }),
		rapid.Map(rapid.SliceOfN(anything(depth-1), 0, 4), func(l []any) any { return append([]any{}, l...) }),
	)...)
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-z0-9]{1,8}`).Draw(t, "key")
		data, column := anything(3).Draw(t, "data"), rapid.IntRange(0, 4).Draw(t, "column")
		var text bytes.Buffer
		text.WriteString(strings.Repeat(" ", column) + "first: 1\n")
		require.NoError(t, yamldoc.Write(&text, column, key, data, "for people"))
		root, err := yamldoc.Read(text.Bytes())
		require.NoError(t, err, text.String())
		entries, err := root.Entries()
		require.NoError(t, err)
		require.Len(t, entries, 2)
		assert.Equal(t, key, entries[1].Key)
		assert.Equal(t, yamldoc.Position{Line: 2, Column: column + 1}, entries[1].Position)
		value, wrong := entries[1].Value()
		require.Empty(t, wrong, text.String())
		assert.Equal(t, data, value.Data, text.String())
	})
}

// commented is a document behind a comment; one of MostAtOnce bytes makes it too large
// to be parsed at once.
func commented(text string, size int) string { return "# " + strings.Repeat("x", size) + "\n" + text }

func small(text string) string { return commented(text, 1) }
func large(text string) string { return commented(text, yamldoc.MostAtOnce) }

// outline is everything that is in a document, with where it stands, two levels deep.
func outline(text string) (all []string) {
	root, err := yamldoc.Read([]byte(text))
	if err != nil {
		return []string{err.Error()}
	}
	sections, err := root.Entries()
	if err != nil {
		return []string{err.Error()}
	}
	for _, section := range sections {
		all = append(all, fmt.Sprint(section.Key, section.Position))
		entries, err := section.Entries()
		if err != nil {
			value, wrong := section.Value()
			all = append(all, fmt.Sprint(value.Data, wrong))
			continue
		}
		for _, e := range entries {
			value, wrong := e.Value()
			all = append(all, fmt.Sprint(e.Key, e.Position, value.Data, wrong, value.At("a.b[1]"), value.At("nowhere")))
		}
	}
	return all
}

const document = `---
# a comment
version: 1
"groups": # another
  one:
    a:
      b:
      - 1
      - x: 2
  'two': {a: {b: [1, 2]}}

  three: |
    key: not one

    # neither
   # but this is
  four: "a
    b: c"
tasks: {}
nothing:
list:
- 1
- 2
`

func TestALargeDocumentIsReadAsASmallOneIs(t *testing.T) {
	assert.Equal(t, []string{
		"version{4 1}", "1[]", "groups{5 1}",
		"one{6 3} map[a:map[b:[1 map[x:2]]]] [] {10 9} {6 3}", "two{11 3} map[a:map[b:[1 2]]] [] {11 22} {11 3}",
		"three{13 3}key: not one\n\n# neither\n[] {13 3} {13 3}", "four{18 3}a b: c[] {18 3} {18 3}",
		"tasks{20 1}", "nothing{21 1}", "list{22 1}", "[1 2] []",
	}, outline(small(document)))
	assert.Equal(t, outline(small(document)), outline(large(document)))
}

func TestWhatALargeDocumentMayNotBe(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"in flow style":             {`{"a": {}}`, "line 2: is part of what is larger than 256 KiB, and must be in block style there: one field a line, indented by blanks"},
		"two documents":             {"a: 1\n---\nb: 1", "line 3: must be one document: another begins here"},
		"with directives":           {"%YAML 1.2\n---\na: 1", "line 2: must not have directives"},
		"with tabs":                 {"a:\n  b: 1\n\tc: 1", "line 4: is part of"},
		"with a key that is a list": {"a: 1\n? [b]\n: c", "line 3: is part of"},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := yamldoc.Read([]byte(large(c.text)))
			if err == nil {
				_, err = root.Entries()
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzRead reads any text, small and large: where the large one is
// not refused they say the same, and nothing panics or takes long.
func FuzzRead(f *testing.F) {
	for _, text := range []string{document, "a: &a [*a]", "a: [1", "{\"a\":{\"b\":1}}", "? a\n: b", "a:\n  <<: *x", "a:\n - b", "\ta: 1", "a: !!binary x", "a: 1\n...\nb", "a: 'x\nb: '\nc: 'y\nd: '"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said := outline(small(text))
		if len(said) > 0 && strings.HasPrefix(said[0], "line ") || strings.ContainsAny(text, "&*") {
			return
		}
		inParts := outline(large(text))
		if refused := strings.Contains("["+strings.Join(inParts, "["), "[line "); !refused {
			assert.Equal(t, said, inParts)
		}
	})
}
