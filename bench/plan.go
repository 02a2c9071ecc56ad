package main

import "time"

// plan is how much is measured.
type plan struct {
	only    []string // variants; nil for all
	rounds  int
	idle    int           // pictures one after the other, of each variant and round, with clouds that answer at once
	slow    int           // the same, with clouds that take their time
	events  int           // S3 events one after the other
	starts  int           // of the trigger, each in a fresh process
	flights []int         // pictures in flight at once
	during  time.Duration // for which so many are kept in flight
	waiting int           // pictures that wait when the worker starts
}

// What real clouds take, about: Vision for a portrait, Cosmos DB for a write.
const (
	visionTakes = 500 * time.Millisecond
	cosmosTakes = 10 * time.Millisecond
)

var quick = plan{rounds: 2, idle: 25, slow: 4, events: 5, starts: 3, flights: []int{1, 10, 100}, during: 2 * time.Second, waiting: 300}

var thorough = plan{rounds: 3, idle: 100, slow: 10, events: 40, starts: 4, flights: []int{1, 10, 100, 1000}, during: 4 * time.Second, waiting: 10_000}
