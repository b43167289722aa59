package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/secret"
)

func (w *world) makeKey(k engine.APIKey) (engine.APIKey, secret.Value) {
	w.t.Helper()
	made, key, err := w.MakeAPIKey(w.t.Context(), k, "somebody")
	require.NoError(w.t, err)
	return made, key
}

func (w *world) aKey() engine.APIKey {
	return engine.APIKey{Name: "pipeline", Role: "operator", Expires: w.now.Add(30 * 24 * time.Hour)}
}

// keyRow is a key's row as it is stored.
func (w *world) keyRow(id string) engine.Row {
	w.t.Helper()
	row, err := w.store.Get(w.t.Context(), engine.Key{Table: engine.TableAPIKeys, Partition: "tenant", Row: id})
	require.NoError(w.t, err)
	return row
}

func TestAnAPIKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	w := newWorld(t)
	made, key := w.makeKey(w.aKey())
	assert.Regexp(t, `^rk_`+made.ID+`_[A-Za-z0-9_-]{43}$`, key.Reveal())
	for name, property := range w.keyRow(made.ID).Properties {
		assert.NotContains(t, fmt.Sprint(property), strings.TrimPrefix(key.Reveal(), "rk_"+made.ID+"_"), name)
	}
	other, otherKey := w.makeKey(w.aKey())
	assert.NotEqual(t, made.ID, other.ID)
	assert.False(t, key.Equal(otherKey))

	found, err := w.KeyOf(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, made.ID, found.ID)
	assert.Equal(t, "operator", found.Role)
	assert.Equal(t, "somebody", found.CreatedBy)
	keys, next, err := w.APIKeys(t.Context(), "", 10)
	require.NoError(t, err)
	assert.Len(t, keys, 2)
	assert.Empty(t, next)
}

func TestWhatIsNoKeyOpensNothing(t *testing.T) {
	w := newWorld(t)
	made, key := w.makeKey(w.aKey())
	other, _ := w.makeKey(w.aKey())
	text := key.Reveal()
	for name, presented := range map[string]string{
		"nothing":                     "",
		"the prefix":                  "rk_",
		"the id":                      "rk_" + made.ID + "_",
		"another end":                 text[:len(text)-1] + map[bool]string{true: "B", false: "A"}[strings.HasSuffix(text, "A")],
		"one character less":          text[:len(text)-1],
		"one more":                    text + "A",
		"another case":                strings.ToUpper(text),
		"a space before":              " " + text,
		"under another key's id":      strings.Replace(text, made.ID, other.ID, 1),
		"under an id that is not":     strings.Replace(text, made.ID, "aaaaaaaaaaaaaaaa", 1),
		"the hash":                    w.keyRow(made.ID).Properties["hash"].(string),
		"an id that leads elsewhere":  strings.Replace(text, made.ID, "../../applicatio", 1),
		"a line's end in the end":     text + "\n",
		"far more than a key can be":  strings.Repeat("a", 1<<20),
		"what Azure's functions take": "AzFunctionsKey==",
	} {
		t.Run(name, func(t *testing.T) {
			found, err := w.KeyOf(t.Context(), secret.New(presented))
			assert.ErrorIs(t, err, engine.ErrNoKey)
			assert.Zero(t, found)
		})
	}
}

func TestAKeyEnds(t *testing.T) {
	w := newWorld(t)
	k := w.aKey()
	k.Expires = w.now.Add(time.Hour)
	_, key := w.makeKey(k)
	w.now = k.Expires.Add(-time.Second)
	_, err := w.KeyOf(t.Context(), key)
	require.NoError(t, err)
	w.now = k.Expires
	_, err = w.KeyOf(t.Context(), key)
	assert.ErrorIs(t, err, engine.ErrNoKey)
}

func TestARevokedKeyOpensNothingFromThenOn(t *testing.T) {
	w := newWorld(t)
	made, key := w.makeKey(w.aKey())
	_, err := w.KeyOf(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, w.RevokeAPIKey(t.Context(), made.ID, "somebody"))
	_, err = w.KeyOf(t.Context(), key)
	assert.ErrorIs(t, err, engine.ErrNoKey)
	assert.ErrorIs(t, w.RevokeAPIKey(t.Context(), made.ID, "somebody"), engine.ErrUnknownRecord)
}

func TestUseOfAKeyIsNotedOnceAnHour(t *testing.T) {
	w := newWorld(t)
	made, key := w.makeKey(w.aKey())
	use := func() string {
		_, err := w.KeyOf(t.Context(), key)
		require.NoError(t, err)
		return w.keyRow(made.ID).ETag
	}
	first := use()
	noted := w.now
	w.now = w.now.Add(59 * time.Minute)
	assert.Equal(t, first, use())
	keys, _, err := w.APIKeys(t.Context(), "", 1)
	require.NoError(t, err)
	assert.Equal(t, noted, keys[0].LastUsed)
	w.now = w.now.Add(time.Minute)
	assert.NotEqual(t, first, use())
}

func TestKeysThatMayNotBe(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		edit func(*engine.APIKey)
		want string
	}{
		"no name":            {func(k *engine.APIKey) { k.Name = "" }, "name: must have 1 to 100 characters"},
		"no end":             {func(k *engine.APIKey) { k.Expires = time.Time{} }, "expires: must be a time within the next 365 days"},
		"an end in the past": {func(k *engine.APIKey) { k.Expires = w.now }, "expires: must be a time within the next 365 days"},
		"an end far away":    {func(k *engine.APIKey) { k.Expires = w.now.Add(365*24*time.Hour + time.Second) }, "expires: must be a time within the next 365 days"},
		"a name for an application": {func(k *engine.APIKey) { k.Applications = []string{appID, "Shop"} },
			"applications: must be client ids, which are GUIDs"},
	} {
		t.Run(name, func(t *testing.T) {
			k := w.aKey()
			c.edit(&k)
			_, _, err := w.MakeAPIKey(t.Context(), k, "somebody")
			assert.ErrorContains(t, err, c.want)
		})
	}
	keys, _, err := w.APIKeys(t.Context(), "", 10)
	require.NoError(t, err)
	assert.Empty(t, keys)
}

// TestAnEditedKeyRowOpensNothing: whoever can write rows may not make a key last.
func TestAnEditedKeyRowOpensNothing(t *testing.T) {
	for name, edit := range map[string]map[string]any{
		"a longer life":       {"expires": "2099-01-01T00:00:00Z"},
		"no hash":             {"hash": ""},
		"an application less": {"applications": `["*"]`},
		"an end that is none": {"expires": "never"},
		"a hash of a number":  {"hash": int64(1)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			made, key := w.makeKey(w.aKey())
			row := w.keyRow(made.ID)
			require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Merge, Key: row.Key, ETag: row.ETag, Properties: edit}))
			_, err := w.KeyOf(t.Context(), key)
			assert.Error(t, err)
			assert.NoError(t, w.RevokeAPIKey(t.Context(), made.ID, "somebody"))
		})
	}
}

func TestKeysAreInTheLogOfTheTenant(t *testing.T) {
	w := newWorld(t)
	k := w.aKey()
	k.Applications = []string{appID}
	made, key := w.makeKey(k)
	require.NoError(t, w.RevokeAPIKey(t.Context(), made.ID, "somebody else"))
	var lines []string
	for row, err := range w.store.Query(t.Context(), engine.Range{Table: engine.TableLog, Partition: w.now.Format(time.DateOnly)}) {
		require.NoError(t, err)
		lines = append(lines, row.Properties["what"].(string)+" by "+row.Properties["actor"].(string)+": "+row.Properties["detail"].(string))
	}
	assert.ElementsMatch(t, []string{
		`key by somebody: ` + made.ID + ` ("pipeline") was made with the role operator for ` + appID + `, until 2026-03-31`,
		`key by somebody else: ` + made.ID + ` ("pipeline") was revoked`,
	}, lines)
	assert.NotContains(t, strings.Join(lines, ""), key.Reveal()[20:])
}

// FuzzAPIKey presents anything; only the key itself opens.
func FuzzAPIKey(f *testing.F) {
	for _, seed := range []string{"", "rk_", "rk_aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 43), "rk_" + strings.Repeat("_", 60), "\x00"} {
		f.Add(seed)
	}
	w := newWorld(f)
	made, _, err := w.MakeAPIKey(f.Context(), w.aKey(), "somebody")
	require.NoError(f, err)
	f.Add("rk_" + made.ID + "_" + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, presented string) {
		_, err := w.KeyOf(t.Context(), secret.New(presented))
		assert.ErrorIs(t, err, engine.ErrNoKey)
	})
}
