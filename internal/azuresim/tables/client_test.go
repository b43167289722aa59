package tables_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/tables"
	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

const stale = `W/"datetime'2020-01-01T00%3A00%3A00.0000000Z'"`

func TestTablesAreCreatedListedAndDeleted(t *testing.T) {
	f := start(t, tables.Options{})
	for _, name := range []string{"beta", "Alpha", "gamma"} {
		_, err := f.service.CreateTable(t.Context(), name, nil)
		require.NoError(t, err)
	}
	_, err := f.service.CreateTable(t.Context(), "ALPHA", nil)
	refused(t, err, http.StatusConflict, "TableAlreadyExists")

	assert.Equal(t, []string{"Alpha", "beta", "gamma"}, tableNames(t, f, nil))
	assert.Equal(t, []string{"Alpha", "beta", "gamma"}, tableNames(t, f, &aztables.ListTablesOptions{Top: to.Ptr(int32(2))}), "two pages")
	assert.Equal(t, []string{"beta"}, tableNames(t, f, &aztables.ListTablesOptions{Filter: to.Ptr("TableName eq 'beta'")}))

	_, err = f.service.DeleteTable(t.Context(), "alpha", nil)
	require.NoError(t, err)
	_, err = f.service.DeleteTable(t.Context(), "alpha", nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")
	assert.Equal(t, []string{"beta", "gamma"}, tableNames(t, f, nil))
}

func tableNames(t *testing.T, f fixture, opts *aztables.ListTablesOptions) (names []string) {
	t.Helper()
	for pager := f.service.NewListTablesPager(opts); pager.More(); {
		page, err := pager.NextPage(t.Context())
		require.NoError(t, err)
		for _, table := range page.Tables {
			names = append(names, *table.Name)
		}
	}
	return names
}

func TestTableNamesAreChecked(t *testing.T) {
	f := start(t, tables.Options{})
	for name, code := range map[string]string{
		"ab": "OutOfRangeInput", "1abc": "InvalidResourceName", "a-b-c": "InvalidResourceName", "tables": "InvalidResourceName",
	} {
		_, err := f.service.CreateTable(t.Context(), name, nil)
		refused(t, err, http.StatusBadRequest, code)
	}
}

func TestEveryTypeComesBackAsItWent(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	sent := map[string]any{
		"Text": "Grüße, \"quoted\" <&> \u2028", "Empty": "", "On": true, "Count": int32(math.MinInt32),
		"Big": aztables.EDMInt64(math.MaxInt64), "Ratio": 0.25, "ID": aztables.EDMGUID("c9da6455-213d-42c9-9a79-3e9149a57833"),
		"At":  aztables.EDMDateTime(time.Date(2026, 3, 4, 5, 6, 7, 890_123_400, time.UTC)),
		"Raw": aztables.EDMBinary{0, 1, 254, 255},
	}
	add(t, client, "p", "r", sent)
	got := get(t, client, "p", "r")
	assert.Equal(t, sent, got.Properties)
	assert.WithinDuration(t, time.Now(), time.Time(got.Timestamp), time.Minute)
}

func TestKeysMayHoldAlmostAnything(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	for _, k := range []string{"", " ", "a b", "%25", "ü|€|🔑", "a+b=c&d", "x,RowKey=y", "(1)", `"`} {
		body, err := json.Marshal(map[string]any{"PartitionKey": "p" + k, "RowKey": k})
		require.NoError(t, err)
		_, err = client.AddEntity(t.Context(), body, nil)
		require.NoError(t, err, k)
		assert.Equal(t, k, get(t, client, "p"+k, k).RowKey)
		_, err = client.UpdateEntity(t.Context(), body, nil)
		require.NoError(t, err, k)
		_, err = client.DeleteEntity(t.Context(), "p"+k, k, nil)
		require.NoError(t, err, k)
	}
}

func TestAQuoteInAKeyIsDoubledInItsAddressOnly(t *testing.T) {
	f := start(t, tables.Options{})
	client := f.table(t)
	_, err := client.AddEntity(t.Context(), []byte(`{"PartitionKey":"p","RowKey":"O'Brien"}`), nil)
	require.NoError(t, err)
	assert.Equal(t, "O'Brien", get(t, client, "p", "O'Brien").RowKey)
	assert.Equal(t, "O'Brien", f.account.Dump()["orders"][0].RowKey)
}

func TestInsertRefusesWhatExists(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	add(t, client, "p", "r", map[string]any{"N": int32(1)})
	_, err := client.AddEntity(t.Context(), entity("p", "r", map[string]any{"N": int32(2)}), nil)
	refused(t, err, http.StatusConflict, "EntityAlreadyExists")
	assert.Equal(t, int32(1), get(t, client, "p", "r").Properties["N"])
}

func TestWhatIsMissingIsNotFound(t *testing.T) {
	f := start(t, tables.Options{})
	client := f.table(t)
	_, err := client.GetEntity(t.Context(), "p", "r", nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")
	_, err = client.UpdateEntity(t.Context(), entity("p", "r", nil), nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")
	_, err = client.DeleteEntity(t.Context(), "p", "r", nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")

	none := f.service.NewClient("nowhere")
	_, err = none.GetEntity(t.Context(), "p", "r", nil)
	refused(t, err, http.StatusNotFound, "TableNotFound")
	_, err = none.AddEntity(t.Context(), entity("p", "r", nil), nil)
	refused(t, err, http.StatusNotFound, "TableNotFound")
	_, err = none.NewListEntitiesPager(nil).NextPage(t.Context())
	refused(t, err, http.StatusNotFound, "TableNotFound")
}

func TestUpdatesObeyTheETag(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	first := add(t, client, "p", "r", map[string]any{"A": "1", "B": "1"})
	for _, mode := range []aztables.UpdateMode{aztables.UpdateModeMerge, aztables.UpdateModeReplace} {
		_, err := client.UpdateEntity(t.Context(), entity("p", "r", nil), &aztables.UpdateEntityOptions{IfMatch: to.Ptr(azcore.ETag(stale)), UpdateMode: mode})
		refused(t, err, http.StatusPreconditionFailed, "UpdateConditionNotSatisfied")
	}
	_, err := client.DeleteEntity(t.Context(), "p", "r", &aztables.DeleteEntityOptions{IfMatch: to.Ptr(azcore.ETag(stale))})
	refused(t, err, http.StatusPreconditionFailed, "UpdateConditionNotSatisfied")

	merged, err := client.UpdateEntity(t.Context(), entity("p", "r", map[string]any{"B": "2"}), &aztables.UpdateEntityOptions{IfMatch: &first, UpdateMode: aztables.UpdateModeMerge})
	require.NoError(t, err)
	assert.NotEqual(t, first, merged.ETag)
	assert.Equal(t, map[string]any{"A": "1", "B": "2"}, get(t, client, "p", "r").Properties)

	replaced, err := client.UpdateEntity(t.Context(), entity("p", "r", map[string]any{"C": "3"}), &aztables.UpdateEntityOptions{IfMatch: &merged.ETag, UpdateMode: aztables.UpdateModeReplace})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"C": "3"}, get(t, client, "p", "r").Properties)

	_, err = client.DeleteEntity(t.Context(), "p", "r", &aztables.DeleteEntityOptions{IfMatch: &replaced.ETag})
	require.NoError(t, err)
	_, err = client.GetEntity(t.Context(), "p", "r", nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")
}

func TestUpsertInsertsThenMergesOrReplaces(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	for _, step := range []struct {
		mode       aztables.UpdateMode
		send, want map[string]any
	}{
		{aztables.UpdateModeMerge, map[string]any{"A": "1"}, map[string]any{"A": "1"}},
		{aztables.UpdateModeMerge, map[string]any{"B": "2"}, map[string]any{"A": "1", "B": "2"}},
		{aztables.UpdateModeReplace, map[string]any{"C": "3"}, map[string]any{"C": "3"}},
	} {
		_, err := client.UpsertEntity(t.Context(), entity("p", "r", step.send), &aztables.UpsertEntityOptions{UpdateMode: step.mode})
		require.NoError(t, err)
		assert.Equal(t, step.want, get(t, client, "p", "r").Properties)
	}
	_, err := client.UpsertEntity(t.Context(), entity("p", "new", nil), &aztables.UpsertEntityOptions{UpdateMode: aztables.UpdateModeReplace})
	require.NoError(t, err)
}

func TestOfTwentyWritersWithOneETagOneWins(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	seen := add(t, client, "p", "r", nil)
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := client.UpdateEntity(t.Context(), entity("p", "r", map[string]any{"Winner": int32(i)}),
				&aztables.UpdateEntityOptions{IfMatch: &seen, UpdateMode: aztables.UpdateModeReplace})
			if err == nil {
				won.Add(1)
				return
			}
			lost.Add(1)
			refused(t, err, http.StatusPreconditionFailed, "UpdateConditionNotSatisfied")
		})
	}
	all.Wait()
	assert.Equal(t, []int32{1, 19}, []int32{won.Load(), lost.Load()})
}

func TestFiltersAndSelectOverTheWire(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	for i := range 6 {
		add(t, client, fmt.Sprintf("p%d", i%2), fmt.Sprintf("r%d", i), map[string]any{"N": int32(i), "Big": aztables.EDMInt64(i)})
	}
	for name, test := range map[string]struct {
		filter string
		want   []string
	}{
		"everything is sorted by both keys": {"", []string{"r0", "r2", "r4", "r1", "r3", "r5"}},
		"one partition":                     {"PartitionKey eq 'p1'", []string{"r1", "r3", "r5"}},
		"a range of rows":                   {"PartitionKey eq 'p0' and RowKey gt 'r0' and RowKey le 'r4'", []string{"r2", "r4"}},
		"rows of every partition":           {"RowKey lt 'r2'", []string{"r0", "r1"}},
		"a property":                        {"N ge 4", []string{"r4", "r5"}},
		"an int64 with its suffix":          {"Big ge 4L", []string{"r4", "r5"}},
		"an int64 without it":               {"Big ge 4", []string{}},
		"an empty range":                    {"RowKey gt 'r3' and RowKey lt 'r3'", []string{}},
		"a missing partition":               {"PartitionKey eq 'p3'", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := rowKeys(t.Context(), t, client, &aztables.ListEntitiesOptions{Filter: &test.filter})
			assert.Equal(t, test.want, keys)
		})
	}
	_, err := client.NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: to.Ptr("N ge")}).NextPage(t.Context())
	refused(t, err, http.StatusBadRequest, "InvalidInput")
}

func TestPagesHoldAThousandRowsOrTop(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	var want []string
	for partition := range 3 {
		for first := 0; first < 700; first += 100 {
			var actions []aztables.TransactionAction
			for i := first; i < first+100; i++ {
				row := fmt.Sprintf("%d-%03d", partition, i)
				want = append(want, row)
				actions = append(actions, aztables.TransactionAction{
					ActionType: aztables.TransactionTypeAdd, Entity: entity(fmt.Sprintf("ü %d", partition), row, nil),
				})
			}
			_, err := client.SubmitTransaction(t.Context(), actions, nil)
			require.NoError(t, err)
		}
	}
	keys, sizes := rowKeys(t.Context(), t, client, nil)
	assert.Equal(t, want, keys)
	assert.Equal(t, []int{1000, 1000, 100}, sizes)

	keys, sizes = rowKeys(t.Context(), t, client, &aztables.ListEntitiesOptions{Top: to.Ptr(int32(700))})
	assert.Equal(t, want, keys)
	assert.Equal(t, []int{700, 700, 700}, sizes, "the last page leads nowhere")
}

func TestTimestampsFollowTheClockAndETagsNeverRepeat(t *testing.T) {
	ahead := clock.New()
	client := start(t, tables.Options{Clock: ahead}).table(t)
	ahead.Advance(48 * time.Hour)
	seen := map[azcore.ETag]bool{add(t, client, "p", "r", nil): true}
	for range 50 {
		updated, err := client.UpsertEntity(t.Context(), entity("p", "r", nil), nil)
		require.NoError(t, err)
		require.False(t, seen[updated.ETag])
		seen[updated.ETag] = true
	}
	assert.WithinDuration(t, time.Now().Add(48*time.Hour), time.Time(get(t, client, "p", "r").Timestamp), time.Minute)
}

func TestDumpShowsEveryRowAndSharesNothing(t *testing.T) {
	f := start(t, tables.Options{})
	client := f.table(t)
	add(t, client, "p", "b", map[string]any{"Raw": aztables.EDMBinary("x"), "ID": aztables.EDMGUID("c9da6455-213d-42c9-9a79-3e9149a57833")})
	add(t, client, "p", "a", nil)
	dump := f.account.Dump()
	require.Len(t, dump["orders"], 2)
	assert.Equal(t, "a", dump["orders"][0].RowKey)
	assert.Equal(t, map[string]any{"Raw": []byte("x"), "ID": odata.GUID("c9da6455-213d-42c9-9a79-3e9149a57833")}, dump["orders"][1].Properties)

	dump["orders"][1].Properties["Raw"].([]byte)[0] = 'y'
	assert.Equal(t, aztables.EDMBinary("x"), get(t, client, "p", "b").Properties["Raw"])
}
