// Package features parses the list of Cloud Vision features. It does not import the client of Cloud Vision, which would delay the first
// build of local.
package features

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Google charges for each feature separately.
const Default = "LABEL_DETECTION,FACE_DETECTION,LANDMARK_DETECTION,LOGO_DETECTION,IMAGE_PROPERTIES,OBJECT_LOCALIZATION,SAFE_SEARCH_DETECTION"

// Parse parses a list such as "LABEL_DETECTION,FACE_DETECTION". An empty list means Default.
func Parse(list string) ([]*visionpb.Feature, error) {
	var parsed []*visionpb.Feature
	for name := range strings.SplitSeq(cmp.Or(list, Default), ",") {
		name = strings.TrimSpace(name)
		value := visionpb.Feature_Type_value[name]
		if value == 0 {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %q is not a feature of Cloud Vision; the default is %s", name, Default)
		}
		if slices.ContainsFunc(parsed, func(f *visionpb.Feature) bool { return f.Type == visionpb.Feature_Type(value) }) {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %s is listed twice; list it once", name)
		}
		parsed = append(parsed, &visionpb.Feature{Type: visionpb.Feature_Type(value)})
	}
	return parsed, nil
}
