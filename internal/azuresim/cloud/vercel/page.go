package vercel

import (
	"cmp"
	"slices"
	"strconv"
)

// pagination ends every page. https://vercel.com/docs/rest-api#pagination
type pagination struct {
	Count int    `json:"count"`
	Next  *int64 `json:"next"`
	Prev  *int64 `json:"prev"`
}

// page cuts one page out of a list, newest first. parameter is what takes the
// next of the page before.
func page[T any](c *call, parameter string, all []T, made func(T) int64) (shown []T, p pagination, err error) {
	limit, err := c.number("limit", 20)
	if err != nil {
		return nil, p, err
	}
	if limit < 1 || limit > 100 {
		return nil, p, badRequest("Invalid request: `limit` should be between 1 and 100.")
	}
	before, err := c.number(parameter, 0)
	if err != nil {
		return nil, p, err
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(made(b), made(a)) })
	shown = []T{}
	for _, one := range all {
		if before > 0 && made(one) >= before {
			continue
		}
		if int64(len(shown)) == limit {
			p.Next = new(made(shown[limit-1]))
			break
		}
		shown = append(shown, one)
	}
	p.Count = len(shown)
	if len(shown) > 0 {
		p.Prev = new(made(shown[0]))
	}
	return shown, p, nil
}

func (c *call) number(parameter string, otherwise int64) (int64, error) {
	text := c.query(parameter)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badRequest("Invalid request: `%s` should be a number.", parameter)
	}
	return n, nil
}
