package keyvault

// Data actions and their access policy verbs:
// https://learn.microsoft.com/azure/key-vault/general/rbac-migration
var (
	getSecret     = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/getSecret/action", permission: "get"}
	setSecret     = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/setSecret/action", permission: "set", creates: true}
	updateSecret  = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/update/action", permission: "set"}
	deleteSecret  = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/delete", permission: "delete"}
	listSecrets   = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/readMetadata/action", permission: "list"}
	getDeleted    = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/readMetadata/action", permission: "get"}
	recoverSecret = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/recover/action", permission: "recover"}
	purgeSecret   = operation{kind: secrets, action: "Microsoft.KeyVault/vaults/secrets/purge/action", permission: "purge"}
)

func (op operation) by(handle func(*call) (any, error)) operation {
	op.handle = handle
	return op
}

// The current version is read and updated with no version, be there a slash or not.
func (s *Service) secretOperations() map[string]operation {
	return map[string]operation{
		"PUT /secrets/{name}":                 setSecret.by(s.setSecret),
		"GET /secrets/{name}":                 getSecret.by(s.getSecret),
		"GET /secrets/{name}/{$}":             getSecret.by(s.getSecret),
		"GET /secrets/{name}/{version}":       getSecret.by(s.getSecret),
		"PATCH /secrets/{name}":               updateSecret.by(s.updateSecret),
		"PATCH /secrets/{name}/{$}":           updateSecret.by(s.updateSecret),
		"PATCH /secrets/{name}/{version}":     updateSecret.by(s.updateSecret),
		"DELETE /secrets/{name}":              deleteSecret.by(s.delete),
		"GET /secrets":                        listSecrets.by(s.list),
		"GET /secrets/{$}":                    listSecrets.by(s.list),
		"GET /secrets/{name}/versions":        listSecrets.by(s.listVersions),
		"GET /deletedsecrets":                 listSecrets.by(s.listDeleted),
		"GET /deletedsecrets/{name}":          getDeleted.by(s.getDeleted),
		"POST /deletedsecrets/{name}/recover": recoverSecret.by(s.recover),
		"DELETE /deletedsecrets/{name}":       purgeSecret.by(s.purge),
	}
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret
func (s *Service) setSecret(c *call) (any, error) {
	if err := checkName(c.name()); err != nil {
		return nil, err
	}
	parameters, err := readParameters(c.request)
	if err != nil {
		return nil, err
	}
	if parameters.Value == nil {
		return nil, badParameter("The parameter value is required.")
	}
	found, stands := c.find(s)
	if err := c.changeable(stands); err != nil {
		return nil, err
	}
	if found != nil && found.kind == certificates {
		return nil, conflict("", "The secret %s belongs to a certificate and cannot be set.", c.name())
	}
	v := newVersion(c.now)
	if err := parameters.apply(v, c.now); err != nil {
		return nil, err
	}
	v.value = *parameters.Value
	found = c.add(found, v)
	s.announce(c.vault, found, v)
	return c.withValue(found, v), nil
}

func (c *call) withValue(found *object, v *version) bundle {
	b := c.bundle(found, v)
	b.Value = &v.value
	return b
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret
func (s *Service) getSecret(c *call) (any, error) {
	found, v, err := c.readable(s)
	if err != nil {
		return nil, err
	}
	if !v.enabled {
		return nil, forbidden("SecretDisabled", "Operation get is not allowed on a disabled secret.")
	}
	return c.withValue(found, v), nil
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/update-secret
func (s *Service) updateSecret(c *call) (any, error) {
	parameters, err := readParameters(c.request)
	if err != nil {
		return nil, err
	}
	found, v, err := c.readable(s)
	if err != nil {
		return nil, err
	}
	if err := c.mayChange(found, "update"); err != nil {
		return nil, err
	}
	expired := v.expires
	if err := parameters.apply(v, c.now); err != nil {
		return nil, err
	}
	if !same(v.expires, expired) {
		s.scheduleExpiry(c.vault, found, v)
	}
	return c.bundle(found, v), nil
}
