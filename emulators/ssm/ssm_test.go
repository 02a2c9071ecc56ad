package ssm

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

func TestGetParametersByPath(t *testing.T) {
	store := &Server{Region: "eu-central-1"}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	store.Allow("KEY", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ssm:GetParametersByPath","Resource":"arn:aws:ssm:eu-central-1:123456789012:parameter/a/*"},
		{"Effect":"Deny","Action":"ssm:*","Resource":"arn:aws:ssm:eu-central-1:123456789012:parameter/a/denied"}]}`))
	want := map[string]string{}
	for i := range 25 {
		name := fmt.Sprintf("/a/b/NAME_%02d", i)
		want[name] = fmt.Sprint(i)
		store.Put(name, want[name])
	}
	store.Put("/a/b/deeper/NAME", "not included")
	store.Put("/a/bc/NAME", "not included")
	store.Put("/a/denied/NAME", "denied")
	read := func(t *testing.T, accessKey, path string) (map[string]string, int, error) {
		c := ssm.New(ssm.Options{Region: "eu-central-1", BaseEndpoint: &server.URL,
			Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", "")})
		pages, found, n := ssm.NewGetParametersByPathPaginator(c, &ssm.GetParametersByPathInput{Path: &path}), map[string]string{}, 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				return nil, n, err
			}
			n++
			for _, p := range page.Parameters {
				found[aws.ToString(p.Name)] = aws.ToString(p.Value)
			}
		}
		return found, n, nil
	}
	t.Run("all_parameters_of_a_path_are_returned_in_pages_of_ten", func(t *testing.T) {
		if found, pages, err := read(t, "KEY", "/a/b/"); err != nil || pages != 3 || !maps.Equal(found, want) {
			t.Errorf("%d pages of %v, %v", pages, found, err)
		}
	})
	for name, c := range map[string]struct{ accessKey, path string }{
		"path_without_permission_is_refused":         {"KEY", "/other"},
		"path_with_an_explicit_Deny_is_refused":      {"KEY", "/a/denied"},
		"access_key_without_a_policy_is_refused":     {"OTHER", "/a/b"},
		"prefix_of_a_permitted_path_is_also_refused": {"KEY", "/a"},
	} {
		t.Run(name, func(t *testing.T) {
			if found, _, err := read(t, c.accessKey, c.path); err == nil {
				t.Errorf("found %v", found)
			}
		})
	}
}
