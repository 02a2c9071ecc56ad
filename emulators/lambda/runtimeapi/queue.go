package runtimeapi

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// event is one accepted asynchronous invocation.
type event struct {
	RequestID string          `json:"requestId"`
	Payload   json.RawMessage `json:"payload"`
	Attempts  int             `json:"attempts"` // failed attempts
	Due       time.Time       `json:"due"`      // earliest time of the next attempt
}

var eventsBucket = []byte("events")

// queue stores events on disk until they are removed. A change is on disk when its method returns.
type queue struct {
	db *bolt.DB

	mu      sync.Mutex
	ready   []uint64               // keys of events that are due and not being processed, oldest first
	waiting map[uint64]*time.Timer // for the next attempt, by key
	wake    chan struct{}
}

// commitDelay is how long a change waits for other changes, so that one fsync commits all of them.
const commitDelay = time.Millisecond

// openQueue opens the queue with the events that an earlier process has left in it.
func openQueue(path string) (*queue, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("opening the function's queue: %s is in use by another process", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the function's queue: %w", err)
	}
	db.MaxBatchDelay = commitDelay
	q := &queue{db: db, wake: make(chan struct{}, 1), waiting: map[uint64]*time.Timer{}}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(eventsBucket)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			var e event
			if err := json.Unmarshal(v, &e); err != nil {
				return err
			}
			q.push(binary.BigEndian.Uint64(k), time.Until(e.Due))
			return nil
		})
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the function's queue: %w", err), db.Close())
	}
	return q, nil
}

func (q *queue) close() error {
	if err := q.db.Close(); err != nil {
		return fmt.Errorf("closing the function's queue: %w", err)
	}
	return nil
}

func (q *queue) add(e event) error {
	var key uint64
	err := q.update(func(b *bolt.Bucket) (err error) {
		if key, err = b.NextSequence(); err != nil {
			return err
		}
		return put(b, key, e)
	})
	if err != nil {
		return fmt.Errorf("queueing an event: %w", err)
	}
	q.push(key, 0)
	return nil
}

func (q *queue) retry(key uint64, e event, wait time.Duration) error {
	e.Due = time.Now().Add(wait)
	if err := q.update(func(b *bolt.Bucket) error { return put(b, key, e) }); err != nil {
		return fmt.Errorf("storing the retry of an event: %w", err)
	}
	q.push(key, wait)
	return nil
}

func (q *queue) remove(key uint64) error {
	if err := q.update(func(b *bolt.Bucket) error { return b.Delete(keyBytes(key)) }); err != nil {
		return fmt.Errorf("removing an event from the queue: %w", err)
	}
	return nil
}

func (q *queue) read(key uint64) (e event, err error) {
	err = q.db.View(func(tx *bolt.Tx) error { return json.Unmarshal(tx.Bucket(eventsBucket).Get(keyBytes(key)), &e) })
	if err != nil {
		return e, fmt.Errorf("reading an event from the queue: %w", err)
	}
	return e, nil
}

// next waits for an event that is due. It must not be called concurrently.
func (q *queue) next(ctx context.Context) (uint64, error) {
	for {
		q.mu.Lock()
		if len(q.ready) > 0 && ctx.Err() == nil {
			key := q.ready[0]
			q.ready = q.ready[1:]
			q.mu.Unlock()
			return key, nil
		}
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (q *queue) push(key uint64, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait > 0 {
		q.waiting[key] = time.AfterFunc(wait, func() { q.push(key, 0) })
		return
	}
	delete(q.waiting, key)
	q.ready = append(q.ready, key)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// retryNow makes every waiting event due and resets its attempts.
func (q *queue) retryNow() error {
	var keys []uint64
	q.mu.Lock()
	for key, timer := range q.waiting {
		if timer.Stop() {
			keys = append(keys, key)
		}
	}
	q.mu.Unlock()
	slices.Sort(keys)
	err := q.update(func(b *bolt.Bucket) error {
		for _, key := range keys {
			var e event
			if err := json.Unmarshal(b.Get(keyBytes(key)), &e); err != nil {
				return err
			}
			e.Attempts, e.Due = 0, time.Time{}
			if err := put(b, key, e); err != nil {
				return err
			}
		}
		return nil
	})
	for _, key := range keys {
		q.push(key, 0)
	}
	if err != nil {
		return fmt.Errorf("making waiting events due: %w", err)
	}
	return nil
}

// update commits a change to the events. bbolt may call apply more than once.
func (q *queue) update(apply func(*bolt.Bucket) error) error {
	return q.db.Batch(func(tx *bolt.Tx) error { return apply(tx.Bucket(eventsBucket)) })
}

func put(b *bolt.Bucket, key uint64, e event) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return b.Put(keyBytes(key), doc)
}

func keyBytes(key uint64) []byte { return binary.BigEndian.AppendUint64(nil, key) }
