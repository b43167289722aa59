package api

import (
	"context"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

type getRotations struct {
	AppID appID         `path:"appId"`
	Kind  rotation.Kind `query:"kind" enum:"secret,certificate" doc:"Both, if left out"`
	Paging
}

// listRotations also answers for an application that is no longer managed.
func (a *api) listRotations(ctx context.Context, in *getRotations) (*answer[Page[Rotation]], error) {
	from, err := in.from(rotationCursor)
	if err != nil {
		return nil, err
	}
	all, err := a.rotations(ctx, in.AppID.String(), in.Kind)
	if err == nil && len(all) == 0 {
		_, _, err = a.Engine.Application(ctx, in.AppID.String())
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	rest, err := after(all, from)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(rest) > in.Limit {
		rest = rest[:in.Limit]
		next = rest[in.Limit-1].ID
	}
	return &answer[Page[Rotation]]{pageOf(rest, next)}, nil
}

// rotations returns an application's rotations, newest first.
func (a *api) rotations(ctx context.Context, appID string, only rotation.Kind) (all []Rotation, err error) {
	for _, kind := range rotation.Kinds() {
		if only != "" && only != kind {
			continue
		}
		found, err := a.Engine.Rotations(ctx, appID, kind)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			all = append(all, rotationOf(r))
		}
	}
	slices.SortStableFunc(all, func(a, b Rotation) int { return b.requested().Compare(a.requested()) })
	return all, nil
}

// after drops everything up to the rotation with an id. No id drops nothing.
func after(all []Rotation, id string) ([]Rotation, error) {
	i := slices.IndexFunc(all, func(r Rotation) bool { return r.ID == id })
	if i < 0 && id != "" {
		return nil, notACursor()
	}
	return all[i+1:], nil
}
