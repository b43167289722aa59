package devops

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// client is whom a connection signs in as.
type client struct{ tenant, id string }

func (c client) tokenEndpoint() string {
	return "https://login.microsoftonline.com/" + url.PathEscape(c.tenant) + "/oauth2/v2.0/token"
}

const managementScope = "https://management.azure.com/.default"

func (s *Service) proveSecret(c client, secret string) error {
	return s.signInAs(c, url.Values{"client_secret": {secret}})
}

// proveCertificate signs an assertion with the private key of a PEM.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (s *Service) proveCertificate(c client, text string) error {
	key, certificate, err := parsePEM([]byte(text))
	if err != nil {
		return err
	}
	assertion, err := sign(c, key, certificate)
	if err != nil {
		return err
	}
	return s.signInAs(c, url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
}

// signInAs asks the directory for a token as any client would.
func (s *Service) signInAs(c client, form url.Values) error {
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", c.id)
	form.Set("scope", managementScope)
	request, err := http.NewRequest(http.MethodPost, c.tokenEndpoint(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := &recorder{header: http.Header{}}
	s.tokens.ServeHTTP(answer, request)
	if answer.status == http.StatusOK {
		return nil
	}
	var refused struct {
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &refused); err != nil {
		return fmt.Errorf("the token endpoint answered %d", answer.status)
	}
	description, _, _ := strings.Cut(refused.Description, "\r\n")
	return fmt.Errorf("Failed to obtain the Json Web Token(JWT) using service principal client ID. Exception message: A configuration issue is "+
		"preventing authentication - check the error message from the server for details. Original exception: %s", description)
}

func parsePEM(text []byte) (*rsa.PrivateKey, *x509.Certificate, error) {
	var key *rsa.PrivateKey
	var certificate *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				key, _ = parsed.(*rsa.PrivateKey)
			}
		case "RSA PRIVATE KEY":
			key, _ = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "CERTIFICATE":
			certificate, _ = x509.ParseCertificate(block.Bytes)
		}
	}
	if key == nil || certificate == nil {
		return nil, nil, errors.New("the certificate has to be PEM with an RSA private key and a certificate")
	}
	return key, certificate, nil
}

func sign(c client, key *rsa.PrivateKey, certificate *x509.Certificate) (string, error) {
	thumbprint := sha256.Sum256(certificate.Raw)
	now := time.Now()
	unsigned := encode(map[string]any{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])}) + "." +
		encode(map[string]any{
			"aud": c.tokenEndpoint(), "iss": c.id, "sub": c.id, "jti": uuid.NewString(),
			"nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		})
	sum := sha256.Sum256([]byte(unsigned))
	signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		return "", fmt.Errorf("The assertion could not be signed: %w", err)
	}
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func encode(part map[string]any) string {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// recorder keeps the token endpoint's answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
