package pipeline

import (
	"errors"
	"net"
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/picture"
)

func TestExplain(t *testing.T) {
	unknown := picture.Unavailable // and the message about the address
	for code, want := range map[codes.Code]picture.Kind{
		codes.Unauthenticated: picture.Forbidden, codes.PermissionDenied: picture.Forbidden,
		codes.NotFound: picture.Misconfigured, codes.InvalidArgument: picture.Misconfigured,
		codes.ResourceExhausted: picture.Throttled, codes.Unavailable: unknown, codes.DataLoss: unknown,
	} {
		t.Run(code.String(), func(t *testing.T) {
			err := Explain(describeNamespace(t, code))
			e, ok := errors.AsType[*picture.Error](err)
			if !ok || e.Kind != want || e.Cloud != picture.Temporal {
				t.Fatalf("%#v, want kind %s", err, want)
			}
			if row, known := explanations[code]; known != (want != unknown) || known && e.Message != row.message {
				t.Errorf("message %q", e.Message)
			}
		})
	}
	if len(explanations) != 5 {
		t.Errorf("the table has %d rows, and the test has 5", len(explanations))
	}
}

// describeNamespace returns the error of a server that refuses every call with the code.
func describeNamespace(t *testing.T, code codes.Code) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return status.Error(code, "refused") }))
	go server.Serve(l)
	t.Cleanup(server.Stop)
	c, err := client.NewLazyClient(client.Options{HostPort: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, err = c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	return err
}
