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

export function send() {
	const { photo } = state, { blob, size, fromCamera, thumb } = photo;
	let entry = pictures.find(({ key }) => key === photo.key);
	if (!entry) {
		const taken = new Date().toISOString();
		entry = { key: taken + " " + Math.random(), taken, thumb, unsent: { blob, size, fromCamera } };
		set(pictures.add(entry));
	}
	return transmit(entry);
}

export function resume(entry) {
	reset();
	set({ photo: { ...entry.unsent, key: entry.key, thumb: entry.thumb, url: URL.createObjectURL(entry.unsent.blob) } });
	return transmit(entry, pictures.load);
}

async function transmit({ key, taken, unsent }, beforehand = () => {}) {
	const controller = new AbortController(), { blob } = unsent, entry = { key };
	let { granted } = unsent;
	const own = () => sending === controller;
	const eraseGranted = () => {
		const replaced = { key: key + " " + granted.id, taken, id: granted.id, token: granted.eraseToken, erasing: true };
		set(pictures.add(replaced));
		eraseAll([replaced]);
	};
	const started = Date.now();
	sending = controller;
	set({ view: "picture", notice: null, upload: { loaded: 0, total: blob.size } });
	if (granted) open(granted.id);
	$("title").focus();
	try {
		await pictures.withLock(key, controller.signal, async () => {
			await beforehand();
			if (!pictures.find((entry) => entry.key === key)?.unsent) return; // another tab has sent or erased the picture
			await upload(blob, {
				granted,
				signal: controller.signal,
				onGrant: (next) => {
					if (granted) eraseGranted();
					granted = next;
					set(pictures.update([entry], { id: next.id, token: next.eraseToken, unsent: { ...unsent, granted } }));
					open(next.id);
				},
				onChange: (progress) => own() && set({ upload: progress }),
			});
		});
		set(pictures.update([entry], { sent: true, unsent: undefined }));
		if (own()) set({ upload: null, uploadTime: Date.now() - started });
	} catch (error) {
		const { aborted, reason } = controller.signal;
		if (reason === "arrived") set({ uploadTime: Date.now() - started, ...pictures.update([entry], { sent: true, unsent: undefined }) });
		if (reason === "arrived" || reason === "left") return;
		if (granted) eraseGranted(); // S3 may have stored the picture before the error
		if (aborted) set(pictures.remove(key));
		else set(pictures.update([entry], { id: "", token: "", unsent: { ...unsent, granted: null } }));
		stopWatching();
		history.replaceState(null, "", location.pathname);
		const notice = { text: aborted ? "Cancelled. Anything that has arrived is being erased." : error.message };
		set({ view: "review", id: "", upload: null, progress: null, problem: null, notice, photo: { ...state.photo, key, tried: true } });
		$("send").focus();
	} finally {
		if (own()) sending = null;
		set(await pictures.load());
	}
}

function open(id) {
	history.replaceState(null, "", "#" + id);
	set({ id });
	follow(id);
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
		forgetErased();
	}, (problem) => set({ problem }));
}

export function forgetErased() {
	if (state.progress?.status !== "erased") return;
	const entry = pictures.find(({ id, sent, erasing }) => id === state.id && sent && !erasing);
	if (entry) set(pictures.remove(entry.key));
}

// Entries stay in IndexedDB until their pictures are erased, so that a reload can continue erasing.
export async function eraseAll(entries, message) {
	if (!entries.length) return;
	let text;
	set(pictures.update(entries, { erasing: true }));
	for (const entry of entries) {
		try {
			await erase(entry);
			set(pictures.remove(entry.key));
			if (state.id === entry.id) follow(entry.id);
			text ??= message;
		} catch (error) {
			if (entry.sent) set(pictures.update([entry], { erasing: false }));
			else if (!error.retryable) set(pictures.remove(entry.key));
			text = error.message;
		}
	}
	if (text) set({ notice: { text } });
}

export function forget(entries) {
	for (const { key, erasing } of entries) if (!erasing) set(pictures.remove(key));
}

// discard deletes a picture whose upload has not succeeded.
export function discard(entry) {
	if (!entry.id) return set(pictures.remove(entry.key));
	set(pictures.update([entry], { unsent: undefined }));
	eraseAll([entry]); // S3 may have stored the picture
}

export function reset() {
	stopWatching();
	sending?.abort("left");
	sending = null;
	if (state.photo) URL.revokeObjectURL(state.photo.url);
	Object.assign(state, { id: "", photo: null, upload: null, uploadTime: undefined, progress: null, problem: null, imageSize: null, imageFailed: false });
}
