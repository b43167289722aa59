package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// ErrForeignRow says that a row names what is another application's. No code of ours
// writes such a row: somebody wrote to the tables. It is left alone.
var ErrForeignRow = errors.New("a row names what is another application's; somebody else wrote to rekey's tables")

// checkOwner holds a row to the application in whose partition it stands.
func checkOwner(row Row, appID, owner string) error {
	if owner != appID {
		return fmt.Errorf("row %q of %q: %w", row.Row, appID, ErrForeignRow)
	}
	return nil
}

// checkName holds a row to its own key: what was done for one that speaks of another
// would be written to that, and done again without end.
func checkName(row Row, says string) error {
	if says != row.Row {
		return fmt.Errorf("row %q: %w: it is about %q, not %q", row.Row, ErrUnreadable, says, row.Row)
	}
	return nil
}

// checkCopies holds the ledgers to the application's own copies in the staging vault,
// which has those of every application, and access tokens.
func checkCopies(head rotation.Head) error {
	for _, kind := range []rotation.Kind{rotation.Secret, rotation.Certificate} {
		for _, entry := range head.Kind(kind).Ledger {
			if entry.Staged != "" && !strings.HasPrefix(entry.Staged, stagedPrefix(head.AppID, kind)) {
				return fmt.Errorf("ledger of %q, staged copy %q: %w", head.AppID, entry.Staged, ErrForeignRow)
			}
		}
	}
	return nil
}

// stagedPrefix begins the names of an application's staged copies.
func stagedPrefix(appID string, kind rotation.Kind) string {
	return fmt.Sprintf("rekey-%s-%s-", appID, kind)
}

// leftAlone reports whether an error says that a row is not for this code to act on.
func leftAlone(err error) bool {
	return errors.Is(err, ErrNewerSchema) || errors.Is(err, ErrForeignRow) || errors.Is(err, ErrUnreadable)
}
