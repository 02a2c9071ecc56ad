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
	Attempts  int             `json:"attempts"` // that failed
	Due       time.Time       `json:"due"`      // not to be tried before
}

var eventsBucket = []byte("events")

// queue keeps events on disk until they are removed. What update has returned from survives a power cut.
type queue struct {
	db *bolt.DB

	mu      sync.Mutex
	ready   []uint64               // keys of events that are due and nobody works on, oldest first
	waiting map[uint64]*time.Timer // for their next attempt
	wake    chan struct{}
	changes []*change

	commit sync.Mutex
}

// change is part of a transaction; done says that the transaction has ended, with err.
type change struct {
	apply func(*bolt.Bucket) error
	done  bool
	err   error
}

// openQueue queues again all that an earlier process has left.
func openQueue(path string) (*queue, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open the function's queue: another process works with %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the function's queue: %w", err)
	}
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
		return nil, errors.Join(fmt.Errorf("read the function's queue: %w", err), db.Close())
	}
	return q, nil
}

func (q *queue) close() error {
	if err := q.db.Close(); err != nil {
		return fmt.Errorf("close the function's queue: %w", err)
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
		return fmt.Errorf("queue an event: %w", err)
	}
	q.push(key, 0)
	return nil
}

func (q *queue) retry(key uint64, e event, wait time.Duration) error {
	e.Due = time.Now().Add(wait)
	if err := q.update(func(b *bolt.Bucket) error { return put(b, key, e) }); err != nil {
		return fmt.Errorf("note the retry of an event: %w", err)
	}
	q.push(key, wait)
	return nil
}

func (q *queue) remove(key uint64) error {
	if err := q.update(func(b *bolt.Bucket) error { return b.Delete(keyBytes(key)) }); err != nil {
		return fmt.Errorf("remove an event from the queue: %w", err)
	}
	return nil
}

func (q *queue) read(key uint64) (e event, err error) {
	err = q.db.View(func(tx *bolt.Tx) error { return json.Unmarshal(tx.Bucket(eventsBucket).Get(keyBytes(key)), &e) })
	if err != nil {
		return e, fmt.Errorf("read an event from the queue: %w", err)
	}
	return e, nil
}

// next waits for an event that is due. It has one caller.
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

// hurry makes every event that waits for its next attempt due, as if it had just been sent.
func (q *queue) hurry() error {
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
		return fmt.Errorf("note that events are not to wait: %w", err)
	}
	return nil
}

// update commits the change together with all that came while an earlier commit was under way: one sync to
// disk for many events, and none waits for others to come.
func (q *queue) update(apply func(*bolt.Bucket) error) error {
	mine := &change{apply: apply}
	q.mu.Lock()
	q.changes = append(q.changes, mine)
	q.mu.Unlock()

	q.commit.Lock()
	defer q.commit.Unlock()
	if mine.done {
		return mine.err
	}
	q.mu.Lock()
	all := q.changes
	q.changes = nil
	q.mu.Unlock()
	err := q.db.Update(func(tx *bolt.Tx) error {
		for _, c := range all {
			if err := c.apply(tx.Bucket(eventsBucket)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range all {
		c.done, c.err = true, err
	}
	return err
}

func put(b *bolt.Bucket, key uint64, e event) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return b.Put(keyBytes(key), doc)
}

func keyBytes(key uint64) []byte { return binary.BigEndian.AppendUint64(nil, key) }
