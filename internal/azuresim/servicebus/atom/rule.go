package atom

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

type ruleList struct {
	readOnly
	topic        *broker.Topic
	subscription *broker.Subscription
}

type rule struct {
	topic        *broker.Topic
	subscription *broker.Subscription
	name         string
}

func (l ruleList) get(r *http.Request) answer {
	var entries []*entry
	for _, found := range l.topic.Rules(l.subscription) {
		entries = append(entries, ruleEntry(l.subscription, found))
	}
	return page(r, "Rules", entries)
}

func ruleEntry(s *broker.Subscription, r broker.Rule) *entry {
	return newEntry(s.Queue().Path()+"/Rules/"+r.Name, r.Name, r.Created, r.Created, describeRule(r))
}

func (r rule) path() string { return r.subscription.Queue().Path() + "/Rules/" + r.name }

func (r rule) get(*http.Request) answer {
	found, ok := r.topic.Rule(r.subscription, r.name)
	if !ok {
		return refused(notFound(r.path()))
	}
	return answer{status: http.StatusOK, entry: ruleEntry(r.subscription, found)}
}

func (r rule) delete() answer {
	if !r.topic.DeleteRule(r.subscription, r.name) {
		return refused(notFound(r.path()))
	}
	return answer{status: http.StatusOK}
}

func (r rule) put(body content, update bool) answer {
	if body.Rule == nil {
		return refused(badRequest(errors.New("a rule is expected here")))
	}
	filter, err := body.Rule.filter()
	if err := errors.Join(broker.CheckRuleName(r.name), err); err != nil {
		return refused(badRequest(err))
	}
	switch _, exists := r.topic.Rule(r.subscription, r.name); {
	case update && !exists:
		return refused(notFound(r.path()))
	case !update && exists:
		return refused(conflict())
	}
	made, existed := r.topic.PutRule(r.subscription, r.name, filter)
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	return answer{status: status, entry: ruleEntry(r.subscription, made)}
}

// ruleInput is a rule as clients write it. Its attributes are looked up by their
// namespace, whatever prefix a client gives it.
type ruleInput struct {
	Filter filterInput
	Action *struct {
		Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	}
	Name string
}

type filterInput struct {
	Type          string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	SQLExpression string `xml:"SqlExpression"`
	correlation
	Properties []propertyInput `xml:"Properties>KeyValueOfstringanyType"`
}

// correlation are the system properties of a filter, written and read alike.
type correlation struct {
	CorrelationID    *string `xml:"CorrelationId,omitempty"`
	MessageID        *string `xml:"MessageId,omitempty"`
	To               *string `xml:",omitempty"`
	ReplyTo          *string `xml:",omitempty"`
	Label            *string `xml:",omitempty"`
	SessionID        *string `xml:"SessionId,omitempty"`
	ReplyToSessionID *string `xml:"ReplyToSessionId,omitempty"`
	ContentType      *string `xml:",omitempty"`
}

type propertyInput struct {
	Key   string
	Value struct {
		Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Text string `xml:",chardata"`
	}
}

func (r *ruleInput) filter() (broker.Filter, error) {
	if r.Action != nil && r.Action.Type != "EmptyRuleAction" && r.Action.Type != "" {
		return nil, fmt.Errorf("%s: the simulated Service Bus has no rule actions", r.Action.Type)
	}
	switch r.Filter.Type {
	case "TrueFilter":
		return broker.TrueFilter{}, nil
	case "FalseFilter":
		return broker.FalseFilter{}, nil
	case "SqlFilter":
		return broker.SQLFilter(r.Filter.SQLExpression)
	case "CorrelationFilter":
		return r.Filter.correlationFilter()
	}
	return nil, fmt.Errorf("filter type %q is unknown", r.Filter.Type)
}

func (f *filterInput) correlationFilter() (broker.Filter, error) {
	filter := &broker.CorrelationFilter{
		ContentType: f.ContentType, CorrelationID: f.CorrelationID, Label: f.Label, MessageID: f.MessageID, ReplyTo: f.ReplyTo,
		ReplyToSessionID: f.ReplyToSessionID, SessionID: f.SessionID, To: f.To, Properties: map[string]any{},
	}
	for _, p := range f.Properties {
		value, err := p.value()
		if err != nil {
			return nil, fmt.Errorf("property %q: %w", p.Key, err)
		}
		filter.Properties[p.Key] = value
	}
	if filter.Empty() {
		return nil, errors.New("the correlation filter sets no condition")
	}
	return filter, nil
}

func (p propertyInput) value() (any, error) {
	_, kind, _ := strings.Cut(p.Value.Type, ":")
	switch kind {
	case "string":
		return p.Value.Text, nil
	case "int", "long", "short":
		return strconv.ParseInt(p.Value.Text, 10, 64)
	case "double", "float":
		return strconv.ParseFloat(p.Value.Text, 64)
	case "boolean":
		return strconv.ParseBool(p.Value.Text)
	case "dateTime":
		return time.Parse(time.RFC3339Nano, p.Value.Text)
	}
	return nil, fmt.Errorf("type %q cannot be compared here", p.Value.Type)
}

// ruleDescription is a rule as the service writes it. The Go client needs the
// action, although there is none.
type ruleDescription struct {
	XMLName xml.Name `xml:"RuleDescription"`
	namespaces
	Filter filterOutput
	Action struct {
		Type string `xml:"i:type,attr"`
	}
	CreatedAt string
	Name      string
}

type filterOutput struct {
	Type          string `xml:"i:type,attr"`
	SQLExpression string `xml:"SqlExpression,omitempty"`
	Compatibility int    `xml:"CompatibilityLevel,omitempty"`
	correlation
	Properties *propertyOutputs `xml:",omitempty"`
}

type propertyOutputs struct {
	Pairs []propertyOutput `xml:"KeyValueOfstringanyType"`
}

type propertyOutput struct {
	Key   string
	Value struct {
		Type   string `xml:"i:type,attr"`
		Schema string `xml:"xmlns:d6p1,attr"`
		Text   string `xml:",chardata"`
	}
}

func describeRule(r broker.Rule) *ruleDescription {
	d := &ruleDescription{namespaces: declared(), CreatedAt: stamp(r.Created), Name: r.Name}
	d.Action.Type = "EmptyRuleAction"
	const compatibility = 20
	switch f := r.Filter.(type) {
	case broker.TrueFilter:
		d.Filter = filterOutput{Type: "TrueFilter", SQLExpression: "1=1", Compatibility: compatibility}
	case broker.FalseFilter:
		d.Filter = filterOutput{Type: "FalseFilter", SQLExpression: "1=0", Compatibility: compatibility}
	case *broker.CorrelationFilter:
		d.Filter = describeCorrelation(f)
	}
	return d
}

func describeCorrelation(f *broker.CorrelationFilter) filterOutput {
	out := filterOutput{Type: "CorrelationFilter", correlation: correlation{
		CorrelationID: f.CorrelationID, MessageID: f.MessageID, To: f.To, ReplyTo: f.ReplyTo, Label: f.Label,
		SessionID: f.SessionID, ReplyToSessionID: f.ReplyToSessionID, ContentType: f.ContentType,
	}}
	for key, value := range f.Properties {
		p := propertyOutput{Key: key}
		p.Value.Schema = schema
		p.Value.Type, p.Value.Text = typed(value)
		if out.Properties == nil {
			out.Properties = &propertyOutputs{}
		}
		out.Properties.Pairs = append(out.Properties.Pairs, p)
	}
	if out.Properties != nil {
		slices.SortFunc(out.Properties.Pairs, func(a, b propertyOutput) int { return strings.Compare(a.Key, b.Key) })
	}
	return out
}

func typed(value any) (kind, text string) {
	switch v := value.(type) {
	case int64:
		return "d6p1:int", strconv.FormatInt(v, 10)
	case float64:
		return "d6p1:double", strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return "d6p1:boolean", strconv.FormatBool(v)
	case time.Time:
		return "d6p1:dateTime", v.Format(time.RFC3339Nano)
	}
	return "d6p1:string", fmt.Sprint(value)
}
