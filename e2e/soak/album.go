package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/siteclient"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

// album is the pictures that were taken.
type album struct {
	host  *host
	site  siteclient.Site
	photo []byte

	mu    sync.Mutex
	taken map[picture.ID][]byte // their photos
}

func newAlbum(h *host, photo []byte) *album {
	return &album{host: h, site: siteclient.Site(h.endpoints.Site), photo: photo, taken: map[picture.ID][]byte{}}
}

// fill takes so many pictures, spread over the time, each as patiently as the page does.
func (a *album) fill(ctx context.Context, pictures int, during time.Duration) error {
	started := time.Now()
	var uploads sync.WaitGroup
	defer uploads.Wait()
	for n := range pictures {
		at := started.Add(during * time.Duration(n) / time.Duration(pictures))
		rest(ctx, time.Until(at))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		uploads.Go(func() { a.take(ctx, slices.Concat(a.photo, fmt.Appendf(nil, "picture %d", n))) })
	}
	return nil
}

// take goes on until the picture is in S3.
func (a *album) take(ctx context.Context, photo []byte) {
	for ; ctx.Err() == nil; rest(ctx, 500*time.Millisecond) {
		g, err := a.site.RequestGrant(ctx, photo)
		if err != nil {
			continue
		}
		for ; ctx.Err() == nil; rest(ctx, 500*time.Millisecond) {
			status, err := g.Put(ctx, photo)
			if err == nil && (status == http.StatusOK || status == http.StatusPreconditionFailed) {
				a.mu.Lock()
				a.taken[g.ID] = photo
				a.mu.Unlock()
				return
			}
			if status == http.StatusForbidden { // the grant has expired
				break
			}
		}
	}
}

// result is what came of an album.
type result struct {
	in     int
	out    map[picture.Status]int
	open   int64 // runs
	bills  int   // images
	again  int   // of those, of a picture that was paid for before
	waited time.Duration
	swept  bool
}

const (
	// stalled is how long no Record may come before the sweep is started, which is scheduled every quarter of an hour.
	stalled  = time.Minute
	patience = 10 * time.Minute
)

// settle waits until every picture has its Record and no run is open.
func (a *album) settle(ctx context.Context) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	runs, err := client.Dial(client.Options{HostPort: a.host.endpoints.Temporal})
	if err != nil {
		return r, err
	}
	defer runs.Close()
	container, err := records.Open(records.Config{Endpoint: a.host.endpoints.Cosmos, Key: a.host.endpoints.CosmosKey})
	if err != nil {
		return r, err
	}
	began, last := time.Now(), time.Now()
	r = result{in: len(a.taken), out: map[picture.Status]int{}}
	missing := slices.Collect(maps.Keys(a.taken))
	for ; len(missing) > 0; rest(ctx, time.Second) {
		before := len(missing)
		missing = slices.DeleteFunc(missing, func(id picture.ID) bool {
			kept, _, err := container.Read(ctx, id)
			if err == nil {
				r.out[kept.Status]++
			}
			return err == nil
		})
		if len(missing) < before {
			last = time.Now()
		}
		if ctx.Err() != nil {
			return r, fmt.Errorf("%d pictures have no Record after %s, such as %s", len(missing), patience, missing[0])
		}
		if !r.swept && time.Since(last) > stalled {
			if r.swept, err = true, sweep(ctx, runs); err != nil {
				return r, err
			}
		}
	}
	r.waited = time.Since(began)
	if r.open, err = awaitRuns(ctx, runs); err != nil {
		return r, err
	}
	r.bills, r.again, err = a.bill()
	return r, err
}

func sweep(ctx context.Context, runs client.Client) error {
	_, err := runs.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "sweep-by-hand", TaskQueue: picture.PicturesQueue},
		picture.SweepWorkflow, picture.Sweep{Within: 3600})
	if err != nil {
		return fmt.Errorf("starting a sweep: %w", err)
	}
	return nil
}

// awaitRuns gives Temporal a moment to end the runs whose Records are there.
func awaitRuns(ctx context.Context, runs client.Client) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		open, err := runs.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", picture.AnnotateWorkflow)})
		if err != nil {
			return 0, fmt.Errorf("counting open runs: %w", err)
		}
		if open.Count == 0 || time.Until(deadline(ctx)) < 2*time.Second {
			return open.Count, nil
		}
		rest(ctx, time.Second)
	}
}

func deadline(ctx context.Context) time.Time {
	at, _ := ctx.Deadline()
	return at
}

// bill reads how often Google was paid, and how often for a picture that it had been paid for.
func (a *album) bill() (images, again int, err error) {
	log, err := os.ReadFile(filepath.Join(a.host.dir, "logs", "vision.log"))
	if err != nil {
		return 0, 0, fmt.Errorf("reading Google's bill: %w", err)
	}
	of := map[string]picture.ID{}
	for id, photo := range a.taken {
		key, err := id.Key("image/jpeg")
		if err != nil {
			return 0, 0, err
		}
		of[annotator.Identity([]byte("/"+a.host.endpoints.Bucket+"/"+key))] = id
		of[annotator.Identity(photo)] = id
	}
	paid := map[picture.ID]bool{}
	for line := range strings.Lines(string(log)) {
		_, identity, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, ours := of[identity]
		if !ours {
			return 0, 0, errors.New("Google was paid for a picture nobody took: " + line)
		}
		images++
		if paid[id] {
			again++
		}
		paid[id] = true
	}
	return images, again, nil
}

// print tells what came of it, and is an error if not every picture came through.
func (r result) print(mishaps map[string]int) error {
	total := 0
	for _, what := range slices.Sorted(maps.Keys(mishaps)) {
		fmt.Printf("  %-16s %d\n", what, mishaps[what])
		total += mishaps[what]
	}
	out := 0
	for _, n := range r.out {
		out += n
	}
	fmt.Printf(`  mishaps          %d
pictures in        %d
Records out        %d, of them annotated %d
open runs          %d
last Record        %s after the last plug was put back; sweep needed: %t
Google was paid    %d times, %d of them again for the same picture
`, total, r.in, out, r.out[picture.Annotated], r.open, r.waited.Round(100*time.Millisecond), r.swept, r.bills, r.again)
	if out != r.in || r.out[picture.Annotated] != r.in || r.open != 0 {
		return fmt.Errorf("%d pictures went in, %d Records came out (%v), %d runs are open", r.in, out, r.out, r.open)
	}
	return nil
}
