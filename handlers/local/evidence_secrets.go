package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/secret"
)

// carriers are the calls whose bodies carry a secret by their purpose: where it is
// kept, proved or delivered.
var carriers = regexp.MustCompile(`^(` + strings.Join([]string{
	`PUT [a-z0-9-]+\.vault\.azure\.net/secrets/.*`,
	`POST [a-z0-9-]+\.vault\.azure\.net/certificates/[^/]+/import`,
	`POST login\.microsoftonline\.com/.*/token`,
	`(PUT|POST) dev\.azure\.com/.*/_apis/serviceendpoint/.*`,
	`(POST|PATCH) api\.vercel\.com/v[0-9]+/projects/[^/]+/env.*`,
	`PUT management\.azure\.com/.*/providers/Microsoft\.Web/connections/[^/]+`,
	`PUT management\.azure\.com/.*/runCommands/[^/]+`,
	`PUT management\.azure\.com/.*/deploymentScripts/[^/]+`,
}, `|`) + `)$`)

func carriesSecret(r *http.Request) bool {
	return carriers.MatchString(r.Method + " " + r.Host + r.URL.Path)
}

// learn takes the secrets out of the calls that make them: Graph shows a password
// once, and a certificate comes to its vault with its private key.
func (e *evidence) learn(x cloud.Exchange) error {
	switch {
	case x.Status >= http.StatusMultipleChoices: // refused, a vault's challenge for example
		return nil
	case strings.HasSuffix(x.Request.URL.Path, "/addPassword"):
		return e.learnPassword(x.AnswerBody)
	case strings.HasSuffix(x.Request.URL.Path, "/import") && x.Request.Method == http.MethodPost:
		return e.learnCertificate(x.Body)
	}
	return nil
}

func (e *evidence) learnPassword(answer []byte) error {
	var added struct{ SecretText string }
	if err := json.Unmarshal(answer, &added); err != nil {
		return err
	}
	return e.secrets.Add("password "+digest(added.SecretText), added.SecretText)
}

// learnCertificate also learns the PFX itself: with its empty password it is as good
// as the key.
func (e *evidence) learnCertificate(body []byte) error {
	var imported struct{ Value, Pwd string }
	if err := json.Unmarshal(body, &imported); err != nil {
		return err
	}
	pair, err := certificate.ParsePFX(secret.New(imported.Value), secret.New(imported.Pwd))
	if err != nil {
		return fmt.Errorf("a certificate that is imported: %w", err)
	}
	text, err := pair.PEM()
	if err != nil {
		return err
	}
	e.pems[digest(text.Reveal())] = pair.Thumbprint()
	der, err := base64.StdEncoding.DecodeString(imported.Value)
	if err != nil {
		return err
	}
	name := "certificate " + pair.Thumbprint()
	e.secrets.AddKey(name, pair.Key)
	e.secrets.AddSealed(name+" as PFX", der)
	return nil
}

// thumbprint is that of the certificate whose PEM has this SHA-256.
func (e *evidence) thumbprint(pem string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pems[pem]
}

// knows reports whether a run has made a secret: what it is called says which.
func (e *evidence) knows(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secrets.Knows(name)
}

// knowsAll makes sure that the search knows every credential of rekey's that Entra
// ID holds: what it does not know it cannot find.
func (e *evidence) knowsAll(s *Stack) error {
	for _, app := range s.Azure.Directory.Applications(0) {
		for _, p := range app.Passwords {
			if name := "password " + hex.EncodeToString(p.SecretSHA256[:]); marked(p.DisplayName) && !e.secrets.Knows(name) {
				return fmt.Errorf("the password %s of %s is not searched for", p.KeyID, app.DisplayName)
			}
		}
		for _, k := range app.Keys {
			if name := "certificate " + entra.Thumbprint(k.Certificate); marked(k.DisplayName) && !e.secrets.Knows(name) {
				return fmt.Errorf("the certificate %s of %s is not searched for", k.KeyID, app.DisplayName)
			}
		}
	}
	return nil
}

// marked reports whether a credential carries the mark of this installation.
func marked(name string) bool { return strings.HasPrefix(name, "rekey/"+installation+"/") }

// digest is how a secret is named where it must not be shown.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
