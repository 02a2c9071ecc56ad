package main

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"triptych/picture"
)

// recordWatch finds new Records in the HTTP responses of the Cosmos DB emulator. Polling would add delay and load.
type recordWatch struct {
	mu      sync.Mutex
	waiting map[picture.ID]chan time.Time
}

// Call expect before the picture is sent. The channel receives the time when the Record is written.
func (w *recordWatch) expect(id picture.ID) <-chan time.Time {
	written := make(chan time.Time, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[id] = written
	return written
}

func (w *recordWatch) wrap(cosmosDB http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/docs") {
			cosmosDB.ServeHTTP(rw, r)
			return
		}
		recorder := &statusRecorder{ResponseWriter: rw}
		cosmosDB.ServeHTTP(recorder, r)
		if recorder.status == http.StatusCreated {
			partition := r.Header.Get("x-ms-documentdb-partitionkey") // ["id"]
			w.report(picture.ID(strings.Trim(partition, `[]"`)), time.Now())
		}
	})
}

func (w *recordWatch) report(id picture.ID, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if written, ok := w.waiting[id]; ok {
		written <- at
		delete(w.waiting, id)
	}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
