// Package pagetest contains what the tests of the page share.
package pagetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Portrait shows one smiling face: Eileen Collins, photographed by NASA (public domain).
const Portrait = "../../emulators/vision/testdata/astronaut.jpg"

const SiteFiles = "../../web/site"

// CameraVideo returns the path of a video that shows Portrait. Chromium uses it as the camera.
func CameraVideo(t *testing.T) string {
	t.Helper()
	photo, err := os.ReadFile(Portrait)
	if err != nil {
		t.Fatal(err)
	}
	film := filepath.Join(t.TempDir(), "camera.mjpeg")
	if err := os.WriteFile(film, bytes.Repeat(photo, 10), 0o644); err != nil {
		t.Fatal(err)
	}
	return film
}

// UploadText is a script that uploads a text as if it were a picture.
const UploadText = `import("./upload.js").then(({upload}) => upload(new Blob(["this is no picture"], {type: "image/jpeg"}), {
	onGrant: ({id}) => { location.hash = id; },
	onChange() {},
	signal: new AbortController().signal,
})).then(() => true)`

// DispatchFile returns a script that drops or pastes a file. The file is a small picture, or a text file if mimeType is
// empty.
func DispatchFile(event, mimeType string) string {
	return `(async () => {
		const canvas = new OffscreenCanvas(80, 60);
		canvas.getContext("2d").fillRect(0, 0, 40, 60);
		const data = new DataTransfer();
		const type = "` + mimeType + `";
		data.items.add(new File([type ? await canvas.convertToBlob() : "text"], "a", {type}));
		dispatchEvent("` + event + `" === "drop" ? new DragEvent("drop", {dataTransfer: data, cancelable: true}) : Object.assign(new Event("paste"), {clipboardData: data}));
		return true;
	})()`
}

// RecordWorkers is a script that stores in `answers` whether the Web Workers could read their pictures.
const RecordWorkers = `window.answers = [], window.Worker = class extends Worker {
	constructor(...args) {
		super(...args);
		this.addEventListener("message", ({data}) => answers.push(data !== null));
	}
}, true`
