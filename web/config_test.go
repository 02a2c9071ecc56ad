package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"triptych/internal/records"
	"triptych/internal/settings"
)

func TestReadConfig(t *testing.T) {
	valid := map[string]string{
		"TRIPTYCH_BUCKET": "pictures", "TRIPTYCH_ERASE_SECRET": strings.Repeat("s", 32),
		"COSMOS_ENDPOINT": "https://name.documents.azure.com", "COSMOS_KEY": "key",
		"TRIPTYCH_PAYLOAD_KEYS": payloadKeys,
	}
	with := func(name, value string) func(string) string {
		env := maps.Clone(valid)
		env[name] = value
		return func(name string) string { return env[name] }
	}
	in := func(getenv func(string) string) settings.Settings {
		return settings.Settings{Getenv: getenv, AWS: aws.Config{Region: "eu-central-1"}}
	}
	t.Run("valid_settings_are_returned", func(t *testing.T) {
		s := in(with("TRIPTYCH_BUCKET", "pictures"))
		c, err := readConfig(s)
		cosmos := records.ConfigFrom(s.Getenv, s.AWS)
		if err != nil || c.bucket != "pictures" || len(c.eraseSecret) != 32 || cosmos.Endpoint != valid["COSMOS_ENDPOINT"] || cosmos.Key != "key" {
			t.Errorf("%+v, %v, %+v", c, err, cosmos)
		}
	})
	t.Run("missing_settings_are_all_named", func(t *testing.T) {
		_, err := readConfig(settings.Settings{Getenv: func(string) string { return "" }})
		for _, name := range []string{"TRIPTYCH_BUCKET", "TRIPTYCH_ERASE_SECRET", "TRIPTYCH_PAYLOAD_KEYS", "COSMOS_ENDPOINT"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error %v does not name %s", err, name)
			}
		}
	})
	for name, s := range map[string]settings.Settings{
		"AWS_REGION":      {Getenv: with("", ""), AWS: aws.Config{Region: "eu_central_1"}},
		"TRIPTYCH_BUCKET": in(with("TRIPTYCH_BUCKET", "s3://pictures")),
	} {
		t.Run("wrong_"+name+"_is_refused", func(t *testing.T) {
			if _, err := readConfig(s); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("short_erase_secret_is_refused_and_not_printed", func(t *testing.T) {
		short := strings.Repeat("x", 31)
		_, err := readConfig(in(with("TRIPTYCH_ERASE_SECRET", short)))
		if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_ERASE_SECRET") || strings.Contains(err.Error(), short) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("without_retention_pictures_are_stored_until_erased", func(t *testing.T) {
		if c, err := readConfig(in(with("TRIPTYCH_RETENTION_DAYS", ""))); err != nil || c.retentionDays != nil {
			t.Errorf("%v, %v", c.retentionDays, err)
		}
	})
	for setting, want := range map[string]int{"1": 1, "30": 30} {
		t.Run("retention_of_"+setting+"_days_is_accepted", func(t *testing.T) {
			if c, err := readConfig(in(with("TRIPTYCH_RETENTION_DAYS", setting))); err != nil || c.retentionDays == nil || *c.retentionDays != want {
				t.Errorf("%v, %v", c.retentionDays, err)
			}
		})
	}
	for _, setting := range []string{"0", "-1", "1.5", "30d", " 30", "forever", "99999999999999999999"} {
		t.Run("retention_of_"+setting+"_days_is_refused", func(t *testing.T) {
			if c, err := readConfig(in(with("TRIPTYCH_RETENTION_DAYS", setting))); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_RETENTION_DAYS") {
				t.Errorf("read as %v, %v", c.retentionDays, err)
			}
		})
	}
}
