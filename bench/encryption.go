package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"google.golang.org/protobuf/proto"

	"triptych/internal/pipeline"
)

const decryptions = 2 // of each payload: for example, by an activity and by its workflow

// With 10,000 repeats, the CPU time is long compared with the resolution of getrusage, which is up to 10 ms.
const encryptionRepeats = 10_000

func (v *variant) measureEncryption(ctx context.Context, m measurements) error {
	sample, err := v.sampleLatency(ctx)
	if err != nil {
		return err
	}
	codec, err := pipeline.ParseKeys(v.rig.stack.Endpoints.PayloadKeys)
	if err != nil {
		return err
	}
	history := &historypb.History{Events: sample.workflow.history}
	before, err := ownCPUTime()
	if err != nil {
		return err
	}
	for range encryptionRepeats {
		encrypted, err := convertCopy(ctx, history, codec.Encode)
		if err != nil {
			return fmt.Errorf("encrypting a history: %w", err)
		}
		for range decryptions {
			if _, err := convertCopy(ctx, encrypted, codec.Decode); err != nil {
				return fmt.Errorf("decrypting a history: %w", err)
			}
		}
	}
	after, err := ownCPUTime()
	m.add("encryption CPU", v, milliseconds(after-before)/encryptionRepeats)
	return err
}

func convertCopy(ctx context.Context, h *historypb.History, convert func([]*commonpb.Payload) ([]*commonpb.Payload, error)) (*historypb.History, error) {
	converted := proto.CloneOf(h)
	return converted, proxy.VisitPayloads(ctx, converted, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return convert(p)
		},
	})
}

func ownCPUTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
