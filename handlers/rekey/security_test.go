package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheThreatModelNamesTestsThatExist: a test that is renamed or removed must not
// leave a promise behind.
func TestTheThreatModelNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../../.github/SECURITY.md")
	require.NoError(t, err)
	var code strings.Builder
	for _, folder := range []string{"../../functions", "../../handlers", "../../internal"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		}))
	}
	named := regexp.MustCompile("`([Tt]est[A-Z][A-Za-z0-9]+)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(named), 30)
	for _, name := range named {
		assert.Contains(t, code.String(), "\nfunc "+string(name[1])+"(t *testing.T", string(name[1]))
	}
}
