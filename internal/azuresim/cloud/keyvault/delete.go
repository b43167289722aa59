package keyvault

import "strings"

// https://learn.microsoft.com/rest/api/keyvault/secrets/delete-secret
// https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate
func (s *Service) delete(c *call) (any, error) {
	found, stands := c.find(s)
	if stands == purged || stands == deleted {
		return nil, c.notFound(c.name())
	}
	if err := c.changeable(stands); err != nil {
		return nil, err
	}
	if err := c.mayChange(found, "delete"); err != nil {
		return nil, err
	}
	found.deleted = c.now
	return c.asDeleted(found, c.bundle(found, found.current())), nil
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secret
// https://learn.microsoft.com/rest/api/keyvault/certificates/get-deleted-certificate
func (s *Service) getDeleted(c *call) (any, error) {
	found, stands := c.find(s)
	if stands != deleted {
		return nil, c.notFound(c.name())
	}
	return c.asDeleted(found, c.bundle(found, found.current())), nil
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/recover-deleted-secret
// https://learn.microsoft.com/rest/api/keyvault/certificates/recover-deleted-certificate
func (s *Service) recover(c *call) (any, error) {
	found, err := c.deleted(s)
	if err != nil {
		return nil, err
	}
	if err := c.mayChange(found, "recover"); err != nil {
		return nil, err
	}
	found.deleted, found.recovered = noTime, c.now.Add(s.options.RecoveryDelay)
	return c.bundle(found, found.current()), nil
}

// https://learn.microsoft.com/rest/api/keyvault/secrets/purge-deleted-secret
// https://learn.microsoft.com/rest/api/keyvault/certificates/purge-deleted-certificate
func (s *Service) purge(c *call) (any, error) {
	found, err := c.deleted(s)
	if err != nil {
		return nil, err
	}
	if err := c.mayChange(found, "purge"); err != nil {
		return nil, err
	}
	if c.vault.PurgeProtection {
		return nil, forbidden("ForbiddenByPolicy", "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.")
	}
	c.held.forget(strings.ToLower(found.name))
	return nil, nil
}

// mayChange refuses to change a certificate through its secret.
func (c *call) mayChange(found *object, doing string) error {
	if found.kind != c.kind {
		return forbidden("", "Operation %q is not allowed on a secret that is associated with a certificate.", doing)
	}
	return nil
}
