package notify

import (
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Channels returns every channel. The credential is rekey's own identity, for Graph.
func Channels(credential azcore.TokenCredential, transport *http.Transport, now func() time.Time) map[rotation.Channel]Sender {
	public := outbound.Public(transport)
	return map[rotation.Channel]Sender{
		rotation.Mail:    NewMail(credential, transport),
		rotation.Slack:   NewSlack(public),
		rotation.Teams:   NewTeams(public),
		rotation.Webhook: NewWebhook(public, now),
	}
}
