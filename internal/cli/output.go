package cli

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/rekey-dev/rekey/internal/client"
)

// The formats of an answer.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// show writes an answer: as the API gave it, or as it is shown to people.
func (s *session) show(document []byte, human func(*page, record)) error {
	switch s.format {
	case formatJSON:
		return s.write(document)
	case formatYAML:
		return s.yaml(document)
	}
	r, err := read(document)
	if err != nil {
		return err
	}
	p := &page{now: s.Now(), zone: s.Zone, colour: s.Colour && s.OutTerminal}
	human(p, r)
	return s.write(p.text.Bytes())
}

// read decodes a document for people.
func read(document []byte) (record, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var r record
	if err := decoder.Decode(&r); err != nil {
		return nil, (client.Answer{Body: document}).Decode(&r)
	}
	return r, nil
}

// write ends what it writes with a line's end, if it does not have one.
func (s *session) write(text []byte) error {
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	_, err := s.Out.Write(text)
	return err
}

func (s *session) yaml(document []byte) error {
	var text bytes.Buffer
	if err := yaml.Convert(&text, bytes.NewReader(document)); err != nil {
		return err
	}
	_, err := io.Copy(s.Out, &text)
	return err
}
