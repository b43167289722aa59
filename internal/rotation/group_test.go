package rotation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	shop = "11111111-aaaa-4111-8111-111111111111"
	blog = "22222222-bbbb-4222-8222-222222222222"
)

func TestAGroupIsCheckedAsAWhole(t *testing.T) {
	right := rotation.Group{ID: "acme", Name: "Acme", Team: "team_acme", Applications: []string{shop, blog}}
	assert.Empty(t, right.Check())
	wrong := rotation.Group{Name: strings.Repeat("x", 101), Team: "acme", Applications: []string{shop, "shop", shop}}
	assert.Equal(t, []rotation.Problem{
		{Field: "name", Detail: "must be 1 to 100 characters, and not all of them spaces"},
		{Field: "team", Detail: "must be the team's id at Vercel, which begins with team_"},
		{Field: "applications[1]", Detail: "must be a client id, a GUID"},
		{Field: "applications[2]", Detail: "must not be in the list twice"},
	}, wrong.Check())
	assert.Len(t, rotation.Group{Name: "  ", Team: "team_acme"}.Check(), 1)
}

func TestWhichGroupAnApplicationDeliversThrough(t *testing.T) {
	group := func(id string, active bool, token string, applications ...string) rotation.Group {
		return rotation.Group{ID: id, Active: active, Token: token, Applications: applications}
	}
	for name, c := range map[string]struct {
		groups     []rotation.Group
		want, fail string
	}{
		"its own":                  {[]rotation.Group{group("a", true, "t", blog), group("b", true, "t", shop)}, "b", ""},
		"the first that is usable": {[]rotation.Group{group("a", false, "t", shop), group("b", true, "", shop), group("c", true, "t", shop), group("d", true, "t", shop)}, "c", ""},
		"none at all":              {nil, "", "vercel: the application is in no group; add it to a group with a Vercel team and an access token"},
		"only another's":           {[]rotation.Group{group("a", true, "t", blog)}, "", "vercel: the application is in no group; add it to a group with a Vercel team and an access token"},
		"none that is active":      {[]rotation.Group{group("a", false, "t", shop)}, "", `vercel: the application is in the group "a", which is not active; make the group active`},
		"none with a token":        {[]rotation.Group{group("a", true, "", shop)}, "", `vercel: the application is in the group "a", which has no access token; save the group with an access token of its Vercel team`},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := rotation.GroupFor(shop, c.groups)
			assert.Equal(t, c.want, found.ID)
			if c.fail == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.fail)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
		})
	}
}
