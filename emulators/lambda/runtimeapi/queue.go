package runtimeapi

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// event is one accepted asynchronous invocation. Its payload is on disk until an attempt starts.
type event struct {
	requestID string
	traceID   string // not on disk; "" after a restart
}

type queue struct{ db *bolt.DB } // add and remove return when the change is on disk

var payloads = []byte("payloads") // bucket of the payloads by request ID

const commitDelay = time.Millisecond

func openQueue(path string) (queue, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return queue{}, fmt.Errorf("opening the function's queue: %s is in use by another process", path)
	}
	if err != nil {
		return queue{}, fmt.Errorf("opening the function's queue: %w", err)
	}
	db.MaxBatchDelay = commitDelay
	return queue{db}, nil
}

func (q queue) events() (left []event, err error) {
	err = q.db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(payloads)
		if err != nil {
			return err
		}
		return b.ForEach(func(id, _ []byte) error {
			left = append(left, event{requestID: string(id)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the function's queue: %w", err)
	}
	return left, nil
}

// payload returns nil if the event is no longer in the queue.
func (q queue) payload(e event) (payload []byte, err error) {
	err = q.db.View(func(tx *bolt.Tx) error {
		payload = bytes.Clone(tx.Bucket(payloads).Get([]byte(e.requestID)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading an event from the queue: %w", err)
	}
	return payload, nil
}

func (q queue) add(e event, payload []byte) error {
	err := q.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket(payloads).Put([]byte(e.requestID), payload) })
	if err != nil {
		return fmt.Errorf("queueing an event: %w", err)
	}
	return nil
}

func (q queue) remove(e event) error {
	err := q.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket(payloads).Delete([]byte(e.requestID)) })
	if err != nil {
		return fmt.Errorf("removing an event from the queue: %w", err)
	}
	return nil
}
