package cli

import (
	"encoding/json"
	"errors"
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
	var dryRun, prune bool
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
			query := url.Values{}
			for parameter, given := range map[string]bool{"dryRun": dryRun, "prune": prune} {
				if given {
					query.Set(parameter, "true")
				}
			}
			err = s.put(c.Context(), client.Request{
				Method: http.MethodPut, Path: client.Path("config"), Query: query, Header: http.Header{"Content-Type": {media}}, Body: text,
			}, ifMatch, showChanges)
			return s.half(err)
		},
	}
	fileFlag(c, &file, "the document, as export writes it")
	c.Flags().BoolVar(&prune, "prune", false, "also delete what is not in the document")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, and say what would be changed")
	ifMatchFlag(c, &ifMatch)
	return c
}

// half shows what was changed before a document was refused, if anything was.
func (s *session) half(err error) error {
	problem, ok := errors.AsType[*client.Problem](err)
	if !ok {
		return err
	}
	if r, unreadable := read(problem.Document); unreadable != nil || len(r.list("changes")) == 0 {
		return err
	}
	return errors.Join(err, s.show(problem.Document, showChanges))
}

func showChanges(p *page, r record) {
	var lines []record
	for _, change := range r.list("changes") {
		var fields []any
		for _, field := range change.list("fields") {
			fields = append(fields, field["field"])
		}
		change["fields"] = fields
		lines = append(lines, change)
	}
	p.table(lines, "Nothing is to be changed.",
		column{"ACTION", "action", nil}, column{"KIND", "kind", nil}, column{"ID", "id", nil}, column{"TARGET", "target", nil}, column{"LINE", "line", nil},
		column{"DONE", "applied", nil}, column{"FIELDS", "fields", nil}, column{"PROBLEM", "problem", nil}, column{"ACCESS PROBLEM", "accessProblem", nil})
	if notes := r.list("notes"); len(notes) > 0 {
		p.title("NOTES")
		p.table(notes, "", column{"KIND", "kind", nil}, column{"ID", "id", nil}, column{"TARGET", "target", nil}, column{"NOTE", "note", nil})
	}
}
