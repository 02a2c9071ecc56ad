// Command soak takes pictures through the site while everything breaks at random, then puts all plugs back and counts:
// as many Records must come out as pictures went in.
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
)

type settings struct {
	pictures int
	during   time.Duration
	seed     uint64
	data     string
	photo    string
}

func main() {
	var s settings
	flag.IntVar(&s.pictures, "pictures", 1000, "how many are taken")
	minutes := flag.Float64("minutes", 10, "for how long things break, while the pictures are taken")
	flag.Uint64Var(&s.seed, "seed", rand.Uint64N(1<<32), "the same seed breaks the same things in the same order")
	flag.StringVar(&s.data, "data", "", "`directory` that keeps everything; default: one that is deleted if all goes well")
	flag.StringVar(&s.photo, "photo", "emulators/vision/testdata/astronaut.jpg", "the JPEG that each picture is of, with a difference")
	flag.Parse()
	s.during = time.Duration(*minutes * float64(time.Minute))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		slog.Error("the soak failed", "why", err, "seed", s.seed)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	photo, err := os.ReadFile(s.photo)
	if err != nil {
		return fmt.Errorf("finding a photo (run this in the repository, or name one with -photo): %w", err)
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
		} else {
			fmt.Println("what is left to look into is in", dir)
		}
	}()
	s.data = cmp.Or(s.data, filepath.Join(dir, "data"))
	program := filepath.Join(dir, "local")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "triptych/local").CombinedOutput(); err != nil {
		return fmt.Errorf("building local: %w\n%s", err, out)
	}
	h, err := launch(ctx, program, s.data)
	if err != nil {
		return err
	}
	defer h.kill()
	fmt.Printf("%d pictures in %s, seed %d\n", s.pictures, s.during, s.seed)

	album := newAlbum(h, photo)
	breaking, mended := context.WithTimeout(ctx, s.during)
	defer mended()
	uploaded := make(chan error, 1)
	go func() {
		uploaded <- album.fill(ctx, s.pictures, s.during)
		mended() // early, if there is nothing left to disturb
	}()
	c := &chaos{host: h, random: rand.New(rand.NewPCG(s.seed, 0)), done: map[string]int{}}
	if err := c.rage(breaking); err != nil {
		return err
	}
	if err := c.mend(ctx); err != nil {
		return err
	}
	if err := <-uploaded; err != nil {
		return err
	}
	settled, err := album.settle(ctx)
	if err != nil {
		return errors.Join(err, settled.print(c.done))
	}
	return settled.print(c.done)
}
