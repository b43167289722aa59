package apiconnection

import (
	"encoding/json"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// signIn is how a connection signs in: the parameters that it has, and the values
// that it shows of them.
type signIn struct {
	connection connection
	connector  connector
	parameters map[string]parameter
	values     map[string]json.RawMessage
}

// signInOf puts a connection and its connector together, and refuses a connection
// that signs in without client credentials.
func signInOf(c connection, k connector) (signIn, error) {
	s := signIn{connection: c, connector: k, parameters: k.parameters, values: c.values()}
	if strings.EqualFold(c.ParameterValueType, "Alternative") {
		return s, c.managedIdentity()
	}
	if c.Set != nil {
		set, known := k.set(c.Set.Name)
		if !known {
			return s, refuse(rotation.Permanent, "make the connection again", "apiconnection: connection %q: its parameter set %q is none of connector %q", c.Name, c.Set.Name, k.name)
		}
		s.parameters = set.Parameters
	}
	for _, p := range s.parameters {
		if strings.EqualFold(p.Type, typeManagedIdentity) {
			return s, c.managedIdentity()
		}
	}
	return s, nil
}

func (c connection) managedIdentity() error {
	return refuse(rotation.Permanent, "delete the target", "apiconnection: connection %q signs in with a managed identity: it has nothing to rotate", c.Name)
}

// text returns a value that is shown, if it is a string.
func (s signIn) text(name string) (value string) {
	if key, ok := spelled(s.values, name); ok && json.Unmarshal(s.values[key], &value) != nil {
		return ""
	}
	return value
}

// belongsTo refuses a connection that does not show that it signs in with client
// credentials of the application. What it does not show is not guessed.
func (s signIn) belongsTo(appID string) error {
	c := s.connection
	if err := s.withoutApplication(); err != nil {
		return err
	}
	client := s.text(paramClient)
	switch {
	case client == "":
		return refuse(rotation.Permanent, "enter the application in it once (in the portal: Edit API connection)",
			"apiconnection: connection %q does not show which application it signs in with", c.Name)
	case appID != "" && !strings.EqualFold(client, appID):
		return refuse(rotation.Permanent, "choose a connection of this application, or add the target to the other one",
			"apiconnection: connection %q signs in with the application %q and not with %q", c.Name, client, appID)
	}
	return nil
}

// withoutApplication refuses what signs in with a key, or as a user.
func (s signIn) withoutApplication() error {
	c := s.connection
	grant := s.text(paramGrant)
	_, takesApplication := spelled(s.parameters, paramClient)
	switch {
	case grant != "" && !strings.EqualFold(grant, "client_credentials"), c.User.Name != "" && s.text(paramClient) == "":
		return refuse(rotation.Permanent, "make a connection that signs in with a service principal",
			"apiconnection: connection %q signs in as a user, by consent, and not with client credentials", c.Name)
	case !takesApplication:
		return refuse(rotation.Permanent, "make a connection that signs in with a service principal",
			"apiconnection: connection %q of connector %q signs in without an application", c.Name, s.connector.name)
	}
	return nil
}

// credentialParameter returns the parameter that takes a credential of a kind, as
// the connector spells it.
func (s signIn) credentialParameter(kind rotation.Kind) (string, error) {
	c, k := s.connection, s.connector
	secretName, takesSecret := spelled(s.parameters, paramSecret)
	certificateName, takesCertificate := spelled(s.parameters, paramCertificate)
	switch {
	case kind == rotation.Secret && takesSecret:
		return secretName, nil
	case kind == rotation.Certificate && takesCertificate:
		return certificateName, nil
	case kind == rotation.Secret && takesCertificate:
		return "", refuse(rotation.Permanent, "make it a target of certificates", "apiconnection: connection %q signs in with a certificate, not with a secret", c.Name)
	case k.certificateSet() != "":
		return "", refuse(rotation.Permanent, "make a connection of the parameter set \""+k.certificateSet()+"\", or a target of secrets",
			"apiconnection: connection %q signs in with a secret, not with a certificate", c.Name)
	}
	return "", refuse(rotation.Permanent, "make it a target of secrets", "apiconnection: connection %q: connector %q takes no certificate", c.Name, k.name)
}
