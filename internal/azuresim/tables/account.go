package tables

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// The account that every storage emulator has. Its key is public knowledge.
// https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
const (
	accountName = "devstoreaccount1"
	accountKey  = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Options are what an account needs. The zero value works.
type Options struct {
	Clock  *clock.Clock // nil = a clock of its own
	Logger *slog.Logger // nil = no log
}

// Account is a storage account that holds tables. Its methods may be called from
// any goroutine.
type Account struct {
	clock  *clock.Clock
	log    *slog.Logger
	faults faultSource

	mu     sync.RWMutex
	tables map[string]*table // by name in lower case: names differ by more than case

	stampMu   sync.Mutex
	lastStamp time.Time
}

// New returns an account without tables.
func New(opts Options) *Account {
	if opts.Clock == nil {
		opts.Clock = clock.New()
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Account{clock: opts.Clock, log: opts.Logger, faults: newFaultSource(), tables: map[string]*table{}}
}

// ConnectionString is what a client needs to reach the account at host:port.
func (a *Account) ConnectionString(address string) string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;TableEndpoint=http://%s/%s;",
		accountName, accountKey, address, accountName)
}

// Dump returns every table's rows in order, by the table's name. The caller may
// keep and change them.
func (a *Account) Dump() map[string][]Entity {
	dump := map[string][]Entity{}
	for _, t := range a.list() {
		rows := []Entity{}
		t.scan(everything(), func(e *Entity) bool {
			rows = append(rows, e.clone())
			return true
		})
		dump[t.name] = rows
	}
	return dump
}

// list returns the tables sorted by name.
func (a *Account) list() []*table {
	a.mu.RLock()
	defer a.mu.RUnlock()
	tables := make([]*table, 0, len(a.tables))
	for _, t := range a.tables {
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(x, y *table) int { return strings.Compare(x.key(), y.key()) })
	return tables
}

func (a *Account) table(name string) (*table, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if t, ok := a.tables[strings.ToLower(name)]; ok {
		return t, nil
	}
	return nil, errTableNotFound
}

func (a *Account) createTable(name string) error {
	if err := checkTableName(name); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := newTable(name)
	if _, exists := a.tables[t.key()]; exists {
		return errTableAlreadyExists
	}
	a.tables[t.key()] = t
	return nil
}

func (a *Account) deleteTable(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, exists := a.tables[strings.ToLower(name)]; !exists {
		return errResourceNotFound
	}
	delete(a.tables, strings.ToLower(name))
	return nil
}

// stamp is the time of a write. No two writes get the same, because their ETags
// are made from it.
func (a *Account) stamp() time.Time {
	a.stampMu.Lock()
	defer a.stampMu.Unlock()
	now := a.clock.Now().Truncate(odata.Tick)
	if !now.After(a.lastStamp) {
		now = a.lastStamp.Add(odata.Tick)
	}
	a.lastStamp = now
	return now
}
