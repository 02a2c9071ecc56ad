// Package ssm emulates GetParametersByPath of AWS Systems Manager. It checks the IAM policy of the caller's access key,
// but not the signature.
package ssm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	iam "github.com/versity/versitygw/iamapi/policy"
	iamtypes "github.com/versity/versitygw/iamapi/types"
)

// Account is the number of the AWS account in the ARNs of parameters.
const Account = "123456789012"

// pageSize is the maximum of AWS.
const pageSize = 10

// Server is ready to use. All parameters are in one region.
type Server struct {
	Region string

	mu         sync.Mutex
	parameters map[string]string // by name, such as /triptych/worker/TRIPTYCH_BUCKET
	policies   map[string]string // by access key
}

func (s *Server) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parameters == nil {
		s.parameters = map[string]string{}
	}
	s.parameters[name] = value
}

// Allow gives the access key the permissions of an IAM policy.
func (s *Server) Allow(accessKey string, policy json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policies == nil {
		s.policies = map[string]string{}
	}
	s.policies[accessKey] = string(policy)
}

type parameter struct{ Name, Value, Type string }

type page struct {
	Parameters []parameter
	NextToken  string `json:",omitempty"`
}

var credential = regexp.MustCompile(`Credential=([^/]+)/`)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const action = "ssm:GetParametersByPath"
	var in struct{ Path, NextToken string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParametersByPath" {
		refuse(w, "ValidationException", "the local SSM supports only GetParametersByPath")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	caller := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if caller == nil || s.policies[caller[1]] == "" {
		refuse(w, "UnrecognizedClientException", "The security token included in the request is invalid.")
		return
	}
	path := strings.TrimSuffix(in.Path, "/")
	resource := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter%s", s.Region, Account, path)
	policies := []iamtypes.PolicyEntry{{PolicyDocument: s.policies[caller[1]]}}
	if iam.EvaluateIdentityPolicies(policies, iam.RequestContext{Action: action, Resource: resource}) != iam.DecisionAllow {
		refuse(w, "AccessDeniedException", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", caller[1], action, resource))
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(s.page(path, in.NextToken)) // fails only if the client has disconnected
}

// page does not include parameters of deeper levels, as in AWS without Recursive.
func (s *Server) page(path, token string) page {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.parameters)), func(name string) bool {
		child, ok := strings.CutPrefix(name, path+"/")
		return !ok || strings.Contains(child, "/")
	})
	first, _ := strconv.Atoi(token) // 0 without a token
	result := page{Parameters: []parameter{}}
	for _, name := range names[min(first, len(names)):min(first+pageSize, len(names))] {
		result.Parameters = append(result.Parameters, parameter{name, s.parameters[name], "SecureString"})
	}
	if first+pageSize < len(names) {
		result.NextToken = strconv.Itoa(first + pageSize)
	}
	return result
}

func refuse(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
