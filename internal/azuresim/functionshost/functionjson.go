package functionshost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// function is one function of the app; exactly one of its triggers is set.
type function struct {
	name       string
	binding    string // the trigger's
	output     string // the http output's
	http       *httpTrigger
	timer      *timerTrigger
	serviceBus *serviceBusTrigger
	eventGrid  bool
}

type httpTrigger struct {
	route   string
	methods []string // none means all
}

type timerTrigger struct {
	schedule     schedule
	runOnStartup bool
	useMonitor   bool
}

type serviceBusTrigger struct {
	queue, topic, subscription string
	connection                 string // a connection string
	binary                     bool
}

// functionName is the host's rule for the folders that are functions.
var functionName = regexp.MustCompile(`(?i)^[a-z][a-z0-9_-]{0,127}$`)

// functionJSON is function.json; retry is here only to be refused.
type functionJSON struct {
	Bindings []json.RawMessage
	Disabled bool
	Retry    json.RawMessage

	Schema json.RawMessage `json:"$schema"`
}

// loadFunctions reads the direct child folders that hold a function.json.
func loadFunctions(dir string, s settings) ([]function, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "function.json"))
	if err != nil {
		return nil, err
	}
	var functions []function
	var mistakes []error
	for _, file := range files {
		f, enabled, err := loadFunction(file, s)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("functionshost: load %q: %w", file, err))
		}
		if enabled {
			functions = append(functions, f)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("functionshost: load %q: %w: no folder holds a function.json", dir, os.ErrNotExist)
	}
	return functions, errors.Join(mistakes...)
}

func loadFunction(file string, s settings) (f function, enabled bool, err error) {
	f.name = filepath.Base(filepath.Dir(file))
	if !functionName.MatchString(f.name) {
		return f, false, fmt.Errorf("the folder's name is no function name: it must match %s", functionName)
	}
	var wire functionJSON
	if err := readStrictly(file, &wire); err != nil {
		return f, false, err
	}
	if wire.Retry != nil {
		return f, false, errors.New("retry: retry policies are not simulated")
	}
	for at, raw := range wire.Bindings {
		if err := f.bind(raw, s); err != nil {
			return f, false, fmt.Errorf("binding %d: %w", at+1, err)
		}
	}
	if f.binding == "" {
		return f, false, errors.New("it has no trigger")
	}
	if f.output != "" && f.http == nil {
		return f, false, errors.New("an http output needs an httpTrigger")
	}
	return f, !wire.Disabled && !s.disabled(f.name), nil
}

// bind adds one binding, after its type.
func (f *function) bind(raw json.RawMessage, s settings) error {
	var head struct{ Type, Name, Direction string }
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if head.Name == "" || head.Direction == "" {
		return fmt.Errorf("%s: name and direction are needed", head.Type)
	}
	want := "in"
	if head.Type == "http" {
		want = "out"
	}
	if head.Direction != want {
		return fmt.Errorf("%s: direction must be %q", head.Type, want)
	}
	if strings.HasSuffix(head.Type, "Trigger") {
		if f.binding != "" {
			return errors.New("a function has one trigger")
		}
		f.binding = head.Name
	}
	return f.bindType(head.Type, head.Name, raw, s)
}

func (f *function) bindType(kind, name string, raw json.RawMessage, s settings) (err error) {
	switch kind {
	case "httpTrigger":
		f.http, err = readHTTPTrigger(raw, f.name)
	case "http":
		f.output = name
	case "timerTrigger":
		f.timer, err = readTimerTrigger(raw, s)
	case "serviceBusTrigger":
		f.serviceBus, err = readServiceBusTrigger(raw, s)
	case "eventGridTrigger":
		f.eventGrid = true
		err = decodeStrictly(raw, &struct{ Type, Name, Direction string }{})
	default:
		return fmt.Errorf("bindings of type %q are not simulated", kind)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}
