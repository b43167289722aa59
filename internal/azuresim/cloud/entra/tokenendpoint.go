package entra

import (
	"crypto/sha256"
	"net/http"
	"time"
)

// token answers the v2.0 token endpoint.
func (d *Directory) token(w http.ResponseWriter, r *http.Request, tenant string) {
	answer, refused := d.grant(r, tenant)
	if refused != nil {
		d.logger.Debug("token refused", "code", refused.code)
		refused.answer(w, d.clock.Now(), correlation(r))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// grantAnswer is the token response.
type grantAnswer struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	ExtExpiresIn int    `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
}

// grant judges one request against one replica.
func (d *Directory) grant(r *http.Request, tenant string) (*grantAnswer, *refusal) {
	if refused := d.checkTenant(tenant); refused != nil {
		return nil, refused
	}
	request, refused := readGrant(r)
	if refused != nil {
		return nil, refused
	}
	audience, refused := d.audience(request.scope)
	if refused != nil {
		return nil, refused
	}
	lag := d.lag(d.nextReplica(request.clientID))
	app, sp, refused := d.client(request.clientID, lag)
	if refused != nil {
		return nil, refused
	}
	proof, refused := d.authenticateClient(app, request, tenant)
	if refused != nil {
		return nil, refused
	}
	if sp.Blocked {
		return nil, blockedByPolicy()
	}
	bearer, err := d.issue(sp, audience, proof, d.opts.TokenLifetime)
	if err != nil {
		return nil, &refusal{http.StatusInternalServerError, "server_error", 90033, err.Error()}
	}
	seconds := int(d.opts.TokenLifetime.Seconds()) - 1
	return &grantAnswer{TokenType: "Bearer", ExpiresIn: seconds, ExtExpiresIn: seconds, AccessToken: bearer}, nil
}

// nextReplica takes turns, for each application by itself.
func (d *Directory) nextReplica(clientID string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	turn := d.turns[clientID]
	d.turns[clientID] = (turn + 1) % d.opts.Replicas
	return turn
}

// client looks the application and its principal up.
func (d *Directory) client(clientID string, lag time.Duration) (app Application, sp ServicePrincipal, refused *refusal) {
	app, known := d.ApplicationByAppID(clientID, lag)
	if !known {
		return app, sp, unknownApplication(clientID, d.tenantID)
	}
	sp, present := d.ServicePrincipalByAppID(clientID, lag)
	if !present {
		return app, sp, missingPrincipal(clientID, d.tenantID)
	}
	if sp.Disabled {
		return app, sp, disabledApplication(clientID, app.DisplayName)
	}
	return app, sp, nil
}

// authenticateClient verifies the credential and returns what kind it was.
func (d *Directory) authenticateClient(app Application, request grantRequest, tenant string) (proof string, refused *refusal) {
	if request.assertion != "" {
		return provedByCertificate, d.checkAssertion(app, request.assertion, tenant)
	}
	return provedBySecret, d.checkSecret(app, request.secret)
}

func (d *Directory) checkSecret(app Application, secret string) *refusal {
	presented, now := sha256.Sum256([]byte(secret)), d.clock.Now()
	for _, password := range app.Passwords {
		if password.SecretSHA256 != presented || now.Before(password.Start) {
			continue
		}
		if !now.Before(password.End) {
			return expiredSecret(app.AppID)
		}
		return nil
	}
	return wrongSecret(app.AppID)
}
