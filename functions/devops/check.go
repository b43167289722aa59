package devops

import (
	"context"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Check says whether Deploy would work. That rekey may change the connection it
// asks by reading it as somebody who manages it.
func (t *Target) Check(ctx context.Context, app rotation.Application, row rotation.TargetRow) (notes []string, err error) {
	s, err := savedSettings(row)
	if err != nil {
		return nil, err
	}
	in := session{client: t.client, Settings: s}
	found, err := in.find(ctx, 1)
	if err != nil {
		return nil, err
	}
	if err := found.judge(app); err != nil {
		return nil, err
	}
	if _, err := in.get(ctx, found.ID, "manage"); err != nil {
		if rotation.ClassOf(err) != rotation.NotFound {
			return nil, err
		}
		return nil, refusal(rotation.Denied,
			"make rekey's identity an Administrator of the connection (Project settings > Service connections > the connection > Security)",
			"devops: service connection %q: rekey may see it and not change it", found.Name)
	}
	notes = found.notes(row.Kind, t.client.tenantID)
	if err := in.test(ctx, found); err != nil {
		notes = append(notes, "its present credential does not work: "+err.Error())
	}
	return notes, nil
}

// notes are what a person should know who lets rekey look after a connection.
func (c connection) notes(kind rotation.Kind, tenantID string) (notes []string) {
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if len(c.Projects) > 1 || c.IsShared {
		note("it is shared by %d projects: rekey's identity must be its Administrator at the level of the organization, which only a delivery can prove", len(c.Projects))
	}
	if c.isAutomatic() {
		note("Azure DevOps created it automatically: with the first delivery it becomes a manual one, because only such a one takes a credential")
	}
	usesCertificate := strings.EqualFold(text(c.Authorization.Parameters, paramHow), howCertificate)
	switch {
	case kind == rotation.Certificate && !usesCertificate:
		note("it signs in with a secret now: with the first delivery it signs in with the certificate")
	case kind == rotation.Secret && usesCertificate:
		note("it signs in with a certificate now: with the first delivery it signs in with the secret")
	}
	if tenant := text(c.Authorization.Parameters, paramTenant); tenantID != "" && !strings.EqualFold(tenant, tenantID) {
		note("it signs in to another tenant, %q, where the application needs a service principal", tenant)
	}
	if c.IsDisabled {
		note("it is disabled: pipelines cannot use it")
	}
	return notes
}
