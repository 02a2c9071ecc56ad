package stack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/local/gateway"
)

// These faults imitate responses of the real clouds.
var (
	awsFaults = map[string]string{ // for SetS3Fault
		"none":     `{}`,
		"down":     `{"status":503,"code":"ServiceUnavailable"}`,
		"slow":     `{"delay":"2s"}`,
		"throttle": `{"status":503,"code":"SlowDown"}`,
		"refuse":   `{"status":403,"code":"AccessDenied"}`,
	}
	googleFaults = map[string]annotator.Fault{
		"none":     {},
		"down":     {Code: codes.Unavailable, Message: "The service is currently unavailable."},
		"slow":     {Delay: 3 * time.Second},
		"throttle": {Code: codes.ResourceExhausted, Message: "Quota exceeded.", RetryAfter: 5 * time.Second},
		"refuse":   {Code: codes.PermissionDenied, Message: "The caller does not have permission."},
	}
	azureFaults = map[string]cosmosdb.Fault{
		"none":     {},
		"down":     {Status: http.StatusServiceUnavailable},
		"slow":     {Delay: 2 * time.Second},
		"throttle": {Status: http.StatusTooManyRequests, SubStatus: 3200, RetryAfter: 3 * time.Second},
		"refuse":   {Status: http.StatusForbidden},
	}
)

func (s *Stack) faultSwitches() *gateway.Switches {
	faults := []string{"none", "down", "slow", "throttle", "refuse"}
	aws := gateway.Switch{Cloud: "aws", Faults: faults, Set: func(ctx context.Context, fault string) error {
		return s.SetS3Fault(ctx, awsFaults[fault])
	}}
	google := gateway.Switch{Cloud: "google", Faults: faults, Set: func(_ context.Context, fault string) error {
		s.Vision.SetFault(googleFaults[fault])
		return nil
	}}
	azure := gateway.Switch{Cloud: "azure", Faults: faults, Set: func(_ context.Context, fault string) error {
		s.Cosmos.SetFault(azureFaults[fault])
		return nil
	}}
	temporal := gateway.Switch{Cloud: "temporal", Faults: []string{"none", "down"}, Set: s.setTemporalFault}
	for _, each := range []*gateway.Switch{&aws, &google, &azure} {
		if s.config.real(each.Cloud) {
			each.Disabled = fmt.Sprintf("Faults cannot be injected into %s because the real cloud is used (-real).", each.Cloud)
		}
	}
	if s.config.Temporal != "" {
		temporal.Disabled = fmt.Sprintf("Faults cannot be injected into the Temporal server at %s because it was not started here (-temporal).", s.config.Temporal)
	}
	return gateway.NewSwitches(s.retryNow, aws, google, azure, temporal)
}

func (s *Stack) setTemporalFault(ctx context.Context, fault string) error {
	if fault == "down" {
		s.children["temporal"].Stop()
		return nil
	}
	s.children["temporal"].Start()
	return s.awaitTemporal(ctx)
}

// SetS3Fault takes a fault as JSON, such as {"delay":"2s"}. emulators/s3/README.md describes the fields.
func (s *Stack) SetS3Fault(ctx context.Context, fault string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.identity.addr("control")+"/fault", strings.NewReader(fault))
	if err != nil {
		return fmt.Errorf("setting the S3 fault: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("setting the S3 fault: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("setting the S3 fault %s: status %s", fault, res.Status)
	}
	return nil
}
