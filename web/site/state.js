// Everything the page knows, in one object. set changes it and has it drawn.
import * as album from "./album.js";

export const state = {
	view: "start", // or "camera", "review", "journey"
	agreed: album.hasAgreed(),
	retentionDays: undefined, // null: kept until erased
	history: album.load(), // [{id, token, taken, thumb, erasing}]
	notice: null, // {text, action, then}
	stream: null, mirror: false, cameras: [], camera: "", count: 0, // of the open camera; seconds until it is shot
	shot: null, // {blob, thumb, size, url, fromCamera}: the picture, before it is sent and while it can be seen
	id: "", // of the picture that is followed
	upload: null, // {loaded, total, attempt, error, nextAttemptAt}
	progress: null, trouble: null, // what the site tells of it, or why it cannot
	size: null, unshowable: false, // of the picture as it is shown
	shown: { faces: true, points: true, objects: false },
};

const drawings = [];

export function drawWith(render) {
	drawings.push(render);
}

export function set(change) {
	Object.assign(state, change);
	for (const draw of drawings) draw(state);
}
