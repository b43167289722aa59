package keyvault

// Data actions and their access policy verbs:
// https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
var (
	importCertificate     = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/import/action", permission: "import", creates: true}
	getCertificate        = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/read", permission: "get"}
	listCertificates      = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/read", permission: "list"}
	updateCertificate     = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/update/action", permission: "update"}
	deleteCertificate     = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/delete", permission: "delete"}
	recoverCertificate    = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/recover/action", permission: "recover"}
	purgeCertificate      = operation{kind: certificates, action: "Microsoft.KeyVault/vaults/certificates/purge/action", permission: "purge"}
	getDeletedCertificate = getCertificate
)

func (s *Service) certificateOperations() map[string]operation {
	return map[string]operation{
		"POST /certificates/{name}/import":         importCertificate.by(s.importCertificate),
		"GET /certificates/{name}":                 getCertificate.by(s.getCertificate),
		"GET /certificates/{name}/{$}":             getCertificate.by(s.getCertificate),
		"GET /certificates/{name}/{version}":       getCertificate.by(s.getCertificate),
		"GET /certificates/{name}/policy":          getCertificate.by(s.getPolicy),
		"PATCH /certificates/{name}":               updateCertificate.by(s.updateCertificate),
		"PATCH /certificates/{name}/{$}":           updateCertificate.by(s.updateCertificate),
		"PATCH /certificates/{name}/{version}":     updateCertificate.by(s.updateCertificate),
		"DELETE /certificates/{name}":              deleteCertificate.by(s.delete),
		"GET /certificates":                        listCertificates.by(s.list),
		"GET /certificates/{$}":                    listCertificates.by(s.list),
		"GET /certificates/{name}/versions":        listCertificates.by(s.listVersions),
		"GET /deletedcertificates":                 listCertificates.by(s.listDeleted),
		"GET /deletedcertificates/{name}":          getDeletedCertificate.by(s.getDeleted),
		"POST /deletedcertificates/{name}/recover": recoverCertificate.by(s.recover),
		"DELETE /deletedcertificates/{name}":       purgeCertificate.by(s.purge),
	}
}

// certificateParameters is the body of an import and of an update. When the
// certificate begins and ends, it says itself.
type certificateParameters struct {
	Value      *string           `json:"value"`
	Password   string            `json:"pwd"`
	Policy     *policy           `json:"policy"`
	Attributes *attributes       `json:"attributes"`
	Tags       map[string]string `json:"tags"`
}

// https://learn.microsoft.com/rest/api/keyvault/certificates/import-certificate
func (s *Service) importCertificate(c *call) (any, error) {
	if err := checkName(c.name()); err != nil {
		return nil, err
	}
	v, err := c.imported()
	if err != nil {
		return nil, err
	}
	found, stands := c.find(s)
	if err := c.changeable(stands); err != nil {
		return nil, err
	}
	if found == nil && c.taken(s) {
		return nil, conflict("", "A secret with the name %s exists already, and a certificate needs its name for a secret of its own.", c.name())
	}
	found = c.add(found, v)
	s.announce(c.vault, found, v)
	return c.bundle(found, v), nil
}

// taken reports whether a secret has the name that a certificate is to have.
func (c *call) taken(s *Service) bool {
	asSecret := *c
	asSecret.kind = secrets
	_, stands := asSecret.find(s)
	return stands != purged
}

// imported is the version that the request's body makes.
func (c *call) imported() (*version, error) {
	var p certificateParameters
	if err := readBody(c.request, &p); err != nil {
		return nil, err
	}
	if p.Value == nil || *p.Value == "" {
		return nil, badParameter("The parameter value is required.")
	}
	if err := p.Policy.check(); err != nil {
		return nil, err
	}
	made, err := readContent(*p.Value, p.Password, p.Policy.contentType())
	if err != nil {
		return nil, err
	}
	v := newVersion(c.now)
	if v.policy, err = p.Policy.of(made); err != nil {
		return nil, err
	}
	if v.value, err = made.secretValue(p.Policy.contentType(), p.Policy.exportable()); err != nil {
		return nil, err
	}
	begin, end := made.leaf.NotBefore.Unix(), made.leaf.NotAfter.Unix()
	v.x509, v.contentType, v.notBefore, v.expires = made.leaf, p.Policy.contentType(), &begin, &end
	return v, p.apply(v)
}

// apply changes what can be changed afterwards as well.
func (p certificateParameters) apply(v *version) error {
	if err := checkTags(p.Tags); err != nil {
		return err
	}
	if p.Attributes != nil {
		v.enabled = *either(p.Attributes.Enabled, &v.enabled)
	}
	if p.Tags != nil {
		v.tags = p.Tags
	}
	return nil
}

// https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate
func (s *Service) getCertificate(c *call) (any, error) {
	found, v, err := c.readable(s)
	if err != nil {
		return nil, err
	}
	return c.bundle(found, v), nil
}

// https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-policy
func (s *Service) getPolicy(c *call) (any, error) {
	found, v, err := c.readable(s)
	if err != nil {
		return nil, err
	}
	return c.policy(found, v), nil
}

// https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate
func (s *Service) updateCertificate(c *call) (any, error) {
	var p certificateParameters
	if err := readBody(c.request, &p); err != nil {
		return nil, err
	}
	found, v, err := c.readable(s)
	if err != nil {
		return nil, err
	}
	if err := p.apply(v); err != nil {
		return nil, err
	}
	v.updated = c.now
	return c.bundle(found, v), nil
}
