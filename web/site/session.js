// Uploads, follows and erases pictures.
import { erase } from "./api.js";
import { $ } from "./dom.js";
import * as pictures from "./history.js";
import { watch } from "./progress.js";
import { set, state } from "./state.js";
import { upload } from "./upload.js";

let stopWatching = () => {}, sending = null;

export const isSending = () => sending;
export const cancel = () => sending?.abort("cancelled");

export async function send() {
	const { photo } = state, controller = new AbortController();
	let entry;
	sending = controller;
	set({ view: "picture", notice: null, upload: { loaded: 0, total: photo.blob.size } });
	$("title").focus();
	try {
		await upload(photo.blob, {
			signal: controller.signal,
			onGrant: ({ id, eraseToken: token }) => {
				if (entry) eraseAll([entry]);
				entry = { id, token, taken: new Date().toISOString(), thumb: photo.thumb };
				history.replaceState(null, "", "#" + id);
				follow(id);
				set({ id, history: pictures.add(entry) });
			},
			onChange: (progress) => sending === controller && set({ upload: progress }),
		});
		if (sending === controller) set({ upload: null });
	} catch (error) {
		if (controller.signal.reason === "arrived") return;
		if (entry) eraseAll([entry]); // S3 may have stored the picture before the error
		if (controller.signal.reason === "left") return;
		stopWatching();
		history.replaceState(null, "", location.pathname);
		const text = controller.signal.aborted ? "Cancelled. If it has arrived already, it is being erased." : error.message;
		set({ view: "review", id: "", upload: null, progress: null, problem: null, notice: { text } });
		$("send").focus();
	} finally {
		if (sending === controller) sending = null;
	}
}

export function follow(id) {
	stopWatching();
	stopWatching = watch(id, (progress) => {
		if (progress.status !== "waiting" && sending) { // the workflow started before S3's response to the upload arrived
			sending.abort("arrived");
			sending = state.upload = null;
		}
		// After a change of the status, the page tries to load a failed image again.
		set({ progress, imageFailed: state.imageFailed && state.progress?.status === progress.status });
	}, (problem) => set({ problem }));
}

// Entries stay in localStorage until their pictures are erased, so that a reload can continue erasing.
export async function eraseAll(entries, message) {
	if (!entries.length) return;
	let text;
	set({ history: pictures.update(entries, { erasing: true }) });
	for (const entry of entries) {
		try {
			await erase(entry);
			set({ history: pictures.remove(entry.id) });
			if (state.id === entry.id) follow(entry.id);
			text ??= message;
		} catch (error) {
			set({ history: pictures.update([entry], { erasing: false }) });
			text = error.message;
		}
	}
	if (text) set({ notice: { text } });
}

export function forget(entries) {
	for (const { id, erasing } of entries) if (!erasing) set({ history: pictures.remove(id) });
}

export function reset() {
	stopWatching();
	sending?.abort("left");
	if (state.photo) URL.revokeObjectURL(state.photo.url);
	Object.assign(state, { id: "", photo: null, upload: null, progress: null, problem: null, imageSize: null, imageFailed: false });
}
