package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/secret"
)

const text = "not-to-be-seen"

type holder struct {
	Name  string
	Value secret.Value
	Ptr   *secret.Value
}

func TestNothingPrintsTheText(t *testing.T) {
	v := secret.New(text)
	h := holder{"app", v, &v}
	inJSON, err := json.Marshal(map[string]any{"v": v, "h": h, "list": []secret.Value{v}})
	require.NoError(t, err)
	inXML, err := xml.Marshal(h)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "h", h)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "h", h)

	for where, printed := range map[string]string{
		"String":        v.String(),
		"Sprint":        fmt.Sprint(v, h),
		"verbs":         fmt.Sprintf("%v %+v %#v %s %q %x %d %T", v, h, h, v, v, v, v, v),
		"pointer":       fmt.Sprintf("%v %+v", &v, &h),
		"wrapped error": fmt.Errorf("outer: %w", errors.New(fmt.Sprint(v))).Error(),
		"JSON":          string(inJSON),
		"XML":           string(inXML),
		"slog":          log.String(),
	} {
		assert.NotContains(t, printed, text, where)
	}
	assert.Contains(t, string(inJSON), "[redacted]")
}

func TestRevealReturnsTheText(t *testing.T) {
	assert.Equal(t, text, secret.New(text).Reveal())
	assert.True(t, secret.Value{}.IsZero())
	assert.False(t, secret.New(text).IsZero())
}

func TestEqualComparesTheTexts(t *testing.T) {
	assert.True(t, secret.New("x").Equal(secret.New("x")))
	assert.False(t, secret.New("x").Equal(secret.New("y")))
	assert.False(t, secret.New("x").Equal(secret.New("xx")))
	assert.True(t, secret.Value{}.Equal(secret.New("")))
}

func TestWhatIsLeftOfAValueIsTakenOut(t *testing.T) {
	const value = "Va8Q~one.two-three"
	for name, c := range map[string]struct{ text, want string }{
		"the whole of it":            {"is " + value + " here", "is [redacted] here"},
		"twice":                      {value + value, "[redacted][redacted]"},
		"where the text was cut":     {"is Va8Q~one.t…", "is [redacted]…"},
		"cut, and once more":         {"Va8Q~one. and " + value, "[redacted] and [redacted]"},
		"too little to give it away": {"Va8Q~on…", "Va8Q~on…"},
		"nothing of it":              {"nothing", "nothing"},
		"nothing at all":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, secret.Without(c.text, value))
		})
	}
	assert.Equal(t, "text", secret.Without("text", ""))
	assert.Equal(t, "a [redacted]", secret.Without("a pin", "pin"))
}

func FuzzWithout(f *testing.F) {
	f.Add("before ", "Va8Q~one.two-three", " after", 9)
	f.Fuzz(func(t *testing.T, before, value, after string, cut int) {
		assert.Equal(t, before, secret.Without(before, ""))
		if len(value) < 9 || strings.Contains("[redacted]", value[:8]) {
			return
		}
		assert.NotContains(t, secret.Without(before+value+after, value), value)
		left := value[:8+int(uint(cut)%uint(len(value)-8))]
		assert.NotContains(t, secret.Without(before+left, value), left)
	})
}
