package apiconnection

import (
	"context"
	"maps"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// write puts the credential into the connection, with all else as it stands. It
// returns the secret values that it sent as well.
func (t *Target) write(ctx context.Context, settings Settings, d rotation.Delivery) (written connection, sent map[string]hidden, err error) {
	s, err := t.find(ctx, settings)
	if err != nil {
		return written, nil, err
	}
	name, err := s.takes(d.Application, d.Target.Kind)
	if err != nil {
		return written, nil, err
	}
	values, err := s.plainValues(settings)
	if err != nil {
		return written, nil, err
	}
	named, _, err := s.furtherSecrets(settings)
	if err != nil {
		return written, nil, err
	}
	if sent, err = t.fetch(ctx, named); err != nil {
		return written, nil, err
	}
	if sent[name], err = concealed(d.Credential, d.Target.Kind); err != nil {
		return written, nil, err
	}
	written, err = t.manager.put(ctx, s.connection, values, sent)
	return written, sent, remedied(err, settings.Connection)
}

// find reads the connection and its connector.
func (t *Target) find(ctx context.Context, settings Settings) (signIn, error) {
	c, err := t.manager.connection(ctx, settings.Connection)
	if err != nil {
		return signIn{}, remedied(err, settings.Connection)
	}
	k, err := t.manager.connector(ctx, c.API.ID)
	if err != nil {
		return signIn{}, remedied(err, settings.Connection)
	}
	return signInOf(c, k)
}

// takes refuses a connection that is not for the application's credentials of a
// kind, and returns the parameter that takes them.
func (s signIn) takes(app rotation.Application, kind rotation.Kind) (string, error) {
	if err := s.belongsTo(app.AppID); err != nil {
		return "", err
	}
	return s.credentialParameter(kind)
}

// revealed is what a request holds.
func revealed(values map[string]any, secrets map[string]hidden) map[string]any {
	all := maps.Clone(values)
	for name, h := range secrets {
		all[name] = h.reveal()
	}
	return all
}
