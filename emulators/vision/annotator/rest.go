package annotator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/loopback"
)

// rest serves the method images:annotate
// (https://cloud.google.com/vision/docs/reference/rest/v1/images/annotate). Pages of other
// sites can send HTTP/1.1 requests, but not gRPC, so browsers are refused.
func (s *Server) rest() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/images:annotate", s.annotateJSON)
	mux.HandleFunc("POST /v1/projects/{project}/images:annotate", s.annotateJSON)
	mux.HandleFunc("POST /v1/projects/{project}/locations/{location}/images:annotate", s.annotateJSON)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeFailure(w, status.Errorf(codes.Unimplemented,
			"%s %s is not available on this local server; it has gRPC, POST /v1/images:annotate, and the same "+
				"below /v1/projects/PROJECT and /v1/projects/PROJECT/locations/LOCATION.", r.Method, r.URL.Path))
	})
	return loopback.RefuseBrowsers(mux)
}

func (s *Server) annotateJSON(w http.ResponseWriter, r *http.Request) {
	response, err := s.annotateBody(w, r)
	if err != nil {
		writeFailure(w, err)
		return
	}
	// Google's client for Go asks for numbers by `$alt=json;enum-encoding=int`.
	numbers := strings.HasSuffix(r.URL.Query().Get("$alt"), "enum-encoding=int")
	body, err := protojson.MarshalOptions{UseEnumNumbers: numbers}.Marshal(response)
	if err != nil {
		writeFailure(w, status.Errorf(codes.Internal, "encoding the response: %v", err))
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (s *Server) annotateBody(w http.ResponseWriter, r *http.Request) (*visionpb.BatchAnnotateImagesResponse, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, isTooLarge := errors.AsType[*http.MaxBytesError](err); isTooLarge {
		return nil, errRequestTooLarge
	}
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "Reading the request: %v", err)
	}
	batch := &visionpb.BatchAnnotateImagesRequest{}
	if err := protojson.Unmarshal(body, batch); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "Invalid JSON payload received. %v", err)
	}
	if parent, ok := strings.CutSuffix(r.URL.Path, "/images:annotate"); ok && parent != "/v1" {
		batch.Parent = strings.TrimPrefix(parent, "/v1/")
	}
	return s.BatchAnnotateImages(r.Context(), batch)
}

func writeFailure(w http.ResponseWriter, err error) {
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
	}
	s := status.Convert(err)
	httpCode := runtime.HTTPStatusFromCode(s.Code())
	body, err := json.Marshal(map[string]failure{"error": {httpCode, s.Message(), code.Code_name[int32(s.Code())]}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, httpCode, body)
}

func writeJSON(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	w.Write(body)
}
