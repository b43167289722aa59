package odata

// Row tells a property's value, and whether the row has it.
type Row func(property string) (any, bool)

// Filter is a parsed expression. The zero value matches every row.
type Filter struct {
	root node
}

// Match reports whether the row satisfies the filter.
func (f Filter) Match(row Row) bool {
	return f.root == nil || f.root.match(row)
}

// Range returns a range that holds the property's value of every row the filter
// can match. It may hold more.
func (f Filter) Range(property string) Range {
	if f.root == nil {
		return Range{Endless: true}
	}
	return f.root.bounds(property)
}

type node interface {
	match(Row) bool
	bounds(property string) Range
}

type and struct{ left, right node }

func (n and) match(row Row) bool { return n.left.match(row) && n.right.match(row) }

func (n and) bounds(property string) Range {
	return n.left.bounds(property).intersect(n.right.bounds(property))
}

type or struct{ left, right node }

func (n or) match(row Row) bool { return n.left.match(row) || n.right.match(row) }

func (n or) bounds(property string) Range {
	return n.left.bounds(property).cover(n.right.bounds(property))
}

type not struct{ operand node }

func (n not) match(row Row) bool { return !n.operand.match(row) }

func (n not) bounds(string) Range { return Range{Endless: true} }

// flag is a boolean property that stands by itself.
type flag struct{ property string }

func (n flag) match(row Row) bool {
	value, _ := row(n.property)
	return value == true
}

func (n flag) bounds(string) Range { return Range{Endless: true} }

type comparison struct {
	property string
	operator operator
	value    any
}

func (n comparison) match(row Row) bool {
	value, ok := row(n.property)
	if !ok {
		return false
	}
	order, same := compare(value, n.value)
	return same && n.operator.holds(order)
}

func (n comparison) bounds(property string) Range {
	text, ok := n.value.(string)
	if !ok || n.property != property {
		return Range{Endless: true}
	}
	return n.operator.bounds(text)
}

type operator string

// isOperator is case-sensitive, as every part of a filter is.
func isOperator(text string) bool {
	switch operator(text) {
	case "eq", "ne", "gt", "ge", "lt", "le":
		return true
	}
	return false
}

// mirrored is the operator that holds with both sides exchanged.
func (o operator) mirrored() operator {
	switch o {
	case "gt":
		return "lt"
	case "ge":
		return "le"
	case "lt":
		return "gt"
	case "le":
		return "ge"
	}
	return o
}

func (o operator) holds(order int) bool {
	switch o {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0
}

func (o operator) bounds(text string) Range {
	switch o {
	case "eq":
		return Range{Low: text, High: after(text)}
	case "gt":
		return Range{Low: after(text), Endless: true}
	case "ge":
		return Range{Low: text, Endless: true}
	case "lt":
		return Range{High: text}
	case "le":
		return Range{High: after(text)}
	}
	return Range{Endless: true}
}
