package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// SignIn is the last sign-in with one credential of an application.
// https://learn.microsoft.com/graph/api/resources/appcredentialsigninactivity
type SignIn struct {
	AppID, KeyID string
	KeyType      string // clientSecret or certificate
	At           time.Time
}

// SetSignIn reports a sign-in, days later than the real report does.
func (s *Service) SetSignIn(one SignIn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signIns[one.KeyID] = one
}

// reports answers for what is simulated of beta.
func (s *Service) reports(r *request, target resource) (*answer, error) {
	if target.collection != "reports" || target.key.id != "appCredentialSignInActivities" || target.rest != "" {
		return nil, noSegment(strings.Trim(r.path, "/"))
	}
	if r.Method != http.MethodGet {
		return nil, notAllowed(r.Method)
	}
	if err := mayReadReports(r.token); err != nil {
		return nil, err
	}
	all := collection[SignIn]{of: signInType, show: showSignIn, field: signInField}
	return all.page(s, r, s.allSignIns)
}

func (s *Service) allSignIns(time.Duration) (all []SignIn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.signIns {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b SignIn) int { return strings.Compare(a.KeyID, b.KeyID) })
	return all
}

func signInField(one SignIn, property string) string {
	switch property {
	case "id", "keyId":
		return one.KeyID
	case "appId":
		return one.AppID
	}
	return ""
}

func showSignIn(one SignIn) map[string]any {
	return map[string]any{
		"id": one.KeyID, "appId": one.AppID, "keyId": one.KeyID, "keyType": one.KeyType, "keyUsage": "sign", "credentialOrigin": "application",
		"signInActivity": map[string]any{"lastSignInDateTime": timestamp(one.At), "lastSignInRequestId": nil},
	}
}
