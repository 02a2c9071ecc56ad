package stack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"triptych/emulators/vision/annotator"
	"triptych/internal/settings"
	"triptych/internal/vision/features"
)

// For each emulated cloud, Environment removes the developer's own variables, which may contain the keys of a real
// account. It also removes OTEL_*, so that no telemetry leaves the machine.
func (s *Stack) Environment() []string {
	local := map[string]string{
		"TRIPTYCH_BUCKET":       s.Endpoints.Bucket,
		"TRIPTYCH_ERASE_SECRET": s.identity.EraseSecret,
		"TRIPTYCH_PAYLOAD_KEYS": s.identity.PayloadKeys,
	}
	dropped := []string{"TRIPTYCH_", "OTEL_"} // prefixes of names
	if !s.config.real("aws") {
		dropped = append(dropped, "AWS_")
		maps.Copy(local, map[string]string{
			"AWS_ENDPOINT_URL_S3":         s.Endpoints.S3,
			"AWS_REGION":                  region,
			"AWS_ACCESS_KEY_ID":           s.identity.AccessKey,
			"AWS_SECRET_ACCESS_KEY":       s.identity.SecretKey,
			"AWS_CONFIG_FILE":             os.DevNull,
			"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
			"AWS_EC2_METADATA_DISABLED":   "true",
		})
	}
	if s.config.real("google") {
		for _, setting := range []string{"TRIPTYCH_FEATURES", "TRIPTYCH_ANNOTATIONS_PER_SECOND", "TRIPTYCH_ANNOTATIONS_PER_DAY",
			"TRIPTYCH_VISION_ENDPOINT", "TRIPTYCH_VISION_PARENT"} {
			local[setting] = os.Getenv(setting)
		}
	} else {
		dropped = append(dropped, "GOOGLE_", "VISION_")
		local["VISION_EMULATOR_HOST"] = s.Endpoints.Vision
		local["TRIPTYCH_FEATURES"] = strings.Join(annotator.Features(), ",")
		local["TRIPTYCH_ANNOTATIONS_PER_SECOND"] = "1000"
		local["TRIPTYCH_ANNOTATIONS_PER_DAY"] = cmp.Or(os.Getenv("TRIPTYCH_ANNOTATIONS_PER_DAY"), "1000000")
	}
	if !s.config.real("azure") {
		dropped = append(dropped, "AZURE_", "COSMOS_")
		local["COSMOS_ENDPOINT"] = s.Endpoints.Cosmos
		local["COSMOS_KEY"] = s.identity.CosmosKey
	}
	if s.config.Temporal == "" {
		dropped = append(dropped, "TEMPORAL_")
		local["TEMPORAL_CONFIG_FILE"] = os.DevNull
	}
	local["TEMPORAL_ADDRESS"] = s.Endpoints.Temporal

	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.ContainsFunc(dropped, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			env = append(env, variable)
		}
	}
	for name, value := range local {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// checkSettings refuses settings of the developer with which the programs would not start.
func (s *Stack) checkSettings() error {
	env := map[string]string{}
	for _, variable := range s.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	programs := settings.Settings{Getenv: func(name string) string { return env[name] }}
	_, rateErr := programs.AnnotationsPerSecond()
	_, limitErr := programs.AnnotationsPerDay()
	_, featuresErr := features.Parse(env["TRIPTYCH_FEATURES"])
	_, bucketErr := programs.Bucket()
	return errors.Join(rateErr, limitErr, featuresErr, bucketErr)
}

func (s *Stack) workerEnvironment() ([]string, error) {
	env := s.ProgramEnvironment("worker")
	if s.config.WorkerProxy == nil {
		return env, nil
	}
	for service, endpoint := range map[string]struct{ variable, url string }{
		"s3":       {"AWS_ENDPOINT_URL_S3", s.Endpoints.S3},
		"vision":   {"VISION_EMULATOR_HOST", s.Endpoints.Vision},
		"cosmos":   {"COSMOS_ENDPOINT", s.Endpoints.Cosmos},
		"temporal": {"TEMPORAL_ADDRESS", s.Endpoints.Temporal},
	} {
		addr := strings.TrimPrefix(endpoint.url, "http://")
		scheme := strings.TrimSuffix(endpoint.url, addr)
		addr, err := s.config.WorkerProxy(service, addr)
		if err != nil {
			return nil, fmt.Errorf("starting a proxy between the worker and %s: %w", service, err)
		}
		env = append(env, endpoint.variable+"="+scheme+addr) // os/exec uses the last value of a name
	}
	return env, nil
}
