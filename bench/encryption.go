package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"

	"triptych/internal/pipeline"
)

// Each payload is encrypted once and decrypted twice: for example, the input of annotate is decrypted by the activity and
// with the workflow's next events.
const decryptions = 2

// encryptionRepeats makes the CPU time long compared with the resolution of getrusage, which is up to 10 ms.
const encryptionRepeats = 10_000

// measureEncryption encrypts and decrypts the payloads of one picture's history.
func (v *variant) measureEncryption(ctx context.Context, m measurements) error {
	sample, err := v.sampleLatency(ctx)
	if err != nil {
		return err
	}
	var payloads []*commonpb.Payload
	collect := func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
		payloads = append(payloads, p...)
		return p, nil
	}
	history := &historypb.History{Events: sample.workflow.history}
	if err := proxy.VisitPayloads(ctx, history, proxy.VisitPayloadsOptions{Visitor: collect, SkipSearchAttributes: true}); err != nil {
		return fmt.Errorf("reading the payloads of a history: %w", err)
	}
	codec, err := pipeline.ParseKeys(v.rig.stack.Endpoints.PayloadKeys)
	if err != nil {
		return err
	}
	cost, err := encryptionCost(codec, payloads)
	if err != nil {
		return err
	}
	m.add("encryption CPU", v, milliseconds(cost))
	return nil
}

func encryptionCost(codec converter.PayloadCodec, payloads []*commonpb.Payload) (time.Duration, error) {
	before, err := ownCPUTime()
	if err != nil {
		return 0, err
	}
	for range encryptionRepeats {
		encrypted, err := codec.Encode(payloads)
		if err != nil {
			return 0, err
		}
		for range decryptions {
			if _, err := codec.Decode(encrypted); err != nil {
				return 0, err
			}
		}
	}
	after, err := ownCPUTime()
	return (after - before) / encryptionRepeats, err
}

func ownCPUTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
