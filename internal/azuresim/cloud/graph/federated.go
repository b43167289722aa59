package graph

import "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"

// listFederated shows the issuers that an application trusts in place of a secret.
// https://learn.microsoft.com/graph/api/application-list-federatedidentitycredentials
func (s *Service) listFederated(r *request, k key) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	options, err := readOptions(r.URL.Query(), federatedType)
	if err != nil {
		return nil, err
	}
	app, err := s.find(k, s.readLag(k.id))
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{
		"@odata.context": metadata("applications('" + k.id + "')/federatedIdentityCredentials" + options.suffix()),
		"value": showAll(app.Federated, func(f entra.FederatedCredential) map[string]any {
			return options.project(map[string]any{
				"id": f.ID, "name": f.Name, "issuer": f.Issuer, "subject": f.Subject, "description": nil, "audiences": list(f.Audiences),
			})
		}),
	}), nil
}
