package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	iam "github.com/versity/versitygw/iamapi/policy"
	iamtypes "github.com/versity/versitygw/iamapi/types"
	"github.com/versity/versitygw/s3response"
)

// user may do only what its IAM policy allows. The root user may do everything.
type user struct {
	AccessKey string          `json:"accessKey"`
	SecretKey string          `json:"secretKey"`
	Policy    json.RawMessage `json:"policy"`
}

// users implements versitygw's auth.PolicyEvaluator, which evaluates the policy for each request.
type users struct {
	auth.IAMService // knows no users except root
	byAccessKey     map[string]user
}

func openUsers(path string, root auth.Account) (users, error) {
	u := users{auth.NewIAMServiceSingle(root), map[string]user{}}
	if path == "" {
		return u, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return u, fmt.Errorf("reading -users: %w", err)
	}
	var list []user
	if err := json.Unmarshal(content, &list); err != nil {
		return u, fmt.Errorf("decoding %s: %w", path, err)
	}
	for _, one := range list {
		if err := iam.Parse(string(one.Policy)); err != nil {
			return u, fmt.Errorf("reading the policy of user %s in %s: %w", one.AccessKey, path, err)
		}
		u.byAccessKey[one.AccessKey] = one
	}
	return u, nil
}

func (u users) GetUserAccount(accessKey string) (auth.Account, error) {
	if one, ok := u.byAccessKey[accessKey]; ok {
		return auth.Account{Access: one.AccessKey, Secret: one.SecretKey, Role: auth.RoleUser}, nil
	}
	account, err := u.IAMService.GetUserAccount(accessKey)
	if err != nil {
		return account, auth.ErrNoSuchUser // becomes InvalidAccessKeyId, as in AWS
	}
	return account, nil
}

func (u users) EvaluatePolicy(accessKey, _ string, actions []auth.Action, resources []string, condition map[string][]string) (auth.PolicyEvaluation, error) {
	var result auth.PolicyEvaluation
	for i, resource := range resources {
		result.Decisions = append(result.Decisions, nil)
		for _, action := range actions {
			// versitygw's type for decisions is private, and only constants can be converted to it.
			switch u.decide(accessKey, string(action), resource, condition) {
			case iam.DecisionAllow:
				result.Decisions[i] = append(result.Decisions[i], 1)
			case iam.DecisionDeny:
				result.Decisions[i] = append(result.Decisions[i], 2)
			default:
				result.Decisions[i] = append(result.Decisions[i], 0)
			}
		}
	}
	return result, nil
}

func (u users) decide(accessKey, action, resource string, condition map[string][]string) iam.Decision {
	policies := []iamtypes.PolicyEntry{{PolicyDocument: string(u.byAccessKey[accessKey].Policy)}}
	return iam.EvaluateIdentityPolicies(policies, iam.RequestContext{Action: action, Resource: resource, Condition: condition})
}

// privateBackend does not reveal to callers that may not list the bucket that an object is missing.
type privateBackend struct {
	backend.Backend
	users users
}

func hide[Out any](ctx context.Context, b *privateBackend, bucket string, out *Out, err error) (*Out, error) {
	account, _ := ctx.Value("account").(auth.Account)
	if account.Role != auth.RoleUser || b.users.decide(account.Access, "s3:ListBucket", "arn:aws:s3:::"+bucket, nil) == iam.DecisionAllow {
		return out, err
	}
	return hideNotFound(out, err)
}

func (b *privateBackend) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	out, err := b.Backend.GetObject(ctx, in)
	out, err = hide(ctx, b, *in.Bucket, out, err)
	if err != nil && out != nil {
		setVersion(ctx, out.VersionId)
	}
	return out, err
}

func (b *privateBackend) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	out, err := b.Backend.HeadObject(ctx, in)
	out, err = hide(ctx, b, *in.Bucket, out, err)
	if err != nil && out != nil {
		setVersion(ctx, out.VersionId)
	}
	return out, err
}

func (b *privateBackend) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := b.Backend.CopyObject(ctx, in)
	return out, b.hideSource(ctx, in.CopySource, err)
}

func (b *privateBackend) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	out, err := b.Backend.UploadPartCopy(ctx, in)
	return out, b.hideSource(ctx, in.CopySource, err)
}

func (b *privateBackend) hideSource(ctx context.Context, source *string, err error) error {
	bucket, _, _, parseErr := backend.ParseCopySource(*source)
	if parseErr != nil || hasCode(err, "NoSuchUpload") {
		return err
	}
	_, err = hide(ctx, b, bucket, &bucket, err)
	return err
}
