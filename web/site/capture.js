// Takes or chooses a picture.
import * as camera from "./camera.js";
import { $, focusTitle } from "./dom.js";
import { t } from "./language.js";
import * as photo from "./photo.js";
import { reset } from "./session.js";
import { set, state } from "./state.js";

let timer = 0, pending = null;
let actions = 0; // counts actions, to drop the result of an earlier one
const mirrors = new Map(); // the visitor's choice for each camera

export async function openCamera(id) {
	closeCamera();
	const current = actions;
	set({ notice: null });
	try {
		const stream = await camera.open(id), cameras = await camera.cameras().catch(() => []);
		if (current !== actions) return camera.close(stream);
		const [track] = stream.getVideoTracks();
		track.onended = () => state.stream === stream && fail({ name: "AbortError" });
		track.onmute = track.onunmute = () => state.stream === stream && pause(track.muted); // for example during a call
		reset();
		addHistoryEntry();
		const settings = camera.settings(stream), isOpen = state.view === "camera";
		set({ view: "camera", stream, cameras, muted: track.muted, ...settings, mirror: mirrors.get(settings.camera) ?? settings.mirror });
		if (!isOpen) $("shoot").focus({ preventScroll: true }); // otherwise, the focus stays on the list of cameras (WCAG 3.2.2)
	} catch (error) {
		if (current === actions) fail(error);
	}
}

function fail(error) {
	const { view } = state;
	closeCamera();
	set({ view: state.photo ? "review" : "start", notice: camera.explain(error) });
	if (view !== state.view) focusTitle();
}

function pause(muted) {
	clearInterval(timer);
	set({ muted, countdown: 0 });
}

export function chooseMirror(mirror) {
	mirrors.set(state.camera, mirror);
	set({ mirror });
}

export function closeCamera() {
	actions++;
	clearInterval(timer);
	camera.close(state.stream);
	Object.assign(state, { stream: null, countdown: 0 });
}

// shoot starts or stops the countdown.
export function shoot() {
	if (!$("preview").videoWidth || state.muted) return;
	clearInterval(timer);
	const seconds = Number($("countdown").value);
	if (state.countdown) return set({ countdown: 0 });
	if (!seconds) return capture();
	set({ countdown: seconds });
	timer = setInterval(() => state.countdown > 1 ? set({ countdown: state.countdown - 1 }) : capture(), 1000);
}

function capture() {
	clearInterval(timer);
	set({ countdown: 0 });
	$("frame").classList.add("flash");
	return review(() => photo.fromVideo($("preview"), state.mirror), true);
}

export function chooseFile(file) {
	if (!file || state.upload) return;
	pending = state.agreed ? null : file;
	if (pending) set({ view: "start", notice: { text: t("First read where your picture goes, and agree. Until then, it stays on this device.") } });
	else review(() => photo.fromFile(file), false);
}

export function choosePending() {
	const file = pending;
	chooseFile(file);
	return file;
}

async function review(makePhoto, fromCamera) {
	const current = ++actions, isCurrent = () => current === actions;
	const waiting = setTimeout(() => isCurrent() && set({ notice: { text: t("Preparing the picture…") } }), 300);
	try {
		const made = await makePhoto();
		if (!isCurrent()) return;
		closeCamera();
		reset();
		addHistoryEntry();
		set({ view: "review", notice: null, photo: { ...made, url: URL.createObjectURL(made.blob), fromCamera, shownAt: fromCamera ? performance.now() : undefined } });
		$("send").focus({ preventScroll: true });
	} catch (error) {
		if (isCurrent()) set({ notice: { text: error.message, ...camera.choose() } });
	} finally {
		clearTimeout(waiting);
	}
}

// addHistoryEntry makes the Back button return to the picture in view or to the start, instead of leaving the site. A photo
// in the review is then lost. The entry before one with the state "capture" shows the start.
export function addHistoryEntry() {
	if (location.hash) history.pushState("over", "", location.pathname);
	else if (!history.state || state.view === "start" && history.state !== "capture") history.pushState("capture", "");
}

export function retake() {
	if (state.photo.fromCamera) openCamera(state.camera);
	else $("file").click();
}
