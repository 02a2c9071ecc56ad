package runtimeapi

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ServeHTTP implements the Invoke API (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). The status 202
// means that the event is on disk. Above the concurrency limit, AWS responds with 429, but ServeHTTP waits.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.api.ServeHTTP(w, r) }

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name, version := r.PathValue("name"), r.URL.Query().Get("Qualifier")
	qualifier, ok := h.parseFunctionName(name, version)
	if !ok {
		writeError(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+strings.TrimSuffix(name+":"+version, ":"))
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		writeError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest))
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
	clientContext, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
	if err != nil || len(clientContext) > 0 && !json.Valid(clientContext) {
		writeError(w, http.StatusBadRequest, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
		return
	}
	i := &invocation{
		requestID: uuid.NewString(), payload: payload, traceID: cmp.Or(r.Header.Get(traceHeader), newTraceID()),
		clientContext: string(clientContext), qualifier: qualifier, tail: r.Header.Get("X-Amz-Log-Type") == "Tail",
	}
	w.Header().Set("X-Amzn-Requestid", i.requestID)
	w.Header().Set(traceHeader, i.traceID)
	switch kind := cmp.Or(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse"); kind {
	case "Event":
		if err := h.accept(event{i.requestID, i.traceID}, payload); err != nil {
			writeError(w, http.StatusInternalServerError, "ServiceException", err.Error())
			return
		}
		w.WriteHeader(http.StatusAccepted)
	case "RequestResponse":
		h.serveSynchronous(w, r, i)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, http.StatusBadRequest, "InvalidParameterValueException", "invocation type "+kind+" is not supported: use Event, RequestResponse or DryRun")
	}
}

// parseFunctionName accepts the forms of FunctionName in
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax. The function has no versions
// or aliases, so the only qualifier is $LATEST. The returned qualifier is "" or begins with a colon.
func (h *Host) parseFunctionName(name, qualifier string) (_ string, ok bool) {
	parts := strings.Split(name, ":")
	if i := slices.Index(parts, "function"); i > 0 { // an ARN such as arn:aws:lambda:REGION:ACCOUNT:function:NAME, or ACCOUNT:function:NAME
		parts = parts[i+1:]
	}
	if len(parts) > 1 {
		qualifier = parts[1]
	}
	if qualifier != "" {
		qualifier = ":" + qualifier
	}
	return qualifier, parts[0] == h.Name && len(parts) <= 2 && (qualifier == "" || qualifier == ":$LATEST")
}

const traceHeader = "X-Amzn-Trace-Id"

// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func newTraceID() string {
	id := [16]byte(uuid.New())
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), id[4:], id[:8])
}

func (h *Host) serveSynchronous(w http.ResponseWriter, r *http.Request, i *invocation) {
	if !h.acquire(r.Context()) {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", errStopping.Error())
		return
	}
	defer h.release()
	got, err := h.invoke(i)
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if got.failure != "" {
		w.Header().Set("X-Amz-Function-Error", got.failure)
	}
	if len(got.log) > 0 {
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(got.log))
	}
	w.Write(got.payload)
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message})
}
