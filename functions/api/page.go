package api

import (
	"context"
	"encoding/base64"
	"regexp"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Paging are the parameters of every list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next of the page before"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T     `json:"items" nullable:"false"`
	Next  *string `json:"next" nullable:"true" doc:"The cursor of the next page; null after the last"`
}

// pageOf returns a page. Next is where the engine goes on, or empty.
func pageOf[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	page := Page[T]{Items: items}
	if next != "" {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(next))
		page.Next = &cursor
	}
	return page
}

// from returns where a page begins; form is what the engine gives as next.
func (p Paging) from(form *regexp.Regexp) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || !form.Match(text) {
		return "", notACursor()
	}
	return string(text), nil
}

// listed answers with one page of what the engine lists, each as it is shown.
func listed[Record, Shown any](
	ctx context.Context, a *api, in *Paging, form *regexp.Regexp,
	list func(ctx context.Context, from string, limit int) ([]Record, string, error), show func(Record) Shown,
) (*answer[Page[Shown]], error) {
	from, err := in.from(form)
	if err != nil {
		return nil, err
	}
	records, next, err := list(ctx, from, in.Limit)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	items := make([]Shown, len(records))
	for i, record := range records {
		items[i] = show(record)
	}
	return &answer[Page[Shown]]{pageOf(items, next)}, nil
}

func notACursor() error {
	return invalid(rotation.Problem{Field: "query.cursor", Detail: "must be the next of the page before"})
}
