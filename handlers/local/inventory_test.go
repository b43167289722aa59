package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/engine"
)

type shownInventory struct {
	Items []struct {
		AppID       string
		Managed     bool
		Owners      []struct{ Name string }
		Credentials []struct {
			KeyID string
			Ours  bool
		}
	}
	Freshness struct {
		Running bool
		Ended   time.Time
	}
}

// synchronized fires the timer and waits until the inventory is as of now.
func (s *Stack) synchronized(t *testing.T) {
	t.Helper()
	var before, after shownInventory
	s.read(t, "/api/inventory", &before)
	require.NoError(t, s.fireTimer(t.Context(), "inventory"))
	eventually(t, "a synchronization", func() bool {
		s.read(t, "/api/inventory", &after)
		return after.Freshness.Ended.After(before.Freshness.Ended) && !after.Freshness.Running
	})
}

// TestTheInventoryFollowsTheTenant has the packaged handler read a tenant of which it
// manages one application: what others own, make and delete comes through.
func TestTheInventoryFollowsTheTenant(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Settings["REKEY_SWEEP_SCHEDULE"] = onceAYear; o.PerFunction = true })
	managed := s.manage(t, 0, fast(map[string]any{"enabled": false}), rbacVault)
	directory, now := s.Azure.Directory, s.Azure.Clock.Now()
	ann := directory.AddUser(entra.User{DisplayName: "Ann"})
	soon, _ := entra.NewPassword("by Ann", now, now.AddDate(0, 0, 20))
	late, _ := entra.NewPassword("by Ann", now, now.AddDate(1, 0, 0))
	foreign := directory.AddApplication(entra.Application{DisplayName: "Foreign", Owners: []string{ann.ObjectID}, Passwords: []entra.Password{late, soon}})
	for range 120 { // more than a page
		directory.AddApplication(entra.Application{DisplayName: "Without credentials"})
	}
	s.synchronized(t)

	const due = "/api/inventory?expiresWithin=P30D&managed=false&name=foreign"
	var found shownInventory
	s.read(t, due, &found)
	require.Len(t, found.Items, 1)
	assert.Equal(t, foreign.AppID, found.Items[0].AppID)
	assert.Equal(t, soon.KeyID, found.Items[0].Credentials[0].KeyID)
	assert.Len(t, found.Items[0].Owners, 1)
	s.read(t, "/api/inventory?managed=true", &found)
	require.Len(t, found.Items, 1)
	assert.Equal(t, managed, found.Items[0].AppID)
	s.read(t, "/api/inventory?owner="+ann.ObjectID, &found)
	assert.Len(t, found.Items, 1)

	foreign.Passwords = []entra.Password{late}
	directory.PutApplication(foreign)
	gone := s.Tenant.Apps[1]
	directory.DeleteApplication(gone.ObjectID)
	eventually(t, "what changed", func() bool { // Graph's replicas lag
		s.synchronized(t)
		s.read(t, due, &found)
		return len(found.Items) == 0 && s.get(t.Context(), "/api/inventory/"+gone.AppID, &found) != nil
	})
	s.Azure.Graph.ForgetDelta()
	s.synchronized(t)
	s.read(t, "/api/inventory?owner="+ann.ObjectID, &found)
	assert.Len(t, found.Items, 1)
}

// TestWhatNobodyLooksAfterIsToldToItsOwner has a credential that rekey does not manage
// end soon: the rule for its owner tells, once, and that for another owner does not.
func TestWhatNobodyLooksAfterIsToldToItsOwner(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Apps = 1 })
	ann, bob := s.Azure.Directory.AddUser(entra.User{DisplayName: "Ann"}), s.Azure.Directory.AddUser(entra.User{DisplayName: "Bob"})
	now := s.Azure.Clock.Now()
	soon, _ := entra.NewPassword("by Ann", now.AddDate(0, -1, 0), now.AddDate(0, 0, 2))
	s.Azure.Directory.AddApplication(entra.Application{DisplayName: "Foreign", Owners: []string{ann.ObjectID}, Passwords: []entra.Password{soon}})
	for name, owner := range map[string]string{"ann": ann.ObjectID, "bob": bob.ObjectID} {
		s.put(t, "/api/notifications/"+name, map[string]any{
			"name": name, "events": []string{"expiring"}, "owner": owner, "channel": "webhook",
			"url": s.Azure.Hooks.AddReceiver(name), "signingKey": signingKey,
		})
	}
	s.synchronized(t)
	for range 2 {
		require.NoError(t, s.fireTimer(t.Context(), "duesoon"))
	}
	eventually(t, "a message to Ann", func() bool { return len(s.Azure.Hooks.Received("ann.receiver.example")) > 0 })
	eventually(t, "everything that was sent served", func() bool {
		left := s.Azure.Bus.Counts()[engine.TopicLifecycle+"/Subscriptions/notify"]
		return left.Active == 0 && left.Locked == 0
	})
	require.Len(t, s.Azure.Hooks.Received("ann.receiver.example"), 1)
	assert.Contains(t, string(s.Azure.Hooks.Received("ann.receiver.example")[0].Body), soon.KeyID)
	assert.Empty(t, s.Azure.Hooks.Received("bob.receiver.example"))
}
