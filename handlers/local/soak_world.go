package main

import (
	"encoding/hex"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

// world is what the simulated services hold, as /sim/state shows it.
type world struct {
	soak        *soak
	vaults      map[string]keyvault.VaultState
	staged      map[string]string // the SHA-256 or the thumbprint of staged copies, by name
	connections map[string]devops.ConnectionState
	mails       map[string]connections.ConnectionState
	projects    map[string]vercel.ProjectState
}

func (s *soak) look() world {
	w := world{
		soak: s, vaults: s.Azure.Vaults.State().Vaults, staged: map[string]string{},
		connections: s.Azure.DevOps.State().Organizations[organization].Connections,
		mails:       map[string]connections.ConnectionState{}, projects: s.Azure.Vercel.State().Projects,
	}
	for _, c := range s.Azure.Connections.State().Connections {
		w.mails[strings.ToLower(c.ID)] = c
	}
	for name, o := range w.vaults[stagingVault].Secrets {
		if v, ok := newestOf(o); ok && v.Tags["rotation"] != "" {
			w.staged[name] = v.SHA256
		}
	}
	for name, o := range w.vaults[stagingVault].Certificates {
		if v, ok := newestOf(o); ok && v.Tags["rotation"] != "" {
			w.staged[name] = v.Thumbprint
		}
	}
	return w
}

// newestOf is the newest version of what is not deleted.
func newestOf(o keyvault.ObjectState) (keyvault.VersionState, bool) {
	if o.Deleted != nil || len(o.Versions) == 0 {
		return keyvault.VersionState{}, false
	}
	return o.Versions[len(o.Versions)-1], true
}

// held is what a target's place holds: the SHA-256 of a secret, the thumbprint of a
// certificate.
func (w world) held(m *managed, id string) string {
	settings := m.targets[id]["settings"].(map[string]any)
	switch m.targets[id]["integration"] {
	case "keyvault":
		vault, name := settings["vault"].(string), settings["name"].(string)
		if m.targets[id]["kind"] == "certificate" {
			v, _ := newestOf(w.vaults[vault].Certificates[name])
			return v.Thumbprint
		}
		v, _ := newestOf(w.vaults[vault].Secrets[name])
		return v.SHA256
	case "devops":
		return w.connected(settings["serviceConnection"].(string))
	case "vercel":
		return w.deployed(settings["project"].(string))
	case "apiconnection":
		return w.mails[strings.ToLower(settings["connection"].(string))].Secrets["token:clientSecret"]
	case "automation":
		return w.ran(m)
	}
	return ""
}

// connected is what a service connection holds. Of a certificate it is known only
// as the PEM that it was given.
func (w world) connected(id string) string {
	secrets := w.connections[id].Secrets
	if pem := secrets["serviceprincipalcertificate"]; pem != "" {
		return w.soak.evidence.thumbprint(pem)
	}
	return secrets["serviceprincipalkey"]
}

// deployed is what the newest production deployment that is ready runs with.
func (w world) deployed(project string) string {
	all := w.projects[project].Deployments
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Environment == vercel.Production && all[i].State == vercel.Ready {
			return all[i].Values["CLIENT_SECRET"]
		}
	}
	return ""
}

// ran is which of the application's secrets a script was given last.
func (w world) ran(m *managed) (last string) {
	w.soak.shared.mu.Lock()
	defer w.soak.shared.mu.Unlock()
	app, _ := w.soak.Azure.Directory.ApplicationByAppID(m.AppID, 0)
	newest := 0
	for _, p := range app.Passwords {
		sum := hex.EncodeToString(p.SecretSHA256[:])
		if order := w.soak.shared.ran[sum]; order > newest {
			last, newest = sum, order
		}
	}
	return last
}
