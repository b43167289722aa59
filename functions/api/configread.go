package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// sections returns the sections of the document by the names of their kinds.
func (c *config) sections(p *plan, root yamldoc.Section, err error) map[string]yamldoc.Section {
	var entries []yamldoc.Entry
	if err == nil {
		entries, err = root.Entries()
	}
	if err != nil {
		p.unread("", err)
		return nil
	}
	all := map[string]yamldoc.Section{}
	for _, e := range unrepeatedEntries(p, "", entries) {
		if e.Key == "$schema" || e.Key == "version" {
			c.checkHead(p, e)
			continue
		}
		if _, known := c.form.kinds[e.Key]; !known {
			p.problems = append(p.problems, ConfigProblem{e.Key, "is not a field here; the fields are in " + schemaPath, e.Line, e.Column})
			continue
		}
		all[e.Key] = e.Section
	}
	return all
}

// checkHead checks what the document says of itself.
func (c *config) checkHead(p *plan, e yamldoc.Entry) {
	value, wrong := e.Value()
	if len(wrong) > 0 {
		p.unread(e.Key, wrong[0])
		return
	}
	for _, problem := range c.form.against(c.form.root.Properties[e.Key], value.Data) {
		p.problems = append(p.problems, ConfigProblem{e.Key, problem.Detail, e.Line, e.Column})
	}
}

// entries returns the work for the entries of one kind.
func (c *config) entries(p *plan, k kind, section yamldoc.Section) (works []*work) {
	if k.ids == nil {
		return []*work{{kind: k.name, section: section}}
	}
	entries, err := section.Entries()
	if err != nil {
		p.unread(k.name, err)
		return nil
	}
	for i := range entries {
		entries[i].Key = strings.ToLower(entries[i].Key)
	}
	ids := make(map[string]bool, len(entries))
	p.given[k.name] = ids
	works = make([]*work, 0, len(entries))
	for _, e := range unrepeatedEntries(p, k.name, entries) {
		w := &work{kind: k.name, id: e.Key, section: e.Section}
		for _, problem := range c.form.checkID(k.name, e.Key) {
			w.problems = append(w.problems, ConfigProblem{joined(k.name, e.Key), "the id " + problem.Detail, e.Line, e.Column})
		}
		ids[e.Key] = true
		works = append(works, w)
	}
	return works
}

// unrepeatedEntries drops entries that were there before, and says so.
func unrepeatedEntries(p *plan, within string, entries []yamldoc.Entry) []yamldoc.Entry {
	first := make(map[string]int, len(entries))
	return slices.DeleteFunc(entries, func(e yamldoc.Entry) bool {
		line, twice := first[e.Key]
		if twice {
			p.problems = append(p.problems, ConfigProblem{joined(within, e.Key), "is there twice: first in line " + strconv.Itoa(line), e.Line, e.Column})
		} else {
			first[e.Key] = e.Line
		}
		return twice
	})
}

// unread adds why a part of the document could not be read.
func (p *plan) unread(path string, err error) {
	e, ok := err.(*yamldoc.Error)
	if !ok {
		e = &yamldoc.Error{Detail: err.Error()}
	}
	p.problems = append(p.problems, ConfigProblem{joined(path, e.Field), e.Detail, e.Line, e.Column})
}
