package doctor

import (
	"context"
	"log/slog"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Records is what rekey knows of its applications.
type Records interface {
	Applications(ctx context.Context, from string, limit int) (apps []rotation.Application, next string, err error)
	Application(ctx context.Context, appID string) (app rotation.Application, etag string, err error)
	View(ctx context.Context, appID string, kind rotation.Kind) (engine.View, error)
}

// Schedule is what wakes applications.
type Schedule interface {
	OldestWakeUp(ctx context.Context) (time.Time, error)
	Awake(ctx context.Context, appIDs []string) (map[string]bool, error)
}

// Book is where findings are read.
type Book interface {
	FindingsOf(ctx context.Context, appID string) ([]engine.KeptFinding, error)
	FindingsBetween(ctx context.Context, after, upTo string) ([]engine.KeptFinding, error)
}

// Pen is what writes findings, and lines of the log about them.
type Pen interface {
	KeepFinding(ctx context.Context, k engine.KeptFinding) (etag string, err error)
	DropFinding(ctx context.Context, f rotation.Finding) error
	LogChange(ctx context.Context, entry rotation.LogEntry)
}

// Place is how far the round over all applications has come.
type Place interface {
	DoctorAt(ctx context.Context) (appID string, err error)
	SetDoctorAt(ctx context.Context, appID string) error
}

// Teller tells everybody of a finding. It may be called again with the same one, and
// then tells the same event: its id is the finding's.
type Teller interface {
	Tell(ctx context.Context, f rotation.Finding) error
}

// Config is what the doctor needs. What it looks at outside may be nil: the checks of
// that are not made then.
type Config struct {
	Records  Records
	Schedule Schedule
	Book     Book
	Pen      Pen
	Place    Place
	Teller   Teller

	Checkers      map[string]rotation.Checker // by the integration's word
	Identity      Identity
	Directory     Directory
	Policies      Policies
	Vaults        Vaults
	Subscriptions Subscriptions
	DeadLetters   DeadLetters
	Clock         Clock

	StagingVault string
	Self         []string // the client ids that are never rotated
	Now          func() time.Time
	Log          *slog.Logger
}

// Doctor runs the checks.
type Doctor struct{ Config }

// New returns a doctor.
func New(c Config) *Doctor { return &Doctor{c} }

// Check is one thing to look at.
type Check[Of any] struct {
	Name string // a short word
	What string // what is tested, in one sentence
	// Run gathers and judges. Each finding names its subject, severity and words.
	Run func(ctx context.Context, of Of) ([]rotation.Finding, error)
}

// Result is what one check found.
type Result struct {
	Check, What string
	Findings    []rotation.Finding
	CheckedAt   time.Time
}
