package cli

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

const (
	typeJSON = "application/json"
	typeYAML = "application/yaml" // https://www.rfc-editor.org/rfc/rfc9512
)

func (s *session) export() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Write everything that is configured, without secrets, as one YAML document", Args: cobra.NoArgs,
		Example: "  rekey export > rekey.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			accept := typeYAML
			if s.format == formatJSON {
				accept = typeJSON
			}
			answer, err := s.do(c.Context(), client.Request{Path: client.Path("config"), Header: http.Header{"Accept": {accept}}})
			if err != nil {
				return err
			}
			return s.write(answer.Body)
		},
	}
}

func (s *session) apply() *cobra.Command {
	var file, ifMatch string
	var dryRun bool
	c := &cobra.Command{
		Use: "apply", Short: "Configure everything as a document says, and say what was changed", Args: cobra.NoArgs,
		Example: "  rekey apply -f rekey.yaml --dry-run\n  rekey apply -f rekey.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := s.file(file)
			if err != nil {
				return err
			}
			media := typeYAML // sent as it is: the API names lines
			if json.Valid(text) {
				media = typeJSON
			}
			r := client.Request{Method: http.MethodPut, Path: client.Path("config"), Header: http.Header{"Content-Type": {media}}, Body: text}
			if dryRun {
				r.Query = url.Values{"dryRun": {"true"}}
			}
			return s.put(c.Context(), r, ifMatch, showAnything)
		},
	}
	fileFlag(c, &file, "the document, as export writes it")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, and say what would be changed")
	ifMatchFlag(c, &ifMatch)
	return c
}
