package records

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"triptych/e2e/metrictest"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestMetrics(t *testing.T) {
	const charge = "azure.cosmosdb.client.operation.request_charge db.operation.name="
	for name, test := range map[string]struct {
		call func(*account, *Container, picture.Record)
		want map[string]int64
	}{
		"created_Record_is_counted_by_its_status": {func(_ *account, c *Container, r picture.Record) {
			_ = c.Create(t.Context(), r)
		}, map[string]int64{"triptych.records triptych.status=annotated": 1, charge + "create_item db.response.status_code=201": 1}},
		"existing_Record_is_not_counted_again": {func(_ *account, c *Container, r picture.Record) {
			_ = c.Create(t.Context(), r)
			_ = c.Create(t.Context(), r)
		}, map[string]int64{"triptych.records triptych.status=annotated": 1, charge + "create_item db.response.status_code=201": 1, charge + "create_item db.response.status_code=409": 1}},
		"tombstone_is_counted_as_erased": {func(_ *account, c *Container, r picture.Record) {
			_ = c.Create(t.Context(), r)
			_, etag, _ := c.Read(t.Context(), r.ID)
			_ = c.Replace(t.Context(), picture.Tombstone(r.ID), etag)
		}, map[string]int64{"triptych.records triptych.status=annotated": 1, "triptych.records triptych.status=erased": 1,
			charge + "create_item db.response.status_code=201": 1, charge + "read_item db.response.status_code=200": 1, charge + "replace_item db.response.status_code=200": 1}},
		"refused_request_is_counted_by_its_status": {func(a *account, c *Container, r picture.Record) {
			a.SetFault(cosmosdb.Fault{Status: http.StatusTooManyRequests})
			_ = c.Create(t.Context(), r)
		}, map[string]int64{charge + "create_item db.response.status_code=429": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			a := startEmulator(t)
			c := a.provision(t)
			_, _, _ = c.Read(t.Context(), "read-the-account-document-first")
			measured := metrictest.Start(t)
			test.call(a, c, newRecord(t))
			if got := measured(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestRemainingAnnotations(t *testing.T) {
	const remaining = "triptych.annotations.remaining"
	measured := metrictest.Start(t)
	b := &DailyLimit{Records: startEmulator(t).provision(t), PerDay: 1000}
	b.MeasureRemaining()
	if got, known := measured()[remaining]; known {
		t.Errorf("%d annotations remain before the first reservation, want no value", got)
	}
	if _, err := b.Take(t.Context(), at(time.Now().Add(-24*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if got, known := measured()[remaining]; known {
		t.Errorf("%d annotations remain after a reservation of yesterday, want no value", got)
	}
	if _, err := b.Take(t.Context(), time.Now); err != nil {
		t.Fatal(err)
	}
	if got := measured()[remaining]; got != 990 {
		t.Errorf("%d annotations remain after the reservation of a block of ten, want 990", got)
	}
}
