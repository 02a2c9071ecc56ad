package stack

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"triptych/emulators/vision/annotator"
)

// foreign is what must not leak from the developer's own shell into the local pipeline, by cloud: one
// variable of a real account would send a local part there.
var foreign = map[string][]string{
	"aws":      {"AWS_"},
	"google":   {"GOOGLE_", "VISION_"},
	"azure":    {"AZURE_", "COSMOS_"},
	"temporal": {"TEMPORAL_"},
	"ours":     {"TRIPTYCH_"},
}

// environment is what the product's programs see: the developer's own, but for the clouds that are local.
func (s *Stack) environment() []string {
	local := map[string]string{
		"TRIPTYCH_BUCKET":       s.Endpoints.Bucket,
		"TRIPTYCH_ERASE_SECRET": s.identity.EraseSecret,
	}
	drop := foreign["ours"]
	if !s.config.real("aws") {
		drop = append(drop, foreign["aws"]...)
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
		for _, setting := range []string{"TRIPTYCH_FEATURES", "TRIPTYCH_ANNOTATIONS_PER_SECOND", "TRIPTYCH_VISION_ENDPOINT"} {
			local[setting] = os.Getenv(setting)
		}
	} else {
		drop = append(drop, foreign["google"]...)
		local["VISION_EMULATOR_HOST"] = s.Endpoints.Vision
		local["TRIPTYCH_FEATURES"] = strings.Join(annotator.Features(), ",")
		local["TRIPTYCH_ANNOTATIONS_PER_SECOND"] = "1000"
	}
	if !s.config.real("azure") {
		drop = append(drop, foreign["azure"]...)
		local["COSMOS_ENDPOINT"] = s.Endpoints.Cosmos
		local["COSMOS_KEY"] = s.identity.CosmosKey
	}
	if s.config.Temporal == "" {
		drop = append(drop, foreign["temporal"]...)
		local["TEMPORAL_CONFIG_FILE"] = os.DevNull
	}
	local["TEMPORAL_ADDRESS"] = s.Endpoints.Temporal

	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.ContainsFunc(drop, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			env = append(env, variable)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(local)) {
		if local[name] != "" {
			env = append(env, name+"="+local[name])
		}
	}
	return env
}

// workerEnvironment is the environment, with what was put between the worker and the parts.
func (s *Stack) workerEnvironment() ([]string, error) {
	env := s.environment()
	if s.config.Between == nil {
		return env, nil
	}
	e := s.Endpoints
	for part, variable := range map[string]string{"s3": "AWS_ENDPOINT_URL_S3", "vision": "VISION_EMULATOR_HOST",
		"cosmos": "COSMOS_ENDPOINT", "temporal": "TEMPORAL_ADDRESS"} {
		at := map[string]string{"s3": e.S3, "vision": e.Vision, "cosmos": e.Cosmos, "temporal": e.Temporal}[part]
		addr := strings.TrimPrefix(at, "http://")
		scheme := strings.TrimSuffix(at, addr)
		addr, err := s.config.Between(part, addr)
		if err != nil {
			return nil, fmt.Errorf("putting something between the worker and %s: %w", part, err)
		}
		env = append(env, variable+"="+scheme+addr) // the last of a name counts
	}
	return env, nil
}
