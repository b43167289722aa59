package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
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
