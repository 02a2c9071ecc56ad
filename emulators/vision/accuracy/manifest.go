package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"triptych/emulators/vision/objects"
)

// photograph is a row of photographs.csv.
type photograph struct {
	source         // of the file
	file    string // in the package
	sha256  string // of the file
	licence string // of the package
	change  string // a key of changes, or empty
	faces   []face
	present []string // object classes, sorted
	unclear []string // object classes that are neither missed nor false, for example because one is hardly visible
}

func (p photograph) String() string {
	return strings.TrimSpace(p.name + " " + p.file + " " + p.change)
}

// source is a package.
type source struct{ registry, name, version string }

// face is a face that a person sees in the photograph.
type face struct {
	box
	tags []string
}

// Tags of a face. Each face is frontal, turned, in profile or unclear.
const (
	frontal = "frontal"
	turned  = "turned"  // both eyes are visible, but the nose points past the camera
	profile = "profile" // the far eye is hidden, or nearly
	glasses = "glasses" // or sunglasses
	unclear = "unclear" // neither missed nor false: very small, hidden, blurred or painted
)

// box is in thousandths of the width and height of the photograph that is sent.
type box struct{ left, top, right, bottom float64 }

var columns = []string{"registry", "package", "version", "file", "sha256", "licence", "change", "faces", "objects"}

func readManifest(from io.Reader) ([]photograph, error) {
	rows, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return nil, fmt.Errorf("reading the manifest: the columns must be %q", columns)
	}
	var all []photograph
	for i, row := range rows[1:] {
		p, err := readRow(row)
		if err != nil {
			return nil, fmt.Errorf("reading line %d of the manifest: %w", i+2, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func readRow(row []string) (photograph, error) {
	p := photograph{source: source{row[0], row[1], row[2]}, file: row[3], sha256: row[4], licence: row[5], change: row[6]}
	if _, ok := download[p.registry]; !ok || p.version == "" || p.file == "" || len(p.sha256) != 64 || p.licence == "" {
		return p, fmt.Errorf("%q has an unknown registry, no version, no file, no SHA-256 or no licence", row)
	}
	if _, ok := changes[p.change]; !ok && p.change != "" {
		return p, fmt.Errorf("the change %q is unknown", p.change)
	}
	for _, text := range split(row[7]) {
		f, err := readFace(text)
		if err != nil {
			return p, err
		}
		p.faces = append(p.faces, f)
	}
	for _, name := range split(row[8]) {
		name, unclear := strings.CutSuffix(name, "?")
		if !slices.Contains(objects.Names(), name) {
			return p, fmt.Errorf("the object class %q is unknown", name)
		}
		if unclear {
			p.unclear = append(p.unclear, name)
		} else {
			p.present = append(p.present, name)
		}
	}
	return p, nil
}

// readFace reads, for example, "320 100 480 390 frontal glasses": left, top, right, bottom and tags.
func readFace(text string) (face, error) {
	fields := strings.Fields(text)
	if len(fields) < 5 {
		return face{}, fmt.Errorf("the face %q needs four numbers and a tag", text)
	}
	var sides [4]float64
	for i := range sides {
		side, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || side < 0 || side > 1000 {
			return face{}, fmt.Errorf("the face %q has a side that is not between 0 and 1000", text)
		}
		sides[i] = side
	}
	f := face{box{sides[0], sides[1], sides[2], sides[3]}, fields[4:]}
	if f.left >= f.right || f.top >= f.bottom {
		return face{}, fmt.Errorf("the face %q has no area", text)
	}
	for _, tag := range f.tags {
		if !slices.Contains([]string{frontal, turned, profile, glasses, unclear}, tag) {
			return face{}, fmt.Errorf("the tag %q of a face is unknown", tag)
		}
	}
	return f, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ';' })
}
