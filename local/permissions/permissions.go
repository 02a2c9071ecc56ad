// Package permissions contains what Terraform permits each program to do. The emulators of S3, SSM and Cosmos DB
// enforce it.
package permissions

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"triptych/emulators/cosmos/cosmosdb"
)

// policies.json is generated from the Terraform plan: go test ./terraform -run TestLocalPermissions -update
//
//go:embed policies.json
var policies []byte

// Program contains the permissions of one program.
type Program struct {
	IAM    json.RawMessage `json:"iam"` // policy of its AWS role
	Cosmos []cosmosdb.Role `json:"cosmos,omitempty"`
}

const (
	plannedBucket = "triptych-pictures-123456789012-eu-central-1"

	// BackfillBucket is the planned bucket that the worker may list and read but not change.
	BackfillBucket = "triptych-backfill"
)

// Load returns the permissions by program. The policies name `bucket` instead of the planned bucket of the pictures.
func Load(bucket string) (map[string]Program, error) {
	var programs map[string]Program
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(policies), plannedBucket, bucket)), &programs); err != nil {
		return nil, fmt.Errorf("reading the planned permissions: %w", err)
	}
	return programs, nil
}
