package stack

import (
	"context"
	"path/filepath"
	"strings"

	"triptych/emulators/ssm"
	"triptych/internal/loopback"
)

// writeUsers gives each program its own AWS user with the permissions that Terraform gives to its role.
func (s *Stack) writeUsers() (path string, err error) {
	var users []any
	for program, keys := range s.identity.Programs {
		users = append(users, map[string]any{"accessKey": keys.AccessKey, "secretKey": keys.SecretKey, "policy": s.permissions[program].IAM})
	}
	path = filepath.Join(s.config.Dir, "s3-users.json")
	return path, writeJSON(path, users, 0o600)
}

func (s *Stack) startSSM(ctx context.Context) error {
	s.ssm = &ssm.Server{Region: region}
	for program, keys := range s.identity.Programs {
		s.ssm.Allow(keys.AccessKey, keys.SecretKey, s.permissions[program].IAM)
	}
	return s.listenAndServe(ctx, "ssm", loopback.RefuseBrowsers(s.ssm))
}

func (s *Stack) admitPrograms() error {
	for program, keys := range s.identity.Programs {
		if err := s.Cosmos.AdmitKey(keys.CosmosKey, s.permissions[program].Cosmos...); err != nil {
			return err
		}
	}
	return nil
}

// ProgramEnvironment returns the environment of a program, with its own keys for the emulators. All other programs
// get the root keys, which no policy limits.
func (s *Stack) ProgramEnvironment(program string) []string {
	env := s.Environment()
	keys, ok := s.identity.Programs[program]
	if ok && !s.config.real("aws") {
		env = append(env, "AWS_ACCESS_KEY_ID="+keys.AccessKey, "AWS_SECRET_ACCESS_KEY="+keys.SecretKey)
	}
	if ok && !s.config.real("azure") {
		env = append(env, "COSMOS_KEY="+keys.CosmosKey)
	}
	if ok && s.config.OTLP { // not for Temporal's server, which reads the same variables
		env = append(env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+s.Endpoints.Traces+"/v1/traces", "OTEL_BSP_SCHEDULE_DELAY=500")
	}
	if ok {
		env = append(env, s.config.ProgramEnv...)
	}
	return env // os/exec uses the last value of a name
}

// Publish moves the settings of a program from its environment to SSM, where a deployed program finds them.
func (s *Stack) Publish(program string, env []string) []string {
	if s.ssm == nil {
		return env
	}
	own, shared := "/triptych/"+program+"/local", "/triptych/shared"
	left := []string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		switch prefix, _, _ := strings.Cut(name, "_"); {
		case name == "TRIPTYCH_PAYLOAD_KEYS":
			s.ssm.Put(shared+"/"+name, value)
		case prefix == "TRIPTYCH" || prefix == "TEMPORAL" || prefix == "COSMOS":
			s.ssm.Put(own+"/"+name, value)
		default:
			left = append(left, variable)
		}
	}
	return append(left, "TRIPTYCH_SSM_PATH="+own+","+shared, "AWS_ENDPOINT_URL_SSM=http://"+s.identity.addr("ssm"))
}
