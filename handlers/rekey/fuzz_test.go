package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzSettings gives any value to any setting. Settings are right, or each that is not
// is named; a connection string is in no message.
func FuzzSettings(f *testing.F) {
	var names []string
	_, _ = readConfig(func(name string) string {
		names = append(names, name)
		return ""
	})
	slices.Sort(names)
	names = slices.Compact(names)
	for n := range names {
		for _, text := range []string{"", "0", "70000", "contoso", "true", "-1s", "1h", "https://x", "a,b,,", "11111111-2222-4333-8444-555555555555", "\x00", "%zz"} {
			f.Add(n, text)
		}
	}
	f.Fuzz(func(t *testing.T, n int, text string) {
		name := names[int(uint(n)%uint(len(names)))]
		settings := valid()
		settings[name] = text
		c, err := read(settings)
		if err != nil {
			assert.Contains(t, err.Error(), name)
			assert.NotContains(t, err.Error(), "not-shown")
			return
		}
		assert.Regexp(t, portPattern, c.port)
		assert.Regexp(t, guidPattern, c.tenantID)
		assert.Regexp(t, vaultPattern, c.stagingVault)
		assert.Regexp(t, installationPattern, c.installation)
		assert.True(t, c.busConnection != "" || c.busNamespace != "")
		assert.Positive(t, c.callTimeout)
		for _, app := range c.self() {
			assert.Regexp(t, guidPattern, app)
		}
	})
}

// readers are the ways in which the product takes apart what others wrote.
var readers = regexp.MustCompile(`json\.(Unmarshal|NewDecoder)|x509\.Parse|pkcs12\.Decode|pem\.Decode|http\.(ReadResponse|ParseTime)|UnmarshalAsJSON|runtime\.Payload|func readConfig|func decode`)

// TestWhateverReadsFromOutsideIsFuzzed looks for packages that take something apart
// and have no fuzz target.
func TestWhateverReadsFromOutsideIsFuzzed(t *testing.T) {
	reads, fuzzed := map[string]bool{}, map[string]bool{}
	for _, root := range []string{"../../internal", "../../functions", "../../handlers/rekey"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() && (slices.Contains([]string{"azuresim", "simulation", "targettest"}, entry.Name())) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") {
				return nil
			}
			text, err := os.ReadFile(path)
			if strings.HasSuffix(path, "_test.go") {
				fuzzed[filepath.Dir(path)] = fuzzed[filepath.Dir(path)] || strings.Contains(string(text), "\nfunc Fuzz")
			} else {
				reads[filepath.Dir(path)] = reads[filepath.Dir(path)] || readers.Match(text)
			}
			return err
		}))
	}
	read := 0
	for _, dir := range slices.Sorted(maps.Keys(reads)) {
		if reads[dir] {
			read++
			assert.True(t, fuzzed[dir], "%s reads what others wrote, and has no fuzz target", dir)
		}
	}
	assert.Greater(t, read, 15, "packages that read what others wrote")
}
