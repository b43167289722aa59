package eventgrid

import "time"

// SystemEvent is what a resource of Azure has to tell.
type SystemEvent struct {
	Source  string // the resource's identifier: the event's topic or source
	Type    string // Microsoft.KeyVault.SecretNewVersionCreated
	Subject string
	Since   time.Time // only subscriptions at least this old get it
	Data    any
}
