package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/cli"
)

var (
	exitRow  = regexp.MustCompile(`(?m)^\| ([0-9]+) \| `)
	exitLine = regexp.MustCompile(`(?m)^  ([0-9]+) +\S`)
)

// TestTheCommandsOfThePageAreRight runs every command of the page before a server that
// knows one application, and answers everything.
func TestTheCommandsOfThePageAreRight(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	around := answering(t, 200, `{"items":[{"appId":"`+appID+`","name":"Shop"}],"next":null,"ok":true,"id":"r","state":"completed"}`)
	around.Pause = func(context.Context, time.Duration) error { return context.Canceled } // ends --follow
	t.Chdir(t.TempDir())
	commands := 0
	for line := range strings.Lines(string(page)) {
		args, isCommand := commandIn(line)
		if !isCommand {
			continue
		}
		commands++
		for _, arg := range args {
			if filepath.Ext(arg) == ".yaml" {
				require.NoError(t, os.WriteFile(arg, []byte("name: x\n"), 0o600))
			}
		}
		r := run(t, around, args...)
		assert.True(t, r.code == 0 || r.code == 130, "%s: %s", line, r.err)
	}
	assert.Greater(t, commands, 40)
}

// commandIn returns the arguments of a line that runs rekey, without what the shell
// takes of it.
func commandIn(line string) (args []string, isCommand bool) {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, ">")
	words := strings.Fields(strings.ReplaceAll(line, "'", ""))
	if len(words) < 2 || words[0] != "rekey" {
		return nil, false
	}
	return words[1:], true
}

func TestThePageHasEveryCommandAndCode(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	help := run(t, cli.Surroundings{}, "--help").out
	commands := regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(help, -1)
	require.Greater(t, len(commands), 20)
	for _, command := range commands {
		assert.Contains(t, string(page), "rekey "+command[1], command[1])
	}
	var documented, explained []string
	for _, row := range exitRow.FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	for _, line := range exitLine.FindAllStringSubmatch(run(t, cli.Surroundings{}, "help", "exit-codes").out, -1) {
		explained = append(explained, line[1])
	}
	assert.Equal(t, explained, documented)
	assert.Len(t, documented, 10)
}

func TestShellsTakeTheCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := run(t, cli.Surroundings{}, "completion", shell)
		require.Equal(t, 0, script.code, script.err)
		assert.Contains(t, script.out, "rekey", shell)
		if shell != "bash" {
			continue
		}
		parse := exec.CommandContext(t.Context(), "bash", "-n")
		parse.Stdin = strings.NewReader(script.out)
		output, err := parse.CombinedOutput()
		assert.NoError(t, err, string(output))
	}
}

func TestWhatCanBeNamedIsCompleted(t *testing.T) {
	w := newWorld(t)
	w.manage()
	for typed, want := range map[string]string{
		"ro":                      "rotate\tRotate now, or find the rotation in flight",
		"status ":                 appID + "\tShop",
		"rotate x --kind ":        "secret\ncertificate",
		"apps -o ":                "table\njson\nyaml",
		"keys create ci --role o": "reader\noperator\nadministrator",
	} {
		words := append([]string{"__complete"}, strings.Split(typed, " ")...)
		assert.Contains(t, w.run(words...).out, want, strconv.Quote(typed))
	}
	w.around.Server = "http://127.0.0.1:1"
	assert.Equal(t, ":4\n", w.run("__complete", "status", "").out, "nothing, where nobody can be asked")
}
