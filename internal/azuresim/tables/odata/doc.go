// Package odata reads and evaluates the $filter expressions that Table Storage
// takes, and tells which keys an expression can match at all, so that a query
// need not look at every row.
//
// A property's value is one of string (Edm.String), int32, int64, float64
// (Edm.Double), bool, time.Time (Edm.DateTime), GUID and []byte (Edm.Binary).
//
// Comparison is strict: a constant matches properties of its own type only, so an
// Edm.Int64 needs the suffix L and a whole number never matches an Edm.Double. A
// whole number too big for Edm.Int32 and without the suffix matches nothing.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
//   - https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
//   - https://www.odata.org/documentation/odata-version-3-0/url-conventions/
//
// Where they are silent, these choices were made:
//
//   - A comparison with a property that the row lacks is false, and "not" negates
//     it like any other: "not (Color eq 'red')" finds rows without a Color.
//   - "not" binds tighter than a comparison, as in OData 3, so that
//     "not Color eq 'red'" is refused: it needs its parentheses.
//   - Either side of a comparison may be the constant, not both.
//   - Strings are ordered by their UTF-8 bytes, which differs from the service's
//     UTF-16 only beyond the Basic Multilingual Plane.
package odata
