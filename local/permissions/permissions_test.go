package permissions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"triptych/e2e/s3test"
	"triptych/emulators/ssm"
	"triptych/internal/objects"
	"triptych/picture"
)

// notEvaluated lists the services whose permissions no emulator evaluates, and why.
var notEvaluated = map[string]string{
	"logs": "the programs write to files",
	"sqs":  "the Lambda emulator keeps dead letters itself",
	"sts":  "the programs sign in to the local Cosmos DB with keys",
}

type statement struct {
	Sid, Effect      string
	Action, Resource any // a string or a list
	Condition        any `json:",omitempty"`
}

type policy struct {
	Version   string
	Statement []statement
}

// permission is an action that a statement of a program's policy allows.
type permission struct{ program, sid, action string }

func (p permission) accessKey() string {
	return "KEY" + strings.ToUpper(p.program+p.sid+strings.TrimPrefix(p.action, "s3:"))
}

func list(v any) []string {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	var all []string
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return all
}

func loadPolicies() (map[string]policy, map[string]Program, error) {
	programs, err := Load(s3test.Bucket)
	if err != nil {
		return nil, nil, err
	}
	policies := map[string]policy{}
	for name, program := range programs {
		var p policy
		if err := json.Unmarshal(program.IAM, &p); err != nil {
			return nil, nil, err
		}
		policies[name] = p
	}
	return policies, programs, nil
}

// without returns the policy without one permission.
func (p policy) without(removed permission) policy {
	changed := policy{Version: p.Version}
	for _, s := range p.Statement {
		actions := list(s.Action)
		if s.Sid == removed.sid {
			actions = slices.DeleteFunc(actions, func(action string) bool { return action == removed.action })
		}
		if s.Action = actions; len(actions) > 0 {
			changed.Statement = append(changed.Statement, s)
		}
	}
	return changed
}

func s3Permissions(policies map[string]policy) []permission { return permissionsOf(policies, "s3:") }

func permissionsOf(policies map[string]policy, service string) (found []permission) {
	for program, p := range policies {
		for _, s := range p.Statement {
			for _, action := range list(s.Action) {
				if strings.HasPrefix(action, service) {
					found = append(found, permission{program, s.Sid, action})
				}
			}
		}
	}
	return found
}

var gateway s3test.Gateway

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts an S3 emulator with one user for each program, and one for each permission, who lacks it.
func run(m *testing.M) (int, error) {
	policies, _, err := loadPolicies()
	if err != nil {
		return 0, err
	}
	var users []any
	add := func(removed permission) {
		users = append(users, map[string]any{"accessKey": removed.accessKey(), "secretKey": "secret", "policy": policies[removed.program].without(removed)})
	}
	for program := range policies {
		add(permission{program: program})
	}
	for _, removed := range s3Permissions(policies) {
		add(removed)
	}
	content, err := json.Marshal(users)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "triptych-users-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	gateway.Users = filepath.Join(dir, "users.json")
	if err := os.WriteFile(gateway.Users, content, 0o600); err != nil {
		return 0, err
	}
	return s3test.Run(&gateway, m.Run)
}

func client(accessKey, secretKey string) *s3.Client {
	return objects.Open(aws.Config{Region: s3test.Region, BaseEndpoint: &gateway.URL,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")})
}

// put returns the version of a new object, which the operator creates.
func put(t *testing.T, bucket, key string) string {
	t.Helper()
	out, err := client(s3test.AccessKey, s3test.SecretKey).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// calls contains a function for each action, which makes the call that needs the action.
var calls = map[string]func(ctx context.Context, c *s3.Client, bucket, key, version string) error{
	"s3:PutObject": func(ctx context.Context, c *s3.Client, bucket, key, _ string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
		return err
	},
	"s3:GetObject": func(ctx context.Context, c *s3.Client, bucket, key, _ string) error {
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		return err
	},
	"s3:GetObjectVersion": func(ctx context.Context, c *s3.Client, bucket, key, version string) error {
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: &version})
		return err
	},
	"s3:DeleteObject": func(ctx context.Context, c *s3.Client, bucket, key, _ string) error {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		return err
	},
	"s3:DeleteObjectVersion": func(ctx context.Context, c *s3.Client, bucket, key, version string) error {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: &version})
		return err
	},
	"s3:ListBucket": func(ctx context.Context, c *s3.Client, bucket, _, _ string) error {
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		return err
	},
	"s3:ListBucketVersions": func(ctx context.Context, c *s3.Client, bucket, _, _ string) error {
		_, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket})
		return err
	},
}

func refused(err error) bool {
	return objects.Code(err) == "AccessDenied"
}

func TestS3(t *testing.T) {
	policies, _, err := loadPolicies()
	if err != nil {
		t.Fatal(err)
	}
	backfill := BackfillBucket
	if _, err := client(s3test.AccessKey, s3test.SecretKey).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &backfill}); err != nil {
		t.Fatal(err)
	}
	places := map[string]struct{ bucket, key string }{
		"a_picture":                        {s3test.Bucket, picture.Prefix + "permissions"},
		"an_object_beside_the_pictures":    {s3test.Bucket, "other/permissions"},
		"an_object_of_the_backfill_bucket": {backfill, "permissions"},
	}
	// Programs have exactly these rights.
	allowed := map[string]map[string][]string{
		"web": {"a_picture": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}},
		"worker": {
			"a_picture":                        {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"},
			"an_object_beside_the_pictures":    {"s3:ListBucket", "s3:ListBucketVersions"},
			"an_object_of_the_backfill_bucket": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"},
		},
	}
	for program := range policies {
		for name, place := range places {
			for action, call := range calls {
				t.Run(fmt.Sprintf("%s_calling_%s_on_%s", program, strings.TrimPrefix(action, "s3:"), name), func(t *testing.T) {
					want := slices.Contains(allowed[program][name], action)
					version := put(t, place.bucket, place.key)
					err := call(t.Context(), client(permission{program: program}.accessKey(), "secret"), place.bucket, place.key, version)
					if want && err != nil || !want && !refused(err) {
						t.Errorf("the error is %v, want success: %t", err, want)
					}
				})
			}
		}
	}
	for _, removed := range s3Permissions(policies) {
		t.Run(fmt.Sprintf("%s_without_%s_in_%s_is_refused", removed.program, strings.TrimPrefix(removed.action, "s3:"), removed.sid), func(t *testing.T) {
			place := places["a_picture"]
			if strings.Contains(removed.sid, "Backfill") {
				place = places["an_object_of_the_backfill_bucket"]
			}
			version := put(t, place.bucket, place.key)
			if err := calls[removed.action](t.Context(), client(removed.accessKey(), "secret"), place.bucket, place.key, version); !refused(err) {
				t.Errorf("the error is %v, want AccessDenied", err)
			}
		})
	}
	for program, code := range map[string]string{"worker": "NoSuchKey", "web": "AccessDenied"} { // web may not list
		t.Run("missing_object_is_"+code+"_for_"+program, func(t *testing.T) {
			err := calls["s3:GetObject"](t.Context(), client(permission{program: program}.accessKey(), "secret"), s3test.Bucket, picture.Prefix+"missing", "")
			if response, ok := errors.AsType[smithy.APIError](err); !ok || response.ErrorCode() != code {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("unknown_access_key_is_refused", func(t *testing.T) {
		err := calls["s3:GetObject"](t.Context(), client("UNKNOWN", "secret"), s3test.Bucket, picture.Prefix+"missing", "")
		if objects.Code(err) != "InvalidAccessKeyId" {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestSSM(t *testing.T) {
	policies, programs, err := loadPolicies()
	if err != nil {
		t.Fatal(err)
	}
	store := &ssm.Server{Region: s3test.Region}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	for program, p := range programs {
		store.Put("/triptych/"+program+"/NAME", "value")
		store.Allow(permission{program: program}.accessKey(), "secret", p.IAM)
	}
	store.Put("/triptych/shared/NAME", "value")
	read := func(accessKey, path string) error {
		c := awsssm.NewFromConfig(aws.Config{Region: s3test.Region, BaseEndpoint: &server.URL,
			Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", "")})
		page, err := c.GetParametersByPath(t.Context(), &awsssm.GetParametersByPathInput{Path: &path, WithDecryption: aws.Bool(true)})
		if err == nil && len(page.Parameters) != 1 {
			err = fmt.Errorf("%s has %d parameters", path, len(page.Parameters))
		}
		return err
	}
	denied := func(err error) bool {
		response, ok := errors.AsType[smithy.APIError](err)
		return ok && response.ErrorCode() == "AccessDeniedException"
	}
	for program := range programs {
		for _, owner := range []string{"trigger", "web", "worker", "shared"} {
			t.Run(fmt.Sprintf("%s_and_the_settings_of_%s", program, owner), func(t *testing.T) {
				err := read(permission{program: program}.accessKey(), "/triptych/"+owner)
				if want := owner == program || owner == "shared"; want && err != nil || !want && !denied(err) {
					t.Errorf("the error is %v, want success: %t", err, want)
				}
			})
		}
	}
	for _, removed := range permissionsOf(policies, "ssm:") {
		t.Run(removed.program+"_without_GetParametersByPath_is_refused", func(t *testing.T) {
			changed, err := json.Marshal(policies[removed.program].without(removed))
			if err != nil {
				t.Fatal(err)
			}
			store.Allow("LESS", "secret", changed)
			for _, owner := range []string{removed.program, "shared"} {
				if err := read("LESS", "/triptych/"+owner); !denied(err) {
					t.Errorf("the error is %v, want AccessDeniedException", err)
				}
			}
		})
	}
}

func TestEveryPermissionIsEvaluatedOrListed(t *testing.T) {
	policies, _, err := loadPolicies()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for program, p := range policies {
		for _, s := range p.Statement {
			for _, action := range list(s.Action) {
				service, _, _ := strings.Cut(action, ":")
				if _, known := notEvaluated[service]; known {
					listed[service] = true
				} else if calls[action] == nil && action != "ssm:GetParametersByPath" {
					t.Errorf("no call of this test needs %s, which %s has", action, program)
				}
			}
		}
	}
	if want := slices.Sorted(maps.Keys(notEvaluated)); !reflect.DeepEqual(slices.Sorted(maps.Keys(listed)), want) {
		t.Errorf("the policies contain %v of %v", listed, want)
	}
}
