package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
)

// The forms in which the configuration is given and taken.
const (
	typeYAML = "application/yaml" // https://www.rfc-editor.org/rfc/rfc9512
	typeJSON = "application/json"
)

type getConfig struct {
	Accept string `header:"Accept" doc:"application/json for JSON; anything else is answered in YAML"`
}

// exportedConfig is the configuration as it is answered.
type exportedConfig struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// get writes the document item by item: it is never there in another form.
func (c *config) get(ctx context.Context, in *getConfig) (*exportedConfig, error) {
	var body bytes.Buffer
	to := writer(&yamlWriter{to: &body})
	answer := &exportedConfig{ContentType: typeYAML}
	if strings.Contains(in.Accept, "json") {
		to, answer.ContentType = &jsonWriter{to: &body}, typeJSON
	}
	etag, err := c.export(ctx, to)
	if err != nil {
		return nil, c.refusal(ctx, err)
	}
	answer.ETag, answer.Body = etag, body.Bytes()
	return answer, nil
}

// writer writes the document in one form.
type writer interface {
	begin()
	kind(name string) // begins a kind; it may have no items
	item(item) error
	single(name string, i item) error // an item that is alone in its kind
	end()
}

// export writes all that is configured, in an order of its own, and returns its ETag.
func (c *config) export(ctx context.Context, to writer) (etag string, err error) {
	sum := sha256.New()
	to.begin()
	for _, k := range c.kinds {
		if k.ids != nil {
			to.kind(k.name)
		}
		for i, err := range k.each(ctx) {
			if err != nil {
				return "", err
			}
			if err := one(to, k, i); err != nil {
				return "", fmt.Errorf("config: write %s %q: %w", k.name, i.id, err)
			}
			count(sum, k.name, i)
		}
	}
	to.end()
	return tagOf(sum), nil
}

func one(to writer, k kind, i item) error {
	if k.ids == nil {
		return to.single(k.name, i)
	}
	return to.item(i)
}

// etag returns the ETag of all that is configured: two configurations that say the
// same have the same, in whatever form they are given.
func (c *config) etag(ctx context.Context) (string, error) {
	sum := sha256.New()
	for _, k := range c.kinds {
		for i, err := range k.each(ctx) {
			if err != nil {
				return "", err
			}
			count(sum, k.name, i)
		}
	}
	return tagOf(sum), nil
}

// count puts an item into the ETag's sum.
func count(sum hash.Hash, kind string, i item) {
	text, err := json.Marshal([]any{kind, i.id, i.fields})
	if err != nil {
		panic("api: " + err.Error()) // it came from JSON
	}
	_, _ = sum.Write(text)
}

func tagOf(sum hash.Hash) string { return `"` + hex.EncodeToString(sum.Sum(nil)) + `"` }
