package main

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// judge holds everything that is left against the promises of a rotation.
func (s *soak) judge(ctx context.Context) error {
	rows, err := s.readRows()
	if err != nil {
		return err
	}
	world := s.look()
	for _, m := range s.apps {
		found, exists := s.Azure.Directory.ApplicationByAppID(m.AppID, 0)
		if !exists {
			s.breaks(2, m.DisplayName, "it is in Entra ID", "it is gone")
			continue
		}
		s.judgeKind(world, rows, m, rotation.Secret, passwordsOf(found))
		if m.both {
			s.judgeKind(world, rows, m, rotation.Certificate, keysOf(found))
		}
	}
	s.checkStage(world, rows)
	s.checkOneInFlight(rows)
	s.checkEnded(rows)
	if err := s.checkDeadLetters(ctx); err != nil {
		return err
	}
	if err := s.checkRequests(ctx); err != nil {
		return err
	}
	return s.checkLeaks()
}

// credential is one that Entra ID accepts. Held is what a place holds of it: the
// SHA-256 of a password, the thumbprint of a certificate.
type credential struct{ keyID, name, held string }

func passwordsOf(app entra.Application) (all []credential) {
	for _, p := range app.Passwords {
		all = append(all, credential{p.KeyID, p.DisplayName, hex.EncodeToString(p.SecretSHA256[:])})
	}
	return all
}

func keysOf(app entra.Application) (all []credential) {
	for _, k := range app.Keys {
		all = append(all, credential{k.KeyID, k.DisplayName, entra.Thumbprint(k.Certificate)})
	}
	return all
}

// judgeKind judges one kind of one application's credentials.
func (s *soak) judgeKind(world world, rows rows, m *managed, kind rotation.Kind, accepted []credential) {
	s.checkForeign(m, kind, accepted)
	entry, ok := rows.current(m.AppID, kind)
	if !ok {
		s.breaks(8, m.DisplayName, "a current "+string(kind), "there is none")
		return
	}
	i := slices.IndexFunc(accepted, func(c credential) bool { return c.keyID == entry.KeyID })
	if i < 0 {
		s.breaks(2, m.DisplayName, "the current "+string(kind)+" is in Entra ID", "key id %s is not", entry.KeyID)
		return
	}
	for _, c := range accepted {
		if marked(c.name) && rows.heads[m.AppID].Kind(kind).ByKeyID(c.keyID) == nil {
			s.breaks(3, m.DisplayName, "every credential of rekey's is in the ledger", "%s, key id %s, is not", c.name, c.keyID)
		}
	}
	for id, target := range m.targets {
		if target["kind"] != string(kind) {
			continue
		}
		if held := world.held(m, id); held != accepted[i].held {
			s.breaks(1, m.DisplayName, "target "+id+" holds generation "+entryWords(entry), "it holds %q", held)
		}
	}
	s.checkHoldings(rows, m, kind, entry)
	if staged := world.staged[entry.Staged]; staged != accepted[i].held {
		s.breaks(3, m.DisplayName, "a staged copy of "+entryWords(entry), "%q holds %q", entry.Staged, staged)
	}
}

func entryWords(e rotation.Entry) string { return e.Marker + ", key id " + e.KeyID }

// checkHoldings wants no target to be thought to hold anything but the current one.
func (s *soak) checkHoldings(rows rows, m *managed, kind rotation.Kind, current rotation.Entry) {
	for _, h := range rows.holdings[m.AppID] {
		if h.Kind == kind && (h.Unknown || !slices.Equal(h.Generations, []int{current.Generation})) {
			s.breaks(1, m.DisplayName, "target "+h.Target+" is known to hold "+entryWords(current), "it may hold %v, unknown: %t", h.Generations, h.Unknown)
		}
	}
}

// checkForeign wants what was never handed over to be there as it was.
func (s *soak) checkForeign(m *managed, kind rotation.Kind, accepted []credential) {
	before := passwordsOf(m.Application)
	if kind == rotation.Certificate {
		before = keysOf(m.Application)
	}
	for _, foreign := range before {
		if adopted := m.adopt && kind == rotation.Secret; !adopted && !slices.Contains(accepted, foreign) {
			s.breaks(4, m.DisplayName, "the foreign "+string(kind)+" "+foreign.keyID, "it is not there any more")
		}
	}
}

// checkStage wants no copies in the staging vault of what is not current.
func (s *soak) checkStage(world world, rows rows) {
	current := map[string]bool{}
	for app := range rows.heads {
		for _, kind := range rotation.Kinds() {
			if entry, ok := rows.current(app, kind); ok {
				current[entry.Staged] = true
			}
		}
	}
	for name := range world.staged {
		if !current[name] {
			s.breaks(3, s.nameOf(name), "staged copies of current credentials alone", "%s", name)
		}
	}
}

// nameOf is the name of the application whose id is in a text.
func (s *soak) nameOf(text string) string {
	for _, m := range s.apps {
		if strings.Contains(text, m.AppID) {
			return m.DisplayName
		}
	}
	return text
}

func (s *soak) checkLeaks() error {
	leaks, err := s.evidence.leaks(s.Stack)
	for _, leak := range leaks {
		s.breaks(6, "everything", "no secret where none may be", "%s", leak)
	}
	return err
}
