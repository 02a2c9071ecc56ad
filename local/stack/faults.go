package stack

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
)

// What each cloud does under each fault: its own answer, with its own hint of when to come back.
var (
	awsFaults = map[string]string{ // as its control endpoint takes them
		"none":     `{}`,
		"down":     `{"status":503,"code":"ServiceUnavailable"}`,
		"slow":     `{"delay":"2s"}`,
		"throttle": `{"status":503,"code":"SlowDown"}`,
	}
	googleFaults = map[string]annotator.Fault{
		"none":     {},
		"down":     {Code: codes.Unavailable, Message: "The service is currently unavailable."},
		"slow":     {Delay: 3 * time.Second},
		"throttle": {Code: codes.ResourceExhausted, Message: "Quota exceeded.", RetryAfter: 5 * time.Second},
	}
	azureFaults = map[string]cosmosdb.Fault{
		"none":     {},
		"down":     {Status: http.StatusServiceUnavailable},
		"slow":     {Delay: 2 * time.Second},
		"throttle": {Status: http.StatusTooManyRequests, SubStatus: 3200, RetryAfter: 3 * time.Second},
	}
)

// faultsOf is which faults each cloud can have. Temporal has no answers of its own to give: it is there or not.
var faultsOf = map[string][]string{
	"aws":      {"none", "down", "slow", "throttle"},
	"google":   {"none", "down", "slow", "throttle"},
	"azure":    {"none", "down", "slow", "throttle"},
	"temporal": {"none", "down"},
}

// switches are the faults that are in force. Nothing of them is kept: a stack starts whole.
type switches struct {
	setting sync.Mutex // one is set at a time

	mu  sync.Mutex
	now map[string]string // by cloud
}

func newSwitches() *switches {
	return &switches{now: map[string]string{"aws": "none", "google": "none", "azure": "none", "temporal": "none"}}
}

func (s *switches) all() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.now)
}

// note returns what was in force before.
func (s *switches) note(cloud, fault string) (before string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.now[cloud] = s.now[cloud], fault
	return before
}

// setFault puts a cloud's fault in the place of the one that is in force, and returns when that has taken effect.
func (s *Stack) setFault(ctx context.Context, cloud, fault string) error {
	s.switches.setting.Lock()
	defer s.switches.setting.Unlock()
	switch cloud {
	case "aws":
		if err := s.SetS3Fault(ctx, awsFaults[fault]); err != nil {
			return err
		}
	case "google":
		s.Vision.SetFault(googleFaults[fault])
	case "azure":
		s.Cosmos.SetFault(azureFaults[fault])
	case "temporal":
		if fault == "down" {
			s.children["temporal"].hold()
			break
		}
		s.children["temporal"].release()
		if err := s.awaitTemporal(ctx); err != nil {
			return err
		}
	}
	if before := s.switches.note(cloud, fault); before != "none" && fault == "none" {
		s.hurry(ctx, cloud)
	}
	return nil
}

// SetS3Fault sets a fault as local/s3 takes it.
func (s *Stack) SetS3Fault(ctx context.Context, fault string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.S3Control+"/fault", strings.NewReader(fault))
	if err != nil {
		return fmt.Errorf("making S3 fail: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("making S3 fail: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("making S3 fail by %s: it answered %s", fault, res.Status)
	}
	return nil
}

// refusal is why there is no such switch, as a sentence; "" if there is.
func (s *Stack) refusal(cloud, fault string) string {
	switch known, ok := faultsOf[cloud]; {
	case !ok:
		return fmt.Sprintf("There is no cloud %q: cloud is one of aws, google, azure, temporal.", cloud)
	case !slices.Contains(known, fault):
		return fmt.Sprintf("There is no fault %q of %s: fault is one of %s.", fault, cloud, strings.Join(known, ", "))
	case s.config.real(cloud):
		return fmt.Sprintf("The cloud %s is used for real (-real), so it cannot be made to fail.", cloud)
	case cloud == "temporal" && s.config.Temporal != "":
		return fmt.Sprintf("The Temporal at %s was not started here (-temporal), so it cannot be made to fail.", s.config.Temporal)
	}
	return ""
}
