package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// dist is the packaged handler that these tests start: the very files that a
// deployment would upload.
var dist string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "rekey-dist")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	dist = folder
	build := exec.Command("make", "-s", "-C", "../..", "package", "DIST="+folder)
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "make package: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}
