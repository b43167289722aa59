package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// tokens are access tokens by name.
type tokens map[string]string

func (k tokens) PutToken(_ context.Context, name string, token secret.Value) error {
	k[name] = token.Reveal()
	return nil
}

func (k tokens) Token(_ context.Context, name string) (secret.Value, error) {
	if text, ok := k[name]; ok {
		return secret.New(text), nil
	}
	return secret.Value{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("vault: no such secret")}
}

func (k tokens) DeleteToken(_ context.Context, name string) error {
	delete(k, name)
	return nil
}

func acme(applications ...string) rotation.Group {
	return rotation.Group{ID: "acme", Name: "Acme", Active: true, Team: "team_acme", Applications: applications}
}

// grouped is a world with the group "acme" and its token.
func grouped(t *testing.T) (*world, tokens, string) {
	w, kept := newWorld(t), tokens{}
	w.Tokens = kept
	_, etag, err := w.SaveGroup(t.Context(), acme(appID), secret.New("value-token"), engine.Absent, "somebody")
	require.NoError(t, err)
	return w, kept, etag
}

func TestAGroupComesBackAsItWasSaved(t *testing.T) {
	w, kept, etag := grouped(t)
	assert.Equal(t, tokens{"rekey-token-acme": "value-token"}, kept)
	found, tag, err := w.Group(t.Context(), "acme")
	require.NoError(t, err)
	want := acme(appID)
	want.Token = "rekey-token-acme"
	assert.Equal(t, want, found)
	assert.Equal(t, etag, tag)
	delivers, err := w.GroupFor(t.Context(), appID)
	require.NoError(t, err)
	token, err := w.GroupToken(t.Context(), delivers)
	require.NoError(t, err)
	assert.Equal(t, "value-token", token.Reveal())
}

func TestAGroupSavedWithoutATokenKeepsTheOldOne(t *testing.T) {
	w, kept, etag := grouped(t)
	changed := acme()
	changed.Token = "rekey-token-other"
	saved, newTag, err := w.SaveGroup(t.Context(), changed, secret.Value{}, etag, "somebody")
	require.NoError(t, err)
	assert.Equal(t, "rekey-token-acme", saved.Token)
	assert.NotEqual(t, etag, newTag)
	assert.Equal(t, tokens{"rekey-token-acme": "value-token"}, kept)
}

func TestARefusedSaveReplacesNoToken(t *testing.T) {
	w, kept, _ := grouped(t)
	for name, c := range map[string]struct {
		group rotation.Group
		etag  string
		want  error
	}{
		"it is there already":  {acme(), engine.Absent, engine.ErrPrecondition},
		"it changed meanwhile": {acme(), "another", engine.ErrPrecondition},
		"there is no such one": {rotation.Group{ID: "other", Name: "Other", Team: "team_other"}, "*", engine.ErrPrecondition},
	} {
		_, _, err := w.SaveGroup(t.Context(), c.group, secret.New("value-other"), c.etag, "somebody")
		require.ErrorIs(t, err, c.want, name)
	}
	_, _, err := w.SaveGroup(t.Context(), rotation.Group{ID: "other"}, secret.New("value-other"), "", "somebody")
	invalid := new(engine.Invalid)
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, tokens{"rekey-token-acme": "value-token"}, kept)
}

func TestAGroupInUseIsNotDeleted(t *testing.T) {
	w, kept, _ := grouped(t)
	w.manage(policy())
	save := func(integration string) {
		row := rotation.TargetRow{ID: "shop", Integration: integration, Kind: rotation.Secret, Settings: []byte(`{}`)}
		_, err := w.SaveTarget(t.Context(), appID, row, "", "test")
		require.NoError(t, err)
	}
	save("vercel")
	err := w.DeleteGroup(t.Context(), "acme", "", "somebody")
	require.ErrorIs(t, err, engine.ErrRefused)
	require.ErrorContains(t, err, `group "acme" is used by `+appID+`/shop; delete those targets, or take their applications out of the group, first`)
	assert.Len(t, kept, 1)

	save("place")
	require.ErrorIs(t, w.DeleteGroup(t.Context(), "acme", "another", "somebody"), engine.ErrPrecondition)
	require.NoError(t, w.DeleteGroup(t.Context(), "acme", "", "somebody"))
	assert.Empty(t, kept, "the token goes with it")
	require.ErrorIs(t, w.DeleteGroup(t.Context(), "acme", "", "somebody"), engine.ErrUnknownRecord)
	_, err = w.GroupFor(t.Context(), appID)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestATokenThatIsGoneIsAskedForAgain(t *testing.T) {
	w, kept, _ := grouped(t)
	clear(kept)
	group, err := w.GroupFor(t.Context(), appID)
	require.NoError(t, err)
	_, err = w.GroupToken(t.Context(), group)
	assert.EqualError(t, err, `the access token of group "acme" is gone: vault: no such secret; save the group with its access token`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestGroupsAreListedInPages(t *testing.T) {
	w, _, _ := grouped(t)
	for _, id := range []string{"b", "c", "d"} {
		_, _, err := w.SaveGroup(t.Context(), rotation.Group{ID: id, Name: id, Team: "team_" + id}, secret.Value{}, "", "somebody")
		require.NoError(t, err)
	}
	var ids []string
	for from := ""; ; {
		page, next, err := w.Groups(t.Context(), from, 3)
		require.NoError(t, err)
		for _, g := range page {
			ids = append(ids, g.ID)
		}
		if from = next; next == "" {
			break
		}
	}
	assert.Equal(t, []string{"acme", "b", "c", "d"}, ids)
}

func TestAForgedGroupOpensNoOtherName(t *testing.T) {
	w, kept, _ := grouped(t)
	const staged = "rekey-" + appID + "-secret-1-1"
	kept[staged] = "value-staged"
	w.forge(engine.Key{Table: engine.TableGroups, Partition: "tenant", Row: "acme"}, "token", "rekey-token-acme", staged)
	group, _, err := w.Group(t.Context(), "acme")
	require.NoError(t, err)
	token, err := w.GroupToken(t.Context(), group)
	require.NoError(t, err)
	assert.Equal(t, "value-token", token.Reveal())
	require.NoError(t, w.DeleteGroup(t.Context(), "acme", "", "somebody"))
	assert.Equal(t, tokens{staged: "value-staged"}, kept)
}
