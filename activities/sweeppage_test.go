package activities

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

func TestSweepPage(t *testing.T) {
	c := openClouds(t)
	server := c.startTemporal(t)
	p := newPicture(t)
	before := picture.KeyAt(p.ID.CreatedAt())
	p = c.upload(t, p, readPhoto(t))
	t.Run("missing_permission_for_an_upload_waits_for_the_operator", func(t *testing.T) {
		gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		_, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{After: before})
		checkCloud(t, checkFailure(t, err, picture.Forbidden), picture.AWS)
	})
	backfill := picture.Sweep{Prefix: p.Key}
	t.Run("missing_permission_for_an_object_of_a_backfill_skips_it", func(t *testing.T) {
		gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		if want := (SweepResult{SweepCounts: picture.SweepCounts{Examined: 1, Skipped: 1}}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
	t.Run("start_that_Temporal_refuses_waits_for_the_operator", func(t *testing.T) {
		server.refusal = serviceerror.NewPermissionDenied("Request unauthorized.", "")
		defer func() { server.refusal = nil }()
		_, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		checkCloud(t, checkFailure(t, err, picture.Forbidden), picture.Temporal)
	})
	t.Run("object_that_a_proxy_does_not_find_is_retried", func(t *testing.T) {
		client := c.S3
		defer func() { c.S3 = client }()
		c.changeResponses(t, http.MethodHead, answerOfProxy)
		_, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		checkFailure(t, err, picture.Unavailable)
	})
	hour := time.Hour
	for name, tt := range map[string]struct {
		from, to time.Duration // relative to the upload
		started  int
	}{
		"starts_a_picture_between_from_and_to": {-hour, hour, 1},
		"ignores_a_picture_before_from":        {hour, 2 * hour, 0},
		"ignores_a_picture_after_to":           {-2 * hour, -hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []picture.Sweep{{After: before}, backfill, {After: before, Reannotate: true, Began: time.Now()}} {
				s.From, s.To = time.Now().Add(tt.from), time.Now().Add(tt.to)
				got, err := execute[SweepResult](t, c, picture.SweepPageActivity, s)
				if err != nil || got.Started != tt.started {
					t.Errorf("%+v: %+v, %v, want %d started", s, got, err, tt.started)
				}
			}
		})
	}
	for _, key := range []string{"backfill/1.jpg", "backfill/2.jpg", "backfill/3.jpg"} {
		c.upload(t, picture.Picture{ID: p.ID, Bucket: p.Bucket, Key: key}, readPhoto(t))
	}
	c.DailyLimit.PerDay = 9 // so at most five workflows of a backfill may be open
	for open, want := range map[int64]SweepResult{
		2: {SweepCounts: picture.SweepCounts{Examined: 3, Skipped: 3}},
		3: {SweepCounts: picture.SweepCounts{Examined: 2, Skipped: 2}, Last: "backfill/2.jpg"},
		4: {SweepCounts: picture.SweepCounts{Examined: 1, Skipped: 1}, Last: "backfill/1.jpg"},
		5: {Full: true},
	} {
		t.Run(fmt.Sprint("backfill_with_", open, "_open_workflows_leaves_half_of_the_day_to_uploads"), func(t *testing.T) {
			gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
			server.open = open
			got, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{Prefix: "backfill/"})
			if err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		})
	}
	t.Run("object_with_any_key_is_started", func(t *testing.T) {
		const key, later = "keys/\x10 +%2B&ü.jpg", "keys/a.jpg"
		for _, key := range []string{key, later} {
			c.upload(t, picture.Picture{ID: p.ID, Bucket: p.Bucket, Key: key}, readPhoto(t))
		}
		server.open = 4
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{Prefix: "keys/"})
		if want := (SweepResult{SweepCounts: picture.SweepCounts{Examined: 1, Started: 1}, Last: key}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
	c.DailyLimit.PerDay = 1_000_000
	t.Run("backfill_examines_nothing_while_too_many_workflows_are_open", func(t *testing.T) {
		server.open = maxOpenWorkflows
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		if want := (SweepResult{Full: true}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
}

func TestSweepPageArchivedObject(t *testing.T) {
	const restored, restoring = `ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`, `ongoing-request="true"`
	for name, tt := range map[string]struct {
		class, archive, restore string
		erased                  bool
		want                    picture.SweepCounts
	}{
		"in_Glacier_is_skipped":                               {class: "GLACIER", want: picture.SweepCounts{Skipped: 1}},
		"in_Deep_Archive_is_skipped":                          {class: "DEEP_ARCHIVE", want: picture.SweepCounts{Skipped: 1}},
		"in_an_archive_tier_is_skipped":                       {class: "INTELLIGENT_TIERING", archive: "ARCHIVE_ACCESS", want: picture.SweepCounts{Skipped: 1}},
		"that_is_being_restored_is_skipped":                   {class: "GLACIER", restore: restoring, want: picture.SweepCounts{Skipped: 1}},
		"of_an_erased_picture_is_deleted_by_its_workflow":     {class: "GLACIER", erased: true, want: picture.SweepCounts{Started: 1}},
		"that_is_restored_is_annotated":                       {class: "GLACIER", restore: restored, want: picture.SweepCounts{Started: 1}},
		"in_a_frequent_tier_is_not_archived_and_is_annotated": {class: "INTELLIGENT_TIERING", want: picture.SweepCounts{Started: 1}},
		"in_Glacier_Instant_Retrieval_is_annotated":           {class: "GLACIER_IR", want: picture.SweepCounts{Started: 1}},
	} {
		for _, key := range []string{"", "archive/" + name} { // "": uploaded through the site
			t.Run(fmt.Sprintf("object_%s/key_%q", name, key), func(t *testing.T) {
				c := openClouds(t)
				server := c.startTemporal(t)
				p := newPicture(t)
				p.Key = cmp.Or(key, p.Key)
				p = c.upload(t, p, readPhoto(t))
				if tt.erased {
					if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
						t.Fatal(err)
					}
				}
				header := http.Header{"X-Amz-Storage-Class": {tt.class}}
				if tt.archive != "" {
					header.Set("X-Amz-Archive-Status", tt.archive)
				}
				if tt.restore != "" {
					header.Set("X-Amz-Restore", tt.restore)
				}
				c.changeResponses(t, http.MethodHead, func(r *http.Response) { maps.Copy(r.Header, header) }) // the emulator has no storage classes
				tt.want.Examined = 1
				got, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{Prefix: p.Key})
				if err != nil || got.SweepCounts != tt.want {
					t.Errorf("%+v, %v, want %+v", got.SweepCounts, err, tt.want)
				}
				if tt.want.Started == 1 && !slices.Equal(server.started, []string{p.ID.WorkflowID()}) {
					t.Errorf("started %q", server.started)
				}
			})
		}
	}
}

func TestSweepPageEndsTheSweep(t *testing.T) {
	c := openClouds(t)
	c.startTemporal(t)
	for name, tt := range map[string]struct {
		sweep picture.Sweep
		fault string
		want  string
	}{
		"missing_bucket_of_a_backfill": {picture.Sweep{Bucket: "pictures-elsewhere"}, "", `The bucket does not exist: correct "bucket" in the sweep's input and start the sweep again`},
		"invalid_bucket_name":          {picture.Sweep{Bucket: "192.168.0.1"}, "", `The name of the bucket is invalid: correct "bucket" in the sweep's input and start the sweep again`},
		"ARN_of_a_bucket":              {picture.Sweep{Bucket: "arn:aws:s3:::pictures"}, "", `The name of the bucket is invalid: correct "bucket" in the sweep's input and start the sweep again`},
		"bucket_in_another_region": {picture.Sweep{Bucket: c.Bucket}, `{"status":400,"code":"PermanentRedirect"}`,
			otherRegion},
		"bucket_in_another_region_than_us-east-1": {picture.Sweep{Bucket: c.Bucket}, `{"status":400,"code":"AuthorizationHeaderMalformed"}`, otherRegion},
		"bucket_in_an_opt-in_region":              {picture.Sweep{Bucket: c.Bucket}, `{"status":400,"code":"IllegalLocationConstraintException"}`, otherRegion},
		"missing_bucket_of_the_site":              {picture.Sweep{}, `{"status":404,"code":"NoSuchBucket"}`, "The bucket does not exist: check TRIPTYCH_BUCKET"},
		"unknown_key":                             {decodeSweep(t, `{"withn":3600}`), "", invalidSweep},
		"negative_number_of_seconds":              {decodeSweep(t, `{"within":-3600}`), "", invalidSweep},
		"value_of_a_wrong_type":                   {decodeSweep(t, `{"within":"3600"}`), "", invalidSweep},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.fault != "" {
				gateway.Fail(t, tt.fault)
			}
			_, err := execute[SweepResult](t, c, picture.SweepPageActivity, tt.sweep)
			e, ok := err.(*temporal.ApplicationError)
			if !ok || !e.NonRetryable() || e.Message() != tt.want || e.Unwrap() == nil {
				t.Errorf("got %v, want an error that ends the sweep: %s", err, tt.want)
			}
		})
	}
	t.Run("unavailable_S3_does_not", func(t *testing.T) {
		gateway.Fail(t, `{"status":503,"code":"ServiceUnavailable"}`)
		_, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{})
		checkFailure(t, err, picture.Unavailable)
	})
}

func TestSweepPageAcceptsKeysOfANewerRelease(t *testing.T) {
	c := openClouds(t)
	c.startTemporal(t)
	s := decodeSweep(t, `{"checked":true,"prefix":"none/","after":"none/1","counts":{"examined":1,"started":1,"archived":1},"order":"newest"}`)
	if _, err := execute[SweepResult](t, c, picture.SweepPageActivity, s); err != nil {
		t.Error(err)
	}
}

func decodeSweep(t *testing.T, input string) (s picture.Sweep) {
	t.Helper()
	if err := json.Unmarshal([]byte(input), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
