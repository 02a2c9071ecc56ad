package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"triptych/emulators/vision/annotator"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/picture"
)

type result struct {
	uploaded     int
	records      map[picture.Status]int
	running      int64         // workflows
	bills        int           // images that Google charged for
	repeatBills  int           // further charges for the same picture
	lastRecord   time.Duration // time from the end of the last fault to the last Record
	neededASweep bool
}

const (
	// If no new Record appears for this long, soak starts a sweep, which finds pictures without a Record.
	sweepAfter = time.Minute
	timeout    = 10 * time.Minute
)

func awaitResult(ctx context.Context, l *local, uploaded map[picture.ID][]byte) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	temporal, err := pipeline.Dial(client.Options{HostPort: l.endpoints.Temporal}, l.endpoints.PayloadKeys)
	if err != nil {
		return r, err
	}
	defer temporal.Close()
	container, err := records.Open(records.Config{Endpoint: l.endpoints.Cosmos, Key: l.endpoints.CosmosKey})
	if err != nil {
		return r, err
	}
	started, lastProgress := time.Now(), time.Now()
	r = result{uploaded: len(uploaded), records: map[picture.Status]int{}}
	missing := slices.Collect(maps.Keys(uploaded))
	for ; len(missing) > 0; sleep(ctx, time.Second) {
		before := len(missing)
		missing = slices.DeleteFunc(missing, func(id picture.ID) bool {
			record, _, err := container.Read(ctx, id)
			if err == nil {
				r.records[record.Status]++
			}
			return err == nil
		})
		if len(missing) < before {
			lastProgress = time.Now()
		}
		if ctx.Err() != nil {
			return r, fmt.Errorf("%d pictures have no Record after %s, for example %s", len(missing), timeout, missing[0])
		}
		if !r.neededASweep && time.Since(lastProgress) > sweepAfter {
			if r.neededASweep, err = true, startSweep(ctx, temporal); err != nil {
				return r, err
			}
		}
	}
	r.lastRecord = time.Since(started)
	if r.running, err = awaitWorkflows(ctx, temporal); err != nil {
		return r, err
	}
	r.bills, r.repeatBills, err = countBills(l, uploaded)
	return r, err
}

func startSweep(ctx context.Context, temporal client.Client) error {
	_, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "soak-sweep", TaskQueue: picture.PicturesQueue},
		picture.SweepWorkflow, picture.Sweep{Within: 3600})
	if err != nil {
		return fmt.Errorf("starting a sweep: %w", err)
	}
	return nil
}

func awaitWorkflows(ctx context.Context, temporal client.Client) (int64, error) {
	deadline := time.Now().Add(time.Minute)
	for {
		running, err := pipeline.CountOpen(ctx, temporal)
		if err != nil {
			return 0, fmt.Errorf("counting the running workflows: %w", err)
		}
		if running == 0 || time.Now().After(deadline) {
			return running, nil
		}
		sleep(ctx, time.Second)
	}
}

// countBills reads the log of the Vision emulator, which has one line for each image that Google would charge for.
func countBills(l *local, uploaded map[picture.ID][]byte) (images, repeats int, err error) {
	log, err := os.ReadFile(filepath.Join(l.dataDir, "logs", "vision.log"))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the log of the Vision emulator: %w", err)
	}
	pictureOf := map[string]picture.ID{} // by annotator.Identity of the URL path or of the bytes
	for id, photo := range uploaded {
		key, err := id.Key("image/jpeg")
		if err != nil {
			return 0, 0, err
		}
		pictureOf[annotator.Identity([]byte("/"+l.endpoints.Bucket+"/"+key))] = id
		pictureOf[annotator.Identity(photo)] = id
	}
	billed := map[picture.ID]bool{}
	for line := range strings.Lines(string(log)) {
		_, identity, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, known := pictureOf[identity]
		if !known {
			return 0, 0, errors.New("Google charged for an image that was not uploaded: " + line)
		}
		images++
		if billed[id] {
			repeats++
		}
		billed[id] = true
	}
	return images, repeats, nil
}

// print returns an error if a picture is not annotated or a workflow is still running.
func (r result) print(injected map[string]int) error {
	total := 0
	for _, fault := range slices.Sorted(maps.Keys(injected)) {
		fmt.Printf("  %-16s %d\n", fault, injected[fault])
		total += injected[fault]
	}
	stored := 0
	for _, n := range r.records {
		stored += n
	}
	fmt.Printf(`faults injected    %d
pictures uploaded  %d
Records            %d, of which %d annotated
running workflows  %d
last Record        %s after the last fault ended; sweep needed: %t
billed by Google   %d images, of which %d repeats
`, total, r.uploaded, stored, r.records[picture.Annotated], r.running, r.lastRecord.Round(100*time.Millisecond), r.neededASweep, r.bills, r.repeatBills)
	if stored != r.uploaded || r.records[picture.Annotated] != r.uploaded || r.running != 0 {
		return fmt.Errorf("%d pictures were uploaded, %d Records exist (%v), %d workflows are running", r.uploaded, stored, r.records, r.running)
	}
	return nil
}
