package stack

import (
	"encoding/json"
	"net/http"
)

// deadLetters delivers them again, as switching on the queue's event source mapping does in AWS.
func (s *Stack) deadLetters(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		problem{http.StatusMethodNotAllowed, "POST delivers the dead letters again."}.send(w)
		return
	}
	n, err := s.Lambda.Redrive(r.Context())
	if err != nil {
		problem{http.StatusInternalServerError, err.Error()}.send(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]int{"delivered": n})
}
