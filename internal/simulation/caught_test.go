package simulation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/simulation"
)

// TestEveryMistakeIsCaught proves the promises' checks: with each mistake in the
// code, one of the first thousand worlds breaks a promise.
func TestEveryMistakeIsCaught(t *testing.T) {
	if *seeds == 0 || *seed > 0 {
		return // this is itself a run for one mistake
	}
	caught := regexp.MustCompile(`seed (\d+): (promise \d)`)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			out, err := m.run(t)
			found := caught.FindStringSubmatch(out)
			require.Error(t, err, "no world of a thousand breaks a promise")
			require.NotNil(t, found, "it fails in another way:\n%s", out)
			t.Logf("world %s breaks %s", found[1], found[2])
		})
	}
}

// run simulates with the mistake in the code.
func (m mistake) run(t *testing.T) (string, error) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(m.file)))
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), m.right), "%s: the code has changed; say again what would be wrong in it", m.file)

	wrong := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(wrong, []byte(strings.Replace(string(text), m.right, m.wrong, 1)), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: wrong}})
	require.NoError(t, err)
	list := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))

	command := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay", list,
		"-run", "^TestNothingIsLost$", ".", "-args", "-seeds", "1000", "-lines", "1")
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestAWorldRepeatsItself(t *testing.T) {
	for _, n := range []uint64{3, 7, 15, 35} {
		once, again := simulation.History(t, n, 100_000), simulation.History(t, n, 100_000)
		assert.Equal(t, once, again, "seed %d", n)
		assert.Greater(t, strings.Count(once, "\n"), 100)
	}
}
