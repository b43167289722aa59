package odata

// Range holds the strings from Low up to, and without, High.
type Range struct {
	Low     string
	High    string
	Endless bool // there is no High
}

// Contains reports whether s lies in the range.
func (r Range) Contains(s string) bool { return s >= r.Low && !r.Before(s) }

// Before reports whether the whole range lies before s.
func (r Range) Before(s string) bool { return !r.Endless && s >= r.High }

func (r Range) intersect(o Range) Range {
	both := Range{Low: max(r.Low, o.Low)}
	switch {
	case r.Endless:
		both.High, both.Endless = o.High, o.Endless
	case o.Endless:
		both.High = r.High
	default:
		both.High = min(r.High, o.High)
	}
	return both
}

// cover is the smallest range that holds both.
func (r Range) cover(o Range) Range {
	if r.Endless || o.Endless {
		return Range{Low: min(r.Low, o.Low), Endless: true}
	}
	return Range{Low: min(r.Low, o.Low), High: max(r.High, o.High)}
}

// after is the string that directly follows s.
func after(s string) string { return s + "\x00" }
