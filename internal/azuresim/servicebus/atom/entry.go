package atom

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	atomNamespace   = "http://www.w3.org/2005/Atom"
	entityNamespace = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
	countNamespace  = "http://schemas.microsoft.com/netservices/2011/06/servicebus"
	schemaInstance  = "http://www.w3.org/2001/XMLSchema-instance"
	schema          = "http://www.w3.org/2001/XMLSchema"
)

// entry is an Atom entry around the description of one entity.
type entry struct {
	XMLName   xml.Name `xml:"entry"`
	Namespace string   `xml:"xmlns,attr"`
	ID        string   `xml:"id"`
	Title     title    `xml:"title"`
	Published string   `xml:"published"`
	Updated   string   `xml:"updated"`
	Link      link     `xml:"link"`
	Content   struct {
		Type        string `xml:"type,attr"`
		Description any
	} `xml:"content"`
	path string // below the namespace
}

type title struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type link struct {
	Relation string `xml:"rel,attr"`
	Address  string `xml:"href,attr"`
}

// feed is an Atom feed of entries.
type feed struct {
	XMLName   xml.Name `xml:"feed"`
	Namespace string   `xml:"xmlns,attr"`
	Title     title    `xml:"title"`
	ID        string   `xml:"id"`
	Updated   string   `xml:"updated"`
	Link      link     `xml:"link"`
	Entries   []*entry
}

func newEntry(path, name string, created, updated time.Time, description any) *entry {
	e := &entry{Namespace: atomNamespace, Title: title{"text", name}, Published: stamp(created), Updated: stamp(updated), path: path}
	e.Content.Type = "application/xml"
	e.Content.Description = description
	return e
}

// page answers a list from $skip on, $top entries at most.
func page(r *http.Request, name string, entries []*entry) answer {
	query := r.URL.Query()
	skip, top := number(query, "$skip", 0), number(query, "$top", len(entries))
	entries = entries[min(skip, len(entries)):]
	return answer{status: http.StatusOK, feed: &feed{
		Namespace: atomNamespace, Title: title{"text", name}, Entries: entries[:min(top, len(entries))],
	}}
}

func number(query url.Values, name string, fallback int) int {
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < 0 {
		return fallback
	}
	return n
}

// missing is how the service answers a GET for a queue or topic that it does not
// have.
func missing() answer {
	return answer{status: http.StatusOK, feed: &feed{Namespace: atomNamespace, Title: title{"text", "Publicly Listed Services"}}}
}

func (a answer) write(w io.Writer, r *http.Request) {
	base := "https://" + r.Host + "/"
	switch {
	case a.problem != nil:
		fmt.Fprintf(w, "<Error><Code>%d</Code><Detail>", a.problem.status)
		_ = xml.EscapeText(w, []byte(a.problem.detail))
		_, _ = io.WriteString(w, "</Detail></Error>")
	case a.entry != nil:
		a.entry.address(base)
		_ = xml.NewEncoder(w).Encode(a.entry)
	case a.feed != nil:
		a.feed.ID = base + r.URL.Path[1:]
		a.feed.Link = link{"self", a.feed.ID}
		a.feed.Updated = stamp(time.Unix(0, 0))
		for _, e := range a.feed.Entries {
			e.address(base)
			a.feed.Updated = max(a.feed.Updated, e.Updated)
		}
		_ = xml.NewEncoder(w).Encode(a.feed)
	}
}

func (e *entry) address(base string) {
	e.ID = base + e.path
	e.Link = link{"self", e.ID}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z") }

// content is what a client may put.
type content struct {
	Queue        *queueDescription        `xml:"content>QueueDescription"`
	Topic        *topicDescription        `xml:"content>TopicDescription"`
	Subscription *subscriptionDescription `xml:"content>SubscriptionDescription"`
	Rule         *ruleInput               `xml:"content>RuleDescription"`
}

func readEntry(body io.Reader) (content, error) {
	var c content
	if err := xml.NewDecoder(body).Decode(&c); err != nil {
		return c, fmt.Errorf("the body is not an entry: %w", err)
	}
	if c.Queue == nil && c.Topic == nil && c.Subscription == nil && c.Rule == nil {
		return c, errors.New("the entry has no description of an entity")
	}
	return c, nil
}
