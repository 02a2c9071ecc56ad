package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.temporal.io/sdk/client"

	"triptych/internal/settings"
)

func TestReadConfig(t *testing.T) {
	valid := map[string]string{
		"TRIPTYCH_BUCKET": "pictures", "COSMOS_ENDPOINT": "https://name.documents.azure.com", "COSMOS_KEY": "key",
		"TRIPTYCH_PAYLOAD_KEYS":           "1:key",
		"TRIPTYCH_ANNOTATIONS_PER_SECOND": "0.1",
	}
	readIn := func(region string, env map[string]string) (config, error) {
		return readConfig(settings.Settings{
			Getenv:   func(name string) string { return env[name] },
			Temporal: client.Options{HostPort: "temporal:7233"}, AWS: aws.Config{Region: region},
		})
	}
	read := func(env map[string]string) (config, error) { return readIn("eu-central-1", env) }
	with := func(name, value string) map[string]string {
		env := maps.Clone(valid)
		env[name] = value
		return env
	}
	t.Run("valid_settings_are_returned", func(t *testing.T) {
		c, err := read(valid)
		if err != nil {
			t.Fatal(err)
		}
		if c.bucket != "pictures" || c.records.Endpoint != valid["COSMOS_ENDPOINT"] || c.records.Key != "key" || c.Getenv("TRIPTYCH_PAYLOAD_KEYS") != "1:key" ||
			c.Temporal.HostPort != "temporal:7233" || c.AWS.Region != "eu-central-1" || len(c.features) == 0 {
			t.Errorf("the configuration is %+v", c)
		}
	})
	t.Run("missing_settings_are_all_named", func(t *testing.T) {
		_, err := read(nil)
		for _, name := range []string{"TRIPTYCH_BUCKET", "COSMOS_ENDPOINT", "TRIPTYCH_PAYLOAD_KEYS", "TRIPTYCH_ANNOTATIONS_PER_SECOND"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error %v does not name %s", err, name)
			}
		}
	})
	t.Run("missing_region_is_refused", func(t *testing.T) {
		if _, err := readIn("", valid); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("region_with_a_space_is_refused", func(t *testing.T) {
		if _, err := readIn("eu-central-1 ", valid); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("ARN_of_a_bucket_is_refused", func(t *testing.T) {
		if _, err := read(with("TRIPTYCH_BUCKET", "arn:aws:s3:::pictures")); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_BUCKET") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("unknown_feature_is_refused", func(t *testing.T) {
		if _, err := read(with("TRIPTYCH_FEATURES", "NO_SUCH_FEATURE")); err == nil || !strings.Contains(err.Error(), "NO_SUCH_FEATURE") {
			t.Errorf("the error %v does not name the feature", err)
		}
	})
	for setting, want := range map[string]float64{"0.1": 0.1, "0.5": 0.5, "30": 30, "1e2": 100} {
		t.Run("annotations_per_second_"+setting+"_is_accepted", func(t *testing.T) {
			if c, err := read(with("TRIPTYCH_ANNOTATIONS_PER_SECOND", setting)); err != nil || c.annotationsPerSecond != want {
				t.Errorf("%v, %v, want %v", c.annotationsPerSecond, err, want)
			}
		})
	}
	for _, setting := range []string{"", "0", "-1", "NaN", "many", "30/s", " 30"} {
		t.Run("annotations_per_second_"+setting+"_is_refused", func(t *testing.T) {
			if c, err := read(with("TRIPTYCH_ANNOTATIONS_PER_SECOND", setting)); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_ANNOTATIONS_PER_SECOND") {
				t.Errorf("%v, %v, want an error that names the setting", c.annotationsPerSecond, err)
			}
		})
	}
}
