package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/advice"
	"github.com/rekey-dev/rekey/internal/inventory"
)

// Advice is a finding about what could do with fewer secrets or with none.
type Advice struct {
	Rule    string `json:"rule" doc:"Which rule found it"`
	AppID   string `json:"appId,omitempty" doc:"Left out where it concerns the tenant"`
	Name    string `json:"name,omitempty" doc:"The application's"`
	Target  string `json:"target,omitempty" doc:"The id of the target that it is about"`
	KeyID   string `json:"keyId,omitempty" doc:"The credential that it is about"`
	Finding string `json:"finding" doc:"What is so"`
	WayOut  string `json:"wayOut" doc:"What a person can do"`
	Page    string `json:"page" doc:"Where the vendor describes it"`
}

func (a *api) registerAdvice(h huma.API) {
	o := operation("listAdvice", http.MethodGet, "/api/advice", "What needs no secret at all, and which secrets nobody needs any more")
	o.Description = "First what concerns the tenant, then what the targets of managed applications could do without, then the app registrations of the tenant. " +
		"One request looks at some hundreds of them, so a page may have few items, or none, and still a next one."
	huma.Register(h, o, a.listAdvice)
}

func (a *api) listAdvice(ctx context.Context, in *Paging) (*answer[Page[Advice]], error) {
	from, err := in.from(advice.CursorForm)
	if err != nil {
		return nil, err
	}
	found, err := a.Advice.List(ctx, from, in.Limit)
	if errors.Is(err, inventory.ErrCursor) {
		return nil, notACursor()
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	items := make([]Advice, len(found.Items))
	for n, one := range found.Items {
		items[n] = Advice(one)
	}
	return &answer[Page[Advice]]{pageOf(items, found.Next)}, nil
}
