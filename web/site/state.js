// The page's state, in one object.
import { hasAgreed } from "./agreement.js";

export const state = {
	view: "start", // or "camera", "review", "picture"
	agreed: hasAgreed(),
	retentionDays: undefined, // null: pictures are stored until they are erased
	history: [], unsent: [], // entries of history.js
	notice: null, // {text, action, then, erasing}
	stream: null, muted: false, mirror: false, cameras: [], camera: "", countdown: 0, // in seconds
	videoSize: null,
	photo: null, // {blob, thumb, size, url, fromCamera, shownAt, key, tried}: the picture to upload
	id: "", // of the picture in view
	upload: null, // {loaded, total, attempt, error, nextAttemptAt, waiting}
	progress: null, problem: null, // the API's last response, and the last error ({message, status})
	imageSize: null, imageFailed: false, imageGone: false, imageUnreadable: false, imageTries: 0,
	imageArrived: false, // the image’s last request succeeded, but the browser did not show it
	overlays: { faces: true, points: true, objects: false },
};

const renderers = [];

export function addRenderer(render) {
	renderers.push(render);
}

// set changes the state and renders it.
export function set(change) {
	Object.assign(state, change);
	for (const render of renderers) render(state);
}
