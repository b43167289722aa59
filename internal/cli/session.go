package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-dev/rekey/internal/client"
)

// session is one run of one command.
type session struct {
	Surroundings
	server, scope, keyFile, format string

	started bool // the command line was right
	api     *client.Client
}

const (
	callTimeout = 90 * time.Second // an instance may first have to be started
	patience    = 2 * time.Minute
)

// start ends the reading of the command line.
func (s *session) start(c *cobra.Command) error {
	if err := c.ValidateRequiredFlags(); err != nil {
		return err
	}
	switch s.format {
	case formatTable, formatJSON, formatYAML:
		s.started = true
		return nil
	}
	return fmt.Errorf("--output must be table, json or yaml, not %q", s.format)
}

// client returns the client of the server that was named.
func (s *session) client() (*client.Client, error) {
	if s.api != nil {
		return s.api, nil
	}
	if s.server == "" {
		return nil, &usage{errors.New("which installation? Give its address with --server or REKEY_URL")}
	}
	options := client.Options{
		Server: s.server, Transport: s.Transport, Agent: "rekey/" + s.Version,
		Timeout: callTimeout, Patience: patience, Now: s.Now, Pause: s.Pause,
	}
	api, err := client.New(options)
	if err != nil {
		return nil, &usage{err}
	}
	if options.Authorize, err = s.authorize(api.Loopback()); err != nil {
		return nil, err
	}
	s.api, err = client.New(options)
	return s.api, err
}

// do sends a request.
func (s *session) do(ctx context.Context, r client.Request) (client.Answer, error) {
	api, err := s.client()
	if err != nil {
		return client.Answer{}, err
	}
	return api.Do(ctx, r)
}

func (s *session) get(ctx context.Context, path string, query url.Values) (client.Answer, error) {
	return s.do(ctx, client.Request{Path: path, Query: query})
}

// post sends a small document.
func (s *session) post(ctx context.Context, path string, body any) (client.Answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return client.Answer{}, err
	}
	return s.do(ctx, client.Request{Method: http.MethodPost, Path: path, Body: text})
}

// note tells a person something beside the answer.
func (s *session) note(format string, args ...any) {
	_, _ = fmt.Fprintln(s.Err, plain(fmt.Sprintf(format, args...)))
}

// file reads a file that was named, or stdin where its name is -.
func (s *session) file(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(s.In)
	}
	return os.ReadFile(name)
}

// document reads a file of JSON or YAML, and returns it as JSON.
func (s *session) document(name string) ([]byte, error) {
	text, err := s.file(name)
	if err != nil {
		return nil, err
	}
	if json.Valid(text) {
		return bytes.TrimSpace(text), nil
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %w", name, err)
	}
	return json.Marshal(value)
}

// fileFlag is -f, which every command that sends a document has.
func fileFlag(c *cobra.Command, name *string, what string) {
	c.Flags().StringVarP(name, "file", "f", "", what+", in JSON or YAML; - is stdin")
	_ = c.MarkFlagRequired("file")
}

// oneOf is a check of a flag or an argument.
func oneOf(what, given string, known ...string) error {
	for _, k := range known {
		if given == k {
			return nil
		}
	}
	return &usage{fmt.Errorf("%s must be %s, not %q", what, strings.Join(known, " or "), given)}
}
