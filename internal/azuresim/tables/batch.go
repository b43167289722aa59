package tables

import (
	"net/http"
	"strings"
)

// answerBatch makes the changes of an entity group transaction, or none of them.
// The service answers 202 whether they were made or not.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
func (a *Account) answerBatch(o operation, requestID string) (answer, error) {
	if o.method != http.MethodPost {
		return answer{}, errMethodNotAllowed
	}
	parts, err := parseBatch(o.header.Get("Content-Type"), o.body)
	if err != nil {
		return answer{}, err
	}
	answers, failed, err := a.transact(parts, o.base)
	if err != nil {
		refusal := refused(err).at(failed).answer(parts[failed].wish(), requestID, a.clock.Now())
		answers = []answer{parts[failed].identify(refusal)}
	}
	return composeBatch(answers), nil
}

// transact answers every part; if one is refused, failed is its index.
func (a *Account) transact(parts []part, base string) (answers []answer, failed int, err error) {
	g := group{base: base, rows: map[string]bool{}}
	for i, p := range parts {
		if err := g.add(p); err != nil {
			return nil, i, err
		}
	}
	t, err := a.table(g.operations[0].target.table)
	if err != nil {
		return nil, 0, err
	}
	entities, failed, err := t.apply(g.changes, a.stamp)
	if err != nil {
		return nil, failed, err
	}
	for i, o := range g.operations {
		answers = append(answers, parts[i].identify(o.done(t, g.changes[i], entities[i])))
	}
	return answers, 0, nil
}

// group gathers changes that can be made together.
type group struct {
	base       string
	operations []operation
	changes    []change
	rows       map[string]bool
}

func (g *group) add(p part) error {
	o, err := newOperation(p.method, p.address, p.header, g.base, p.body)
	if err != nil {
		return err
	}
	c, err := o.change()
	switch {
	case err != nil:
		return err
	case len(g.changes) == maxChanges:
		return errTooManyChanges
	case len(g.changes) > 0 && !g.holds(o, c):
		return errDifferentPartitions
	case g.rows[c.key.row]:
		return errDuplicateRow
	}
	g.operations, g.changes = append(g.operations, o), append(g.changes, c)
	g.rows[c.key.row] = true
	return nil
}

// holds reports whether the change is to the group's table and partition.
func (g *group) holds(o operation, c change) bool {
	return strings.EqualFold(o.target.table, g.operations[0].target.table) && c.key.partition == g.changes[0].key.partition
}
