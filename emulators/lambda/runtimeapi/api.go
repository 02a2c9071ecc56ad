package runtimeapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/google/uuid"
)

// ServeHTTP implements the Invoke API (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). The status 202
// means that the event is on disk. Above the concurrency limit, AWS responds with 429, but ServeHTTP waits.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.api.ServeHTTP(w, r) }

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") != h.Name {
		writeError(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+r.PathValue("name"))
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		writeError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the payload is too large")
		return
	}
	if err != nil {
		return // the client has disconnected
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		writeError(w, http.StatusBadRequest, "InvalidRequestContentException", "the payload is not JSON")
		return
	}
	requestID := uuid.NewString()
	w.Header().Set("X-Amzn-Requestid", requestID)
	switch kind := cmp.Or(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse"); kind {
	case "Event":
		if err := h.accept(event{requestID, payload}); err != nil {
			writeError(w, http.StatusInternalServerError, "ServiceException", err.Error())
			return
		}
		w.WriteHeader(http.StatusAccepted)
	case "RequestResponse":
		h.serveSynchronous(w, r, requestID, payload)
	default:
		writeError(w, http.StatusBadRequest, "InvalidParameterValueException", "invocation type "+kind+" is not supported: use Event or RequestResponse")
	}
}

func (h *Host) serveSynchronous(w http.ResponseWriter, r *http.Request, requestID string, payload []byte) {
	if !h.acquire(r.Context()) {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", errStopping.Error())
		return
	}
	defer h.release()
	got, err := h.invoke(requestID, payload, nil)
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if got.failure != "" {
		w.Header().Set("X-Amz-Function-Error", got.failure)
	}
	w.Write(got.payload)
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message})
}
