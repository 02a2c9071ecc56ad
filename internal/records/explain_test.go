package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

type explainCase struct {
	cause   cause
	name    string
	kind    picture.Kind
	after   time.Duration // that Cosmos DB requests
	provoke func(*testing.T) error
}

var explainCases = []explainCase{
	injected(400, picture.Misconfigured, 0),
	{cause{request, "401"}, "wrong key", picture.Forbidden, 0, func(t *testing.T) error {
		a := startEmulator(t)
		return create(t, Config{Endpoint: a.endpoint, Key: "a2V5"})
	}},
	{cause{request, "404"}, "account without the container", picture.Misconfigured, 0, func(t *testing.T) error {
		return create(t, startEmulator(t).config())
	}},
	{cause{request, "413"}, "Record of more than 2 MB", picture.TooLarge, 0, func(t *testing.T) error {
		r := newRecord(t)
		r.Annotation = json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`)
		return startEmulator(t).provision(t).Create(t.Context(), r)
	}},
	{cause{}, "no server", picture.Unavailable, 0, func(t *testing.T) error {
		return create(t, Config{Endpoint: "http://" + unusedAddress(t), Key: "a2V5"})
	}},
	{cause{}, "closed connection", picture.Unavailable, 0, func(t *testing.T) error {
		a := startEmulator(t)
		c := a.provision(t)
		a.SetFault(cosmosdb.Fault{AfterApply: true})
		return c.Create(t.Context(), newRecord(t))
	}},
	{cause{}, "deadline", picture.Unavailable, 0, func(t *testing.T) error {
		a := startEmulator(t)
		c, r := a.provision(t), newRecord(t)
		if err := c.Create(t.Context(), r); err != nil { // reads the account document
			t.Fatal(err)
		}
		a.SetFault(cosmosdb.Fault{Delay: time.Hour})
		defer a.SetFault(cosmosdb.Fault{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, _, err := c.Read(ctx, r.ID)
		return err
	}},
	{cause{phase: decode}, "document that is not a Record", picture.Misconfigured, 0, func(t *testing.T) error {
		a := startEmulator(t)
		c, r := a.provision(t), newRecord(t)
		items, err := accountClient(t, a).NewContainer(Database, ContainerName)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := items.CreateItem(t.Context(), partition(r.ID), fmt.Appendf(nil, `{"id":%q,"steps":"not a list"}`, r.ID), nil); err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(t.Context(), r.ID)
		return err
	}},
	injected(403, picture.Forbidden, 0),
	refusedWith(firewall, picture.Forbidden, cosmosdb.Fault{Status: 403, Message: blocked}),
	refusedWith(firewall, picture.Forbidden, cosmosdb.Fault{Status: 403, Message: `Message: {"Errors":["Request is blocked. ` +
		`Please check your authorization token and Cosmos DB account firewall settings."]}`}), // github.com/Azure/azure-cosmos-dotnet-v3/issues/2298
	refusedWith(skewed, picture.Forbidden, cosmosdb.Fault{Status: 403, Message: "The authorization token is not valid at the current time. " +
		"Please create another token and retry (token start time: Sun, 18 May 2025 08:33:47 GMT, current server time: Sun, 18 May 2025 07:33:53 GMT)."}), // github.com/Azure/azure-cosmos-dotnet-v2/issues/506
	refusedWith(otherRegion, picture.Unavailable, cosmosdb.Fault{Status: 403, SubStatus: 3}),
	refusedWith(otherRegion, picture.Unavailable, cosmosdb.Fault{Status: 403, SubStatus: 1008}),
	refusedWith("404", picture.Misconfigured, cosmosdb.Fault{Status: 404, SubStatus: 1003}),
	refusedWith(uncertain, picture.Unavailable, cosmosdb.Fault{Status: 404, SubStatus: 1002}),
	refusedWith(uncertain, picture.Unavailable, cosmosdb.Fault{Status: 404, SubStatus: 1013}),
	refusedWith(uncertain, picture.Unavailable, cosmosdb.Fault{Status: 404, SubStatus: 1024}),
	injected(408, picture.Unavailable, 0),
	injected(410, picture.Unavailable, 0),
	injected(429, picture.Throttled, 0),
	injected(429, picture.Throttled, 1234*time.Millisecond),
	injected(449, picture.Unavailable, 5*time.Millisecond),
	injected(500, picture.Unavailable, 0),
	injected(503, picture.Unavailable, 2*time.Second),
	{cause{}, "unknown status", picture.Unavailable, 0, injected(418, "", 0).provoke},

	{cause{phase: noCredentials}, "no identity", picture.Forbidden, 0, func(t *testing.T) error {
		t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential") // finds nothing, and sends no request
		return create(t, Config{Endpoint: "https://127.0.0.1:1"})
	}},
	refusedByAWS("AccessDenied", "AccessDenied", picture.Forbidden),
	refusedByAWS("AccessDeniedException", "AccessDenied", picture.Forbidden),
	refusedByAWS("ExpiredToken", refusedRole, picture.Forbidden),
	refusedByAWS("ExpiredTokenException", refusedRole, picture.Forbidden),
	refusedByAWS("InvalidClientTokenId", refusedRole, picture.Forbidden),
	refusedByAWS("SignatureDoesNotMatch", refusedRole, picture.Forbidden),
	refusedByAWS("IncompleteSignature", refusedRole, picture.Forbidden),
	{cause{signingIn, refusedRole}, "no AWS credentials", picture.Forbidden, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
			t.Setenv(name, "")
		}
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		f.loadAWS(t)
		return create(t, f.config)
	}},
	refusedByAWS("RegionDisabledException", "RegionDisabledException", picture.Misconfigured),
	refusedByAWS("OutboundWebIdentityFederationDisabledException", "OutboundWebIdentityFederationDisabledException", picture.Misconfigured),
	refusedByEntra(http.StatusBadRequest, picture.Misconfigured),
	refusedByEntra(http.StatusUnauthorized, picture.Forbidden),
	{cause{}, "Entra ID unavailable", picture.Unavailable, 0, refusedByEntra(http.StatusServiceUnavailable, "").provoke},
	{cause{}, "no connection to Entra ID", picture.Unavailable, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		t.Setenv("AZURE_AUTHORITY_HOST", "https://"+unusedAddress(t))
		return create(t, f.config)
	}},
	{cause{}, "no connection to AWS", picture.Unavailable, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		t.Setenv("AWS_ENDPOINT_URL_STS", "http://"+unusedAddress(t))
		f.loadAWS(t)
		return create(t, f.config)
	}},
}

func TestExplain(t *testing.T) {
	covered := map[cause]bool{}
	for _, c := range explainCases {
		covered[c.cause] = true
		t.Run(fmt.Sprintf("phase_%d/%s/%s", c.cause.phase, c.cause.code, c.name), func(t *testing.T) {
			err := c.provoke(t)
			if err == nil {
				t.Fatal("the call succeeded")
			}
			row, ok := explanations[c.cause]
			if !ok {
				t.Fatal("there is no such row")
			}
			e := Explain(err)
			if e.Kind != c.kind || e.Message != row.message || e.RetryAfter != c.after || e.Cloud != picture.Azure {
				t.Errorf("got %s %q, retry after %s, cloud %s, want %s %q, %s; the error is %v", e.Kind, e.Message, e.RetryAfter, e.Cloud, c.kind, row.message, c.after, err)
			}
			if e.Err == nil || e.Err.Error() == "" {
				t.Error("the cloud's own message is missing")
			}
		})
	}
	for c := range explanations {
		if !covered[c] {
			t.Errorf("no test for %+v", c)
		}
	}
}

func injected(status int, kind picture.Kind, after time.Duration) explainCase {
	return explainCase{cause{request, fmt.Sprint(status)}, fmt.Sprintf("retry after %s", after), kind, after, func(t *testing.T) error {
		a := startEmulator(t)
		c := a.provision(t)
		a.SetFault(cosmosdb.Fault{Status: status, RetryAfter: after})
		return c.Create(t.Context(), newRecord(t))
	}}
}

// github.com/microsoft/azure-tools-for-java/issues/7159
const blocked = "Request originated from IP 203.0.113.7 through public internet. This is blocked by your Cosmos DB account firewall settings. " +
	"More info: https://aka.ms/cosmosdb-tsg-forbidden\r\nActivityId: 8cdb9ce0-e147-4db6-b9d8-d5ad1bca2008"

func refusedWith(code string, kind picture.Kind, fault cosmosdb.Fault) explainCase {
	return explainCase{cause{request, code}, fmt.Sprint("sub-status ", fault.SubStatus), kind, 0, func(t *testing.T) error {
		a := startEmulator(t)
		c := a.provision(t)
		a.SetFault(fault)
		_, _, err := c.Read(t.Context(), newRecord(t).ID)
		return err
	}}
}

func TestCauseIsTheFirstLineOfCosmosDBsMessage(t *testing.T) {
	a := startEmulator(t)
	c := a.provision(t)
	a.SetFault(cosmosdb.Fault{Status: 403, Message: blocked})
	err := Explain(c.Create(t.Context(), newRecord(t))).Err.Error()
	if !strings.HasSuffix(err, "More info: https://aka.ms/cosmosdb-tsg-forbidden") || !strings.Contains(err, "203.0.113.7") {
		t.Errorf("the cause is %q", err)
	}
}

func TestSubStatus(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault cosmosdb.Fault
		write bool
		want  error
	}{
		{"404_without_a_sub-status_means_that_no_Record_exists", cosmosdb.Fault{Status: 404}, false, ErrNotFound},
		{"404_with_sub-status_1002_does_not_mean_that_no_Record_exists", cosmosdb.Fault{Status: 404, SubStatus: 1002}, false, ErrUncertain},
		{"409_with_a_sub-status_means_that_a_Record_exists", cosmosdb.Fault{Status: 409, SubStatus: 1003}, true, ErrExists},
		{"412_with_a_sub-status_means_that_the_Record_has_changed", cosmosdb.Fault{Status: 412, SubStatus: 1003}, true, ErrChanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := startEmulator(t)
			c, r := a.provision(t), newRecord(t)
			for _, tt.fault.Method = range []string{http.MethodGet, http.MethodPut} { // not the account document
				a.SetFault(tt.fault)
			}
			_, _, err := c.Read(t.Context(), r.ID)
			if tt.write {
				err = c.Replace(t.Context(), r, "etag")
			}
			if !errors.Is(err, tt.want) || errors.Is(err, ErrNotFound) != (tt.want == ErrNotFound) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func refusedByAWS(code, row string, kind picture.Kind) explainCase {
	return explainCase{cause{signingIn, row}, "AWS returned " + code, kind, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		f.refuse["aws"], f.awsError = http.StatusForbidden, code
		return create(t, f.config)
	}}
}

func refusedByEntra(status int, kind picture.Kind) explainCase {
	return explainCase{cause{signingIn, fmt.Sprint(status)}, "refused by Entra ID", kind, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		f.refuse["azure"] = status
		return create(t, f.config)
	}}
}

func create(t *testing.T, config Config) error {
	t.Helper()
	return open(t, config).Create(t.Context(), newRecord(t))
}

func accountClient(t *testing.T, a *account) *azcosmos.Client {
	t.Helper()
	credential, err := azcosmos.NewKeyCredential(a.key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey(a.endpoint, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
