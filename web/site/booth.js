// Where a picture comes from: the camera, with shutter and countdown, or a file.
import * as camera from "./camera.js";
import { $ } from "./element.js";
import { leave } from "./journey.js";
import * as photo from "./photo.js";
import { set, state } from "./state.js";

let counting = 0, pending = null, turn = 0;

export async function openCamera(id) {
	closeCamera();
	const mine = turn; // whoever is asked to allow it may do something else first
	set({ notice: null });
	try {
		const stream = await camera.open(id), cameras = await camera.cameras();
		if (mine !== turn) return camera.close(stream);
		stream.getVideoTracks()[0].onended = () => state.stream === stream && refuse({ name: "AbortError" });
		leave();
		set({ view: "camera", stream, cameras, ...camera.traits(stream) });
		$("shoot").focus();
	} catch (error) {
		if (mine === turn) refuse(error);
	}
}

function refuse(error) {
	closeCamera();
	set({ view: state.shot ? "review" : "start", notice: camera.explain(error) });
}

export function closeCamera() {
	turn++;
	clearInterval(counting);
	camera.close(state.stream);
	Object.assign(state, { stream: null, count: 0 });
}

// shoot takes the picture when the countdown is over; pressed again meanwhile it stops the countdown.
export function shoot() {
	if (!$("preview").videoWidth) return;
	clearInterval(counting);
	const seconds = Number($("countdown").value);
	if (state.count) return set({ count: 0 });
	if (!seconds) return snap();
	set({ count: seconds });
	counting = setInterval(() => state.count > 1 ? set({ count: state.count - 1 }) : snap(), 1000);
}

function snap() {
	clearInterval(counting);
	set({ count: 0 });
	return take(() => photo.fromVideo($("preview")), true);
}

// choose keeps a file that came before the agreement until there is one.
export function choose(file) {
	if (!file || state.upload) return;
	pending = state.agreed ? null : file;
	if (pending) set({ view: "start", notice: { text: "Agree to where your picture goes first. It is kept here until then." } });
	else take(() => photo.fromFile(file), false);
}

export function choosePending() {
	const file = pending;
	choose(file);
	return file;
}

async function take(make, fromCamera) {
	try {
		const shot = await make();
		closeCamera();
		leave();
		if (location.hash) history.pushState(null, "", location.pathname);
		set({ view: "review", notice: null, shot: { ...shot, url: URL.createObjectURL(shot.blob), fromCamera } });
		$("send").focus();
	} catch (error) {
		set({ notice: { text: error.message, ...camera.choose } });
	}
}

export function retake() {
	if (state.shot.fromCamera) openCamera(state.camera);
	else $("file").click();
}
