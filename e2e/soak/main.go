// Command soak uploads pictures while it injects random faults into the programs and emulators of `go run ./local`.
// Afterwards, soak checks that every picture is annotated and that no workflow is running.
//
//	go run ./e2e/soak -pictures 1000 -minutes 10
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"triptych/e2e/siteclient"
	"triptych/internal/flags"
	"triptych/picture"
)

type config struct {
	pictures int
	duration time.Duration
	seed     uint64
	dataDir  string
	photo    string
}

const week = 7 * 24 * 60 // minutes

func main() {
	var c config
	flag.IntVar(&c.pictures, "pictures", 1000, "`number` of pictures to upload")
	minutes := flag.Float64("minutes", 10, "`duration` of the uploads and the faults, in minutes")
	flag.Uint64Var(&c.seed, "seed", rand.Uint64N(1<<32), "random seed: the same seed injects the same faults in the same order")
	flag.StringVar(&c.dataDir, "data", "", "data `directory`; default: a temporary directory that is deleted on success")
	flag.StringVar(&c.photo, "photo", "emulators/vision/testdata/astronaut.jpg", "JPEG `file` to upload; each upload gets a different suffix")
	flags.Parse()
	if err := validate(c.pictures, *minutes); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	c.duration = time.Duration(*minutes * float64(time.Minute))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c); err != nil {
		slog.Error("the soak failed", "error", err, "seed", c.seed)
		os.Exit(1)
	}
}

// A soak without pictures would check nothing and succeed.
func validate(pictures int, minutes float64) error {
	if pictures < 1 {
		return fmt.Errorf("-pictures %d: want at least 1", pictures)
	}
	if !(minutes > 0 && minutes <= week) { // also refuses NaN
		return fmt.Errorf("-minutes %v: want a number above 0 and at most %d", minutes, week)
	}
	return nil
}

func run(ctx context.Context, c config) (err error) {
	photo, err := os.ReadFile(c.photo)
	if err != nil {
		return fmt.Errorf("reading the photo (run soak in the repository, or use -photo): %w", err)
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
		} else {
			fmt.Println("data and logs are in", cmp.Or(c.dataDir, dir))
		}
	}()
	executable := filepath.Join(dir, "local")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", executable, "triptych/local").CombinedOutput(); err != nil {
		return fmt.Errorf("building local: %w\n%s", err, out)
	}
	l, err := startLocal(ctx, executable, cmp.Or(c.dataDir, filepath.Join(dir, "data")))
	if err != nil {
		return err
	}
	defer l.kill()
	fmt.Printf("uploading %d pictures in %s, seed %d\n", c.pictures, c.duration, c.seed)

	u := &uploader{site: siteclient.Site(l.endpoints.Site), photo: photo, uploaded: map[picture.ID][]byte{}}
	faultsCtx, stopFaults := context.WithTimeout(ctx, c.duration)
	defer stopFaults()
	uploadErr := make(chan error, 1)
	go func() {
		uploadErr <- u.run(ctx, c.pictures, c.duration)
		stopFaults() // no fault can affect an upload any more
	}()
	faultInjector := &chaos{local: l, random: rand.New(rand.NewPCG(c.seed, 0)), injected: map[string]int{}}
	if err := faultInjector.run(faultsCtx); err != nil {
		return err
	}
	if err := faultInjector.clear(ctx); err != nil {
		return err
	}
	if err := <-uploadErr; err != nil {
		return err
	}
	r, err := awaitResult(ctx, l, u.uploaded)
	if err != nil {
		return errors.Join(err, r.print(faultInjector.injected))
	}
	return r.print(faultInjector.injected)
}
