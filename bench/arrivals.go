package main

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"triptych/picture"
)

// arrivals knows when the Record of a picture has been written, by looking on as Cosmos DB answers.
type arrivals struct {
	mu      sync.Mutex
	awaited map[picture.ID]chan time.Time
}

// expect is to be called before the picture is started.
func (a *arrivals) expect(id picture.ID) <-chan time.Time {
	arrived := make(chan time.Time, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.awaited[id] = arrived
	return arrived
}

func (a *arrivals) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/docs") {
			next.ServeHTTP(w, r)
			return
		}
		seen := &statusSeen{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.status == http.StatusCreated {
			partition := r.Header.Get("x-ms-documentdb-partitionkey") // ["id"]
			a.arrive(picture.ID(strings.Trim(partition, `[]"`)), time.Now())
		}
	})
}

func (a *arrivals) arrive(id picture.ID, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if arrived, ok := a.awaited[id]; ok {
		arrived <- at
		delete(a.awaited, id)
	}
}

type statusSeen struct {
	http.ResponseWriter
	status int
}

func (s *statusSeen) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}
