// Package tablestore keeps rows in Azure Table Storage. It implements
// engine.Store over the official SDK.
//
// It promises what the port asks, and that
//
//   - no call takes longer than Options.CallTimeout, the SDK's retries included;
//     a query is bounded page by page, because its reader sets the pace;
//   - pages are fetched when the reader gets there, and a limit is passed on;
//   - its errors hold no key, signature or header.
//
// The SDK repeats a call that got no answer. A write that took effect unseen then
// meets itself: it reports engine.ErrConflict although it was made. Whoever meets
// a conflict loads the rows again and finds them as it wanted them.
//
// Properties that are none of ours (doubles, binaries: somebody edited the table)
// are not shown and stay where they are; whole numbers of 32 bits and GUIDs are
// shown as int64 and string.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/storageservices/table-service-rest-api
//   - https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
//   - https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
package tablestore

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Options are what a store needs besides its account.
type Options struct {
	// CallTimeout bounds every call. Zero is 30 seconds.
	CallTimeout time.Duration
	// Transport sends the requests. Nil is the SDK's own.
	Transport policy.Transporter
}

const defaultCallTimeout = 30 * time.Second

// Store is an engine.Store in a storage account. Its methods may be called from
// any goroutine.
type Store struct {
	client  *aztables.ServiceClient
	timeout time.Duration
}

var _ engine.Store = (*Store)(nil)

func newStore(client *aztables.ServiceClient, o Options) *Store {
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	return &Store{client: client, timeout: o.CallTimeout}
}

// FromConnectionString returns the store that a connection string names.
// https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
func FromConnectionString(connection string, o Options) (*Store, error) {
	client, err := aztables.NewServiceClientFromConnectionString(connection, o.client())
	if err != nil {
		// The SDK's own words may repeat the string, and with it the key.
		return nil, errors.New("tablestore: the connection string must look like " +
			"DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net")
	}
	return newStore(client, o), nil
}

// FromEndpoint returns the store at an address such as
// https://account.table.core.windows.net, used with an identity that has the role
// Storage Table Data Contributor.
// https://learn.microsoft.com/azure/storage/tables/authorize-access-azure-active-directory
func FromEndpoint(endpoint string, credential azcore.TokenCredential, o Options) (*Store, error) {
	client, err := aztables.NewServiceClient(endpoint, credential, o.client())
	if err != nil {
		return nil, failure(err, "open", endpoint)
	}
	return newStore(client, o), nil
}

func (o Options) client() *aztables.ClientOptions {
	return &aztables.ClientOptions{ClientOptions: policy.ClientOptions{
		Transport: o.Transport, PerCallPolicies: []policy.Policy{bodies{}},
	}}
}

// EnsureTables makes the tables that are not there yet.
// https://learn.microsoft.com/rest/api/storageservices/create-table
func (s *Store) EnsureTables(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := s.ensureTable(ctx, name); err != nil {
			return failure(err, "create table", name)
		}
	}
	return nil
}

func (s *Store) ensureTable(ctx context.Context, name string) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	_, err := s.client.CreateTable(ctx, name, nil)
	if codeOf(err) == aztables.TableAlreadyExists {
		return nil
	}
	return err
}

func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}
