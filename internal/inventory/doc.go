// Package inventory knows every app registration of the tenant with its owners and
// the dates of its credentials, whether rekey manages it or not, and answers what
// ends soon without asking Microsoft Graph.
//
// It keeps one row for each application and small rows that point there: by client
// id, by owner, and by the end of each credential. The promises are:
//
//   - Memory does not grow with the tenant. What is read from Graph comes and is
//     written page by page, and what is asked for is answered page by page.
//   - A crash costs the page that was being written. Where the synchronization
//     stands is a row too, and a page that is written twice leaves the same rows.
//   - One refresher works at a time. Its lease is in the row of the cursor, every
//     page moves that row by compare-and-swap, and no page outlives the lease.
//   - An application's own row is what counts. The rows that point there are written
//     before it and deleted after it, so that nothing is missing; one that points to
//     what is no longer so is passed over, and removed by the next full reading.
//   - A full reading, once a week and whenever Graph has forgotten where rekey
//     stands, gives every row a new generation and removes the rows of older ones.
//
// A delta page says nothing of owners, and Graph tells no change of them: they are
// read with each application that changes, and of all of them once a week.
//
// Facts: https://learn.microsoft.com/graph/delta-query-overview and
// https://learn.microsoft.com/graph/api/application-delta
package inventory
