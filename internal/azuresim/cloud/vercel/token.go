package vercel

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Token is an access token as it is seeded.
// https://vercel.com/docs/rest-api#authentication
type Token struct {
	Text     string    // made up when left out
	Teams    []string  // the ids of the only teams that it may see; none is all
	Expires  time.Time // zero: never
	ReadOnly bool
}

type token struct {
	Token
	revoked bool
}

// AddToken makes a token good from now on, and returns its text.
func (s *Service) AddToken(t Token) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Text == "" {
		t.Text = newID("vcp_")
	}
	s.tokens[t.Text] = &token{Token: t}
	return t.Text
}

// RevokeToken ends a token.
func (s *Service) RevokeToken(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[text]; t != nil {
		t.revoked = true
	}
}

func (t *token) sees(x *team) bool { return len(t.Teams) == 0 || slices.Contains(t.Teams, x.ID) }

// authenticate finds the token. One that is expired or revoked is like none.
func (s *Service) authenticate(c *call) error {
	text, given := strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	if !given || text == "" {
		return forbidden("The request is missing an authentication token").with("missingToken", true)
	}
	c.token = s.tokens[text]
	if c.token == nil || c.token.revoked || !c.token.Expires.IsZero() && !c.now.Before(c.token.Expires) {
		return forbidden("Not authorized").with("invalidToken", true)
	}
	return nil
}

// enter finds the team that the request is on behalf of.
func (s *Service) enter(c *call) error {
	id, slug := c.query("teamId"), c.query("slug")
	if id == "" && slug == "" {
		return nil
	}
	for _, t := range s.teams {
		if (t.ID == id || id == "" && t.Slug == slug) && c.token.sees(t) {
			c.team = t
			return nil
		}
	}
	return outOfScope(id + slug)
}

func outOfScope(scope string) error {
	return refuse(http.StatusForbidden, "forbidden", "Not authorized: Trying to access resource under scope %q. "+
		"You must re-authenticate to this scope or use a token with access to this scope.", scope)
}
