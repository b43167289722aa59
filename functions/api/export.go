package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"
)

// The forms that a list can be written in, by the word that asks for each.
const (
	formJSON     = "json"
	formNDJSON   = "ndjson"
	formCSV      = "csv"
	formMarkdown = "markdown"
	formMermaid  = "mermaid"
)

// mediaTypes are those of the forms. One without a registration of its own is text.
// https://www.rfc-editor.org/rfc/rfc4180 https://www.rfc-editor.org/rfc/rfc7763
var mediaTypes = map[string]string{
	formJSON: "application/json", formNDJSON: "application/x-ndjson", formCSV: "text/csv", formMarkdown: "text/markdown", formMermaid: "text/vnd.mermaid",
}

// formOf is the form that a request asks for, by its word or by what it accepts: JSON,
// where that is none of the others that there are.
func formOf(word, accept string, others ...string) string {
	if word != "" {
		return word
	}
	media := []string{mediaTypes[formJSON]}
	for _, form := range others {
		media = append(media, mediaTypes[form])
	}
	best := slices.Index(media, negotiation.SelectQValue(accept, media))
	if best <= 0 {
		return formJSON
	}
	return others[best-1]
}

// exported is a page in any form. Where the next one is says the header too, because
// not every form has a place for it: https://www.rfc-editor.org/rfc/rfc8288
type exported struct {
	ContentType string `header:"Content-Type"`
	Link        string `header:"Link" doc:"The next page, with rel=next"`
	Body        []byte
}

// export is a page that is written out already.
func export(ctx context.Context, form string, next *string, body []byte) *exported {
	e := &exported{ContentType: mediaTypes[form], Body: body}
	if strings.HasPrefix(e.ContentType, "text/") {
		e.ContentType += "; charset=utf-8"
	}
	if form == formCSV {
		e.ContentType += "; header=present"
	}
	if next != nil {
		e.Link = linkToNext(ctx, *next)
	}
	return e
}

func exportJSON(ctx context.Context, next *string, page any) (*exported, error) {
	var body bytes.Buffer
	if err := format.Marshal(&body, page); err != nil {
		return nil, err
	}
	return export(ctx, formJSON, next, body.Bytes()), nil
}

// linkToNext is the request once more, with another cursor.
func linkToNext(ctx context.Context, cursor string) string {
	next := *askedOf(ctx).url
	query := next.Query()
	query.Set("cursor", cursor)
	next.RawQuery = query.Encode()
	return `<` + next.RequestURI() + `>; rel="next"`
}

// writeLines writes JSON, one item in a line: https://github.com/ndjson/ndjson-spec
func writeLines[T any](items []T) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, item := range items {
		_ = encoder.Encode(item) // a type of ours, into memory
	}
	return body.Bytes()
}

// writeCSV writes a header and rows as RFC 4180 has them. A cell that a spreadsheet would
// take for a formula gets a quote: https://owasp.org/www-community/attacks/CSV_Injection
func writeCSV(columns []string, rows [][]string) []byte {
	var body bytes.Buffer
	w := csv.NewWriter(&body)
	w.UseCRLF = true
	_ = w.Write(columns) // into memory
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plainCell(cell)
		}
		_ = w.Write(row)
	}
	w.Flush()
	return body.Bytes()
}

func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// exports documents an operation that answers a page as JSON and in other forms.
func exports[T any](h huma.API, forms ...string) func(huma.Operation) huma.Operation {
	components := h.OpenAPI().Components.Schemas
	schema := components.Schema(reflect.TypeFor[T](), true, "")
	return func(o huma.Operation) huma.Operation {
		content := map[string]*huma.MediaType{mediaTypes[formJSON]: {Schema: schema}}
		for _, form := range forms {
			content[mediaTypes[form]] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
		o.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: content}}
		return o
	}
}
