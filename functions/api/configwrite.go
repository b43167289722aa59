package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// yamlWriter writes YAML with comments for people, and for editors the name of the
// schema: https://github.com/redhat-developer/yaml-language-server
type yamlWriter struct {
	to    *bytes.Buffer
	empty bool // the kind that was begun, so far
}

func (w *yamlWriter) begin() {
	fmt.Fprintf(w.to, `# yaml-language-server: $schema=%s
# What is configured in rekey, without secrets: GET %s gives it, PUT takes it.
# A field that is left out has its default; a thing that is left out stays as it is.
version: %d
`, schemaPath, configPath, configVersion)
}

func (w *yamlWriter) kind(name string) {
	w.end()
	w.to.WriteString(name + ":")
	w.empty = true
}

func (w *yamlWriter) item(i item) error {
	if w.empty {
		w.to.WriteString("\n")
	}
	w.empty = false
	return yamldoc.Write(w.to, columnOfIDs, i.id, i.fields, strings.Join(strings.Fields(i.label), " "))
}

func (w *yamlWriter) single(name string, i item) error {
	w.end()
	return yamldoc.Write(w.to, 0, name, i.fields, "")
}

func (w *yamlWriter) end() {
	if w.empty {
		w.to.WriteString(" {}\n")
	}
	w.empty = false
}

const columnOfIDs = 2

// jsonWriter writes JSON, an item a line.
type jsonWriter struct {
	to     *bytes.Buffer
	inside bool // a kind
	comma  bool
}

func (w *jsonWriter) begin() {
	fmt.Fprintf(w.to, `{"$schema":%q,"version":%d`, schemaPath, configVersion)
}

func (w *jsonWriter) kind(name string) {
	w.leave()
	fmt.Fprintf(w.to, ",\n%q:{", name)
	w.inside, w.comma = true, false
}

func (w *jsonWriter) leave() {
	if w.inside {
		w.to.WriteString("}")
	}
	w.inside = false
}

func (w *jsonWriter) item(i item) error {
	if w.comma {
		w.to.WriteString(",")
	}
	w.comma = true
	return w.field("\n", i.id, i.fields)
}

func (w *jsonWriter) single(name string, i item) error {
	w.leave()
	return w.field(",\n", name, i.fields)
}

func (w *jsonWriter) field(before, name string, value fields) error {
	fmt.Fprintf(w.to, "%s%q:", before, name)
	text, err := json.Marshal(value)
	_, _ = w.to.Write(text)
	return err
}

func (w *jsonWriter) end() {
	w.leave()
	w.to.WriteString("}\n")
}
