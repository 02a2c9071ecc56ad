package cosmosdb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"triptych/emulators/faults"
)

type Fault struct {
	Only       string        // requests for the document with this partition key; "" means all requests
	Method     string        // requests with this HTTP method; "" means all methods
	Times      int           // number of requests that fail; 0 means until the Fault is replaced
	OnMatch    func()        // called for each request that the Fault applies to; may block
	Delay      time.Duration // before the response; ends when the client gives up
	Status     int           // HTTP status of the response; 0 with AfterApply closes the connection instead
	SubStatus  int           // sent as x-ms-substatus
	Message    string        // of the error; "" means a message about the injected fault
	RetryAfter time.Duration // sent as x-ms-retry-after-ms
	AfterApply bool          // execute the request first: the write succeeds but its response is lost
}

// Rule implements faults.Fault.
func (f Fault) Rule() faults.Rule {
	return faults.Rule{Only: f.Only, Method: f.Method, Times: f.Times, Delay: f.Delay, OnMatch: f.OnMatch}
}

// SetFault replaces an earlier Fault that has the same fields `Only` and `Method`. If several Faults match a request,
// the most specific one applies.
func (s *Server) SetFault(f Fault) { s.faults.Put(f) }

func (s *Server) takeFault(r *http.Request, t target) Fault {
	var key [1]string
	_ = json.Unmarshal([]byte(r.Header.Get(partitionKeyHeader)), &key) // key stays empty if the header is malformed
	return s.faults.Take(func(f Fault) bool {
		return (f.Only == "" || f.Only == key[0]) && (f.Method == "" || f.Method == r.Method) &&
			(t.isDocument() || f.Only == "" && f.Method == "" && f.Times == 0 && !f.AfterApply)
	})
}

func (f Fault) response() response {
	message := cmp.Or(f.Message, fmt.Sprintf("Injected fault: the local Cosmos DB responds with %d", f.Status))
	res := errorResponse(newError(f.Status, f.SubStatus, "%s", message))
	res.retryAfter = f.RetryAfter
	return res
}
