// Package ssm emulates GetParametersByPath of AWS Systems Manager. It checks the signature of a request and the IAM
// policy of its access key.
package ssm

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	iam "github.com/versity/versitygw/iamapi/policy"
	iamtypes "github.com/versity/versitygw/iamapi/types"
)

// Account is the number of the AWS account in the ARNs of parameters.
const Account = "123456789012"

const (
	pageSize = 10              // the default and the maximum of AWS
	maxSkew  = 5 * time.Minute // between the signature and its arrival
)

// Server is ready to use. All parameters are in one region.
type Server struct {
	Region string

	mu         sync.Mutex
	parameters map[string]string // by name, such as /triptych/worker/TRIPTYCH_BUCKET
	users      map[string]user   // by access key
}

type user struct{ secretKey, policy string }

func (s *Server) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parameters == nil {
		s.parameters = map[string]string{}
	}
	s.parameters[name] = value
}

// Allow gives the owner of the keys the permissions of an IAM policy.
func (s *Server) Allow(accessKey, secretKey string, policy json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		s.users = map[string]user{}
	}
	s.users[accessKey] = user{secretKey, string(policy)}
}

type input struct {
	Path, NextToken  string
	WithDecryption   bool
	Recursive        bool
	ParameterFilters []any
	MaxResults       int // 0 means pageSize
}

// invalid returns "" for a request that this server supports.
func (in input) invalid() string {
	switch {
	case !strings.HasPrefix(in.Path, "/"):
		return "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\"."
	case in.MaxResults < 0 || in.MaxResults > pageSize:
		return fmt.Sprintf("MaxResults must be from 1 to %d", pageSize)
	case in.Recursive || len(in.ParameterFilters) > 0:
		return "the local SSM supports neither Recursive nor ParameterFilters"
	}
	return ""
}

type parameter struct{ Name, Value, Type string }

type page struct {
	Parameters []parameter
	NextToken  string `json:",omitempty"`
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/[^,]+, SignedHeaders=([^,]+), Signature=`)

const maxBody = 64 << 10

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const action = "ssm:GetParametersByPath"
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var in input
	if err != nil || json.Unmarshal(body, &in) != nil || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParametersByPath" {
		refuse(w, "ValidationException", "the local SSM supports only GetParametersByPath")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var accessKey, signedHeaders string
	if fields := authorization.FindStringSubmatch(r.Header.Get("Authorization")); fields != nil {
		accessKey, signedHeaders = fields[1], fields[2]
	}
	caller, known := s.users[accessKey]
	if !known {
		refuse(w, "UnrecognizedClientException", "The security token included in the request is invalid.")
		return
	}
	keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: caller.secretKey}
	if !s.isSigned(r, body, keys, strings.Split(signedHeaders, ";")) {
		refuse(w, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
		return
	}
	path := strings.TrimSuffix(in.Path, "/")
	resource := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter%s", s.Region, Account, path)
	policies := []iamtypes.PolicyEntry{{PolicyDocument: caller.policy}}
	if iam.EvaluateIdentityPolicies(policies, iam.RequestContext{Action: action, Resource: resource}) != iam.DecisionAllow {
		refuse(w, "AccessDeniedException", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", accessKey, action, resource))
		return
	}
	if reason := in.invalid(); reason != "" {
		refuse(w, "ValidationException", reason)
		return
	}
	result, ok := s.page(path, in)
	if !ok {
		refuse(w, "InvalidNextToken", "The specified token is not valid.")
		return
	}
	if !in.WithDecryption {
		for i := range result.Parameters {
			result.Parameters[i].Value = "encrypted"
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(result) // fails only if the client has disconnected
}

// isSigned signs a copy of the request and compares the signatures.
func (s *Server) isSigned(r *http.Request, body []byte, keys aws.Credentials, signedHeaders []string) bool {
	date, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(date).Abs() > maxSkew {
		return false
	}
	expected, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), nil)
	if err != nil {
		return false
	}
	expected.Host = r.Host
	for _, name := range signedHeaders {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host": // the signer adds the host
		case "Content-Length":
			expected.ContentLength = int64(len(body))
		default:
			expected.Header[name] = slices.Clone(r.Header[name])
		}
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, expected, hex.EncodeToString(sum[:]), "ssm", s.Region, date); err != nil {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(expected.Header.Get("Authorization")), []byte(r.Header.Get("Authorization"))) == 1
}

// page does not include parameters of deeper levels, as in AWS without Recursive.
func (s *Server) page(path string, in input) (_ page, tokenIsValid bool) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.parameters)), func(name string) bool {
		child, ok := strings.CutPrefix(name, path+"/")
		return !ok || strings.Contains(child, "/")
	})
	first, err := strconv.Atoi(cmp.Or(in.NextToken, "0"))
	if err != nil || first < 0 || first > len(names) {
		return page{}, false
	}
	end := first + cmp.Or(in.MaxResults, pageSize)
	result := page{Parameters: []parameter{}}
	for _, name := range names[first:min(end, len(names))] {
		result.Parameters = append(result.Parameters, parameter{name, s.parameters[name], "SecureString"})
	}
	if end < len(names) {
		result.NextToken = strconv.Itoa(end)
	}
	return result, true
}

func refuse(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
