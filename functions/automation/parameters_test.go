package automation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestAScriptGetsWhatItAsksFor(t *testing.T) {
	for name, c := range map[string]struct {
		shell  rotation.Shell
		script string
		want   bool
	}{
		"in its block":                {script: "param([string]$NewSecret)", want: true},
		"in another case":             {script: "Param ($newsecret)", want: true},
		"with attributes":             {script: "[CmdletBinding()]\nparam(\n[Parameter(Mandatory=$true)]\n[string]$NewSecret, $b)", want: true},
		"after a comment":             {script: "<# what\n$x #>\n# and\nparam($NewSecret)", want: true},
		"after using":                 {script: "using namespace System.IO\nparam($NewSecret)", want: true},
		"not in its block":            {script: "param($Other)\nWrite-Host $NewSecret", want: false},
		"in a default of its block":   {script: "param($Other = $NewSecret)", want: false},
		"in a comment of its block":   {script: "param(\n# $NewSecret\n$Other)", want: false},
		"without a block":             {script: "Write-Host $NewSecret", want: true},
		"nowhere":                     {script: "Restart-Service App", want: false},
		"in a shell":                  {shell: rotation.ShellBash, script: `printf %s "${NewSecret}" > /etc/app`, want: true},
		"in a shell in another case":  {shell: rotation.ShellBash, script: `echo $newsecret`, want: false},
		"in a shell, as another name": {shell: rotation.ShellBash, script: `echo $NewSecretName`, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, automation.AsksFor(c.shell, c.script, "NewSecret"))
		})
	}
}

func TestParametersAreFilledIn(t *testing.T) {
	w := start(t)
	step := onWindows(w, "one", "param([Parameter()]$Connection, $ConfigPath, $AppId, $TenantId, $KeyId, $Region)")
	step.RunCommand.Parameters = map[string]string{"Connection": "Id={{clientId}};Secret={{credential}}", "ConfigPath": "default"}
	w.with(step)
	_, err := w.deliver(w.delivery(w.row(`{"task":"deliver","parameters":{"configpath":"C:\\app","Region":"eu","Unwanted":"x"}}`)))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"Connection": "Id=" + w.app.AppID + ";Secret=" + hush, "ConfigPath": `C:\app`,
		"AppId": w.app.AppID, "TenantId": tenant, "KeyId": "key-1", "Region": "eu",
	}, w.ran[0].arrived)
}

func TestACertificateArrivesAsTheStepWants(t *testing.T) {
	pair, err := certificate.New(certificate.Request{Name: "x", Bits: 2048, Start: time.Now(), End: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	value, err := pair.PEM()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		step func(*world) rotation.TaskStep
		read func(secret.Value) (certificate.Pair, error)
	}{
		"a PFX on Windows": {func(w *world) rotation.TaskStep { return onWindows(w, "one", "param($NewSecret)") },
			func(v secret.Value) (certificate.Pair, error) { return certificate.ParsePFX(v, secret.New("")) }},
		"PEM on Linux": {func(w *world) rotation.TaskStep {
			return rotation.TaskStep{Name: "one", RunCommand: &rotation.RunCommandStep{VM: w.linux, Shell: rotation.ShellBash, Script: "$NewSecret"}}
		}, certificate.Parse},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			d := w.delivery(w.with(c.step(w)))
			d.Credential.Rotation.Kind, d.Credential.Value = rotation.Certificate, value
			_, err := w.deliver(d)
			require.NoError(t, err)
			got, err := c.read(secret.New(w.ran[0].arrived["NewSecret"]))
			require.NoError(t, err)
			assert.Equal(t, pair.Thumbprint(), got.Thumbprint())
		})
	}
}

func TestAContainersScriptIsBoundToItsEnvironment(t *testing.T) {
	assert.Equal(t, `$ErrorActionPreference = 'Stop'
$parameters = @{
    'ConfigPath' = $env:REKEY_ConfigPath
    'NewSecret' = $env:REKEY_NewSecret
}
& {
param([Parameter(Mandatory=$true)][string]$NewSecret)
Write-Host "it's here"
} @parameters
`, automation.Wrapped("\nparam([Parameter(Mandatory=$true)][string]$NewSecret)\nWrite-Host \"it's here\"\n", "ConfigPath", "NewSecret"))
}

func TestErrorsComeInThreeEnvelopes(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"A","message":"of Resource Manager"}}`:             "A: of Resource Manager",
		`{"code":"B","message":"of Automation"}`:                             "B: of Automation",
		`{"error":{"error":{"code":"C","message":"of deployment scripts"}}}`: "C: of deployment scripts",
		`{"error":"busy"}`: ": ", `<html>`: ": ", `null`: ": ", `{"error":{"error":{"error":{"error":{"code":"D"}}}}}`: ": ",
	} {
		code, message := automation.ReadError([]byte(body))
		assert.Equal(t, want, code+": "+message, body)
	}
}

func TestAWildcardStandsForAnything(t *testing.T) {
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "a/b/write", true}, {"*/read", "a/b/read", true}, {"*/read", "a/b/write", false}, {"a/*/write", "a/b/c/write", true},
		{"a/b", "a/b", true}, {"a/b", "a/bc", false}, {"a/*", "b/a/c", false}, {"a/*/c/*", "a/b/d/e", false},
	} {
		assert.Equal(t, c.want, automation.Covers(c.pattern, c.action), "%s %s", c.pattern, c.action)
	}
}

func FuzzParamBlock(f *testing.F) {
	f.Add(pageExample)
	f.Add("param((")
	f.Fuzz(func(_ *testing.T, script string) { automation.ParamBlock(script) })
}

func FuzzReadError(f *testing.F) {
	f.Add([]byte(`{"error":{"error":{"code":"C"}}}`))
	f.Fuzz(func(_ *testing.T, body []byte) { automation.ReadError(body) })
}
