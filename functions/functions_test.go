package functions_test

import (
	"encoding/json"
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// binding is what this test reads of a binding in function.json.
type binding struct {
	Type, Direction, TopicName, SubscriptionName, QueueName, Connection, DataType, Route, AuthLevel string
	Methods                                                                                         []string
}

// functionJSON reads every folder's function.json.
func functionJSON(t *testing.T) map[string][]binding {
	t.Helper()
	files, err := filepath.Glob("*/function.json")
	require.NoError(t, err)
	all := map[string][]binding{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var parsed struct{ Bindings []binding }
		require.NoError(t, json.Unmarshal(text, &parsed), file)
		all[filepath.Dir(file)] = parsed.Bindings
	}
	return all
}

func targets() map[string]functions.Target {
	return map[string]functions.Target{
		"apiconnection": apiconnection.New(apiconnection.Config{}),
		"automation":    automation.New(automation.Config{}),
		"devops":        devops.New(devops.Config{}),
		"keyvault":      keyvault.New(keyvault.Config{}),
		"vercel":        vercel.New(vercel.Config{}),
	}
}

func TestTheTableAndTheFoldersAgree(t *testing.T) {
	table := functions.Table(functions.Config{Engine: &engine.Engine{}, Targets: targets()})
	folders := functionJSON(t)
	for name := range table {
		assert.Contains(t, folders, name, "the function has a line and no folder")
	}
	for name := range folders {
		assert.Contains(t, table, name, "the function has a folder and no line")
	}
}

func TestAnIntegrationIsOneWord(t *testing.T) {
	folders := functionJSON(t)
	for word := range targets() {
		require.Len(t, folders[word], 1)
		trigger := folders[word][0]
		assert.Equal(t, "serviceBusTrigger", trigger.Type)
		assert.Equal(t, engine.TopicRotated, trigger.TopicName)
		assert.Equal(t, word, trigger.SubscriptionName)
		assert.Equal(t, word, busSubscriptions(t)[word], "the subscription's filter")
	}
}

func TestEveryMessageComesAsPlainBytes(t *testing.T) {
	for name, bindings := range functionJSON(t) {
		for _, b := range bindings {
			if b.Type == "serviceBusTrigger" {
				assert.Equal(t, "binary", b.DataType, name)
				assert.Equal(t, "ServiceBusConnection", b.Connection, name)
			}
		}
	}
}

func TestEveryEntityThatMessagesAreTakenFromHasDeadLetters(t *testing.T) {
	var taken []deadletter.Entity
	for _, bindings := range functionJSON(t) {
		for _, b := range bindings {
			if b.Type == "serviceBusTrigger" {
				taken = append(taken, deadletter.Entity{Name: b.QueueName + b.TopicName, Subscription: b.SubscriptionName})
			}
		}
	}
	assert.ElementsMatch(t, taken, functions.Config{Targets: targets()}.Entities())
}

func TestEveryIntegrationNamesItsPlaces(t *testing.T) {
	for word, c := range map[string]struct{ settings, kind, name string }{
		"apiconnection": {`{"connection":"/subscriptions/1/resourceGroups/G/providers/Microsoft.Web/connections/C"}`, "API connection", "/subscriptions/1/resourcegroups/g/providers/microsoft.web/connections/c"},
		"automation":    {`{"task":"deliver"}`, "task", "deliver"},
		"devops":        {`{"organization":"o","project":"p","serviceConnection":"c"}`, "Azure DevOps service connection", "o/p/c"},
		"keyvault":      {`{"vault":"/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/Shop"}`, "Key Vault", "shop"},
		"vercel":        {`{"project":"shop"}`, "Vercel project", "shop"},
	} {
		target := targets()[word]
		kind, name := target.Place(rotation.TargetRow{Settings: json.RawMessage(c.settings)})
		assert.Equal(t, []string{c.kind, c.name}, []string{kind, name}, word)
		for _, settings := range []string{`{}`, `[]`, ``, `null`} {
			kind, name = target.Place(rotation.TargetRow{Settings: json.RawMessage(settings)})
			assert.Equal(t, []string{c.kind, ""}, []string{kind, name}, "%s: %s", word, settings)
		}
	}
	_, name := targets()["keyvault"].Place(rotation.TargetRow{Settings: json.RawMessage(`{"vault":"Shop"}`)})
	assert.Equal(t, "shop", name, "the same vault")
}

func TestTheDoors(t *testing.T) {
	folders := functionJSON(t)
	assert.Equal(t, []string{"get", "head"}, folders["dashboard"][0].Methods, "nothing but reading outside /api")
	assert.Equal(t, "{*path}", folders["dashboard"][0].Route)
	assert.Equal(t, "api/{*path}", folders["api"][0].Route)
	for name, bindings := range folders {
		if bindings[0].Type == "httpTrigger" {
			assert.Equal(t, "anonymous", bindings[0].AuthLevel, name)
		}
	}
}

// busSubscriptions reads the filters of the topic "rotated" from the one list of
// the bus's entities.
func busSubscriptions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../infra/local/servicebus.json")
	require.NoError(t, err)
	var config struct {
		UserConfig struct {
			Namespaces []struct {
				Topics []struct {
					Name          string
					Subscriptions []struct {
						Name  string
						Rules []struct {
							Name       string
							Properties struct {
								CorrelationFilter struct{ Properties map[string]string }
							}
						}
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &config))
	filters := map[string]string{}
	for _, topic := range config.UserConfig.Namespaces[0].Topics {
		if topic.Name != engine.TopicRotated {
			continue
		}
		for _, s := range topic.Subscriptions {
			require.Equal(t, "$Default", s.Rules[0].Name, "a new subscription starts with a match-all rule of this name")
			filters[s.Name] = s.Rules[0].Properties.CorrelationFilter.Properties["integration"]
		}
	}
	return filters
}

// TestNothingImportsOutward holds the direction of imports: handlers, functions,
// one function, engine, rotation, secret. The linter says the same; this says it
// wherever tests run.
func TestNothingImportsOutward(t *testing.T) {
	const module = "github.com/rekey-dev/rekey/"
	only := map[string][]string{
		"internal/secret":        {},
		"internal/rotation":      {"internal/secret"},
		"internal/engine":        {"internal/certificate", "internal/rotation", "internal/secret"},
		"internal/customhandler": {},
	}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		here, err := filepath.Rel("..", path)
		require.NoError(t, err)
		if strings.HasPrefix(here, ".") && here != "." {
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil {
			return nil // no Go here
		}
		for _, imported := range pkg.Imports {
			inside, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if allowed, strict := only[here]; strict {
				assert.Contains(t, allowed, inside, "%s imports %s", here, inside)
			}
			assert.False(t, outward(here, inside), "%s imports %s", here, inside)
		}
		return nil
	}))
}

func outward(from, to string) bool {
	simulated := strings.HasPrefix(to, "internal/azuresim")
	switch {
	case strings.HasPrefix(from, "internal/azuresim"):
		return !simulated
	case simulated:
		return from != "handlers/local" && from != "functions/targettest" // what tests run on
	case strings.HasPrefix(from, "internal/"):
		return !strings.HasPrefix(to, "internal/")
	case strings.HasPrefix(from, "functions/"):
		return !strings.HasPrefix(to, "internal/")
	case from == "functions":
		return strings.HasPrefix(to, "handlers/")
	}
	return false
}
