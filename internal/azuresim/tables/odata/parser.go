package odata

import (
	"errors"
	"fmt"
)

// The service allows 15 comparisons in one filter. Its limit on nesting is not
// published; this one protects the stack.
const (
	maxComparisons = 15
	maxDepth       = 100
)

// Parse reads a $filter expression. An empty one matches every row.
// https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
func Parse(expression string) (Filter, error) {
	p := parser{lexer: lexer{input: expression}}
	if err := p.advance(); err != nil {
		return Filter{}, fmt.Errorf("filter %q: %w", expression, err)
	}
	if p.current.kind == end {
		return Filter{}, nil
	}
	root, err := p.or()
	if err == nil && p.current.kind != end {
		err = p.unexpected()
	}
	if err != nil {
		return Filter{}, fmt.Errorf("filter %q: %w", expression, err)
	}
	return Filter{root: root}, nil
}

type parser struct {
	lexer       lexer
	current     token
	comparisons int
	depth       int
}

func (p *parser) advance() error {
	var err error
	p.current, err = p.lexer.next()
	return err
}

func (p *parser) unexpected() error {
	if p.current.kind == end {
		return errors.New("ends too early")
	}
	return fmt.Errorf("unexpected %q at %d", p.current.text, p.current.at)
}

func (p *parser) isWord(text string) bool {
	return p.current.kind == word && p.current.text == text
}

func (p *parser) or() (node, error) {
	left, err := p.and()
	for err == nil && p.isWord("or") {
		var right node
		right, err = p.operand(p.and)
		left = or{left, right}
	}
	return left, err
}

func (p *parser) and() (node, error) {
	left, err := p.term()
	for err == nil && p.isWord("and") {
		var right node
		right, err = p.operand(p.term)
		left = and{left, right}
	}
	return left, err
}

// operand reads what follows the current operator.
func (p *parser) operand(read func() (node, error)) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	return read()
}

func (p *parser) term() (node, error) {
	switch {
	case p.isWord("not"):
		return p.not()
	case p.current.kind == open:
		return p.group()
	}
	return p.comparison()
}

func (p *parser) nest() (leave func(), err error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errors.New("is nested too deeply")
	}
	return func() { p.depth-- }, nil
}

func (p *parser) group() (node, error) {
	leave, err := p.nest()
	if err != nil {
		return nil, err
	}
	defer leave()
	inner, err := p.operand(p.or)
	if err != nil {
		return nil, err
	}
	if p.current.kind != closing {
		return nil, p.unexpected()
	}
	return inner, p.advance()
}

func (p *parser) not() (node, error) {
	leave, err := p.nest()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := p.advance(); err != nil {
		return nil, err
	}
	grouped := p.current.kind == open
	operand, err := p.term()
	if c, bare := operand.(comparison); bare && !grouped {
		return nil, fmt.Errorf("not needs parentheses around the comparison of %q", c.property)
	}
	return not{operand}, err
}

func (p *parser) comparison() (node, error) {
	left, err := p.take()
	if err != nil {
		return nil, err
	}
	if p.current.kind != word || !isOperator(p.current.text) {
		if left.kind != word {
			return nil, p.unexpected()
		}
		return flag{left.text}, p.count()
	}
	by := operator(p.current.text)
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, err := p.take()
	if err != nil {
		return nil, err
	}
	if left.kind == right.kind {
		return nil, fmt.Errorf("a property must be compared with a constant at %d", left.at)
	}
	if left.kind == constant {
		left, right, by = right, left, by.mirrored()
	}
	return comparison{property: left.text, operator: by, value: right.value}, p.count()
}

// take reads a property's name or a constant.
func (p *parser) take() (token, error) {
	taken := p.current
	reserved := taken.text == "and" || taken.text == "or" || taken.text == "not" || isOperator(taken.text)
	if taken.kind != constant && (taken.kind != word || reserved) {
		return token{}, p.unexpected()
	}
	return taken, p.advance()
}

func (p *parser) count() error {
	if p.comparisons++; p.comparisons > maxComparisons {
		return fmt.Errorf("has more than %d comparisons", maxComparisons)
	}
	return nil
}
