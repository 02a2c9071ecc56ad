// Uploads and follows pictures.
import { $ } from "./dom.js";
import { abandon, eraseAll } from "./erasure.js";
import * as pictures from "./history.js";
import { t } from "./language.js";
import { hasArrived, watch } from "./progress.js";
import { set, state } from "./state.js";
import { withLock } from "./tabs.js";
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
	return transmit(entry);
}

async function transmit({ key, taken, id }) {
	const controller = new AbortController(), { signal } = controller, { blob } = state.photo, started = Date.now();
	const own = () => sending === controller;
	const current = () => pictures.find((entry) => entry.key === key);
	const markSent = (id) => set(pictures.update([{ key, id }], { sent: true, unsent: undefined, uploadTime: Date.now() - started }));
	let granted;
	sending = controller;
	set({ view: "picture", notice: null, photo: { ...state.photo, key }, upload: { loaded: 0, total: blob.size } });
	if (id) open(id);
	$("title").focus();
	try {
		const sent = await withLock(key, signal, () => own() && set({ upload: { ...state.upload, waiting: true } }), async () => {
			set({ ...await pictures.load(), ...own() && { upload: { ...state.upload, waiting: false } } });
			const { unsent } = current() ?? {};
			if (!unsent) return false; // another tab has sent or erased the picture
			granted = unsent.granted;
			if (granted && own() && granted.id !== state.id) open(granted.id);
			await upload(blob, {
				granted,
				signal,
				onGrant: async (next) => {
					const replaced = abandon({ key, taken }, granted);
					granted = next;
					set(pictures.update([{ key }], { id: next.id, token: next.eraseToken, unsent: { ...unsent, granted } }, replaced));
					await pictures.saved();
					if (own()) open(next.id);
					eraseAll(replaced);
				},
				onChange: (progress) => own() && set({ upload: progress }),
			});
			if (own()) state.upload = null;
			markSent(granted.id);
			await pictures.saved();
			return true;
		});
		if (!sent && own()) leave(current()?.id || state.id);
	} catch (error) {
		const { aborted, reason } = signal;
		if (reason?.arrived) return markSent(reason.arrived);
		if (reason === "left") return;
		stopWatching();
		await pictures.load();
		const entry = current();
		if (entry && !entry.unsent) return own() && leave(entry.id);
		const abandoned = abandon({ key, taken }, entry?.unsent.granted ?? granted);
		if (aborted || !entry) set(pictures.remove(key, abandoned));
		else set(pictures.update([{ key }], { id: "", token: "", unsent: { ...entry.unsent, granted: null } }, abandoned));
		eraseAll(abandoned);
		if (!own()) return;
		if (!entry && reason !== "cancelled") return leave(granted?.id);
		setAddress(location.pathname);
		const notice = { text: aborted ? t("Cancelled. Anything that has arrived is being erased.") : error.message };
		set({ view: "review", id: "", upload: null, progress: null, problem: null, notice, photo: { ...state.photo, key: aborted ? "" : key, tried: true } });
		$("send").focus();
	} finally {
		if (own()) sending = null;
		set(await pictures.load());
	}
}

function leave(id) {
	reset();
	if (id) {
		open(id);
	} else {
		setAddress(location.pathname);
		set({ view: "start" });
	}
	$("title").focus();
}

// stopIfRemoved ends the upload of a picture that another tab has removed.
export function stopIfRemoved() {
	if (sending && !pictures.find(({ key, erasing }) => key === state.photo.key && !erasing)) sending.abort("removed");
}

const setAddress = (address) => history.replaceState(history.state, "", address);

function open(id) {
	setAddress("#" + id);
	set({ id, progress: null, problem: null });
	follow(id);
}

export function follow(id) {
	stopWatching();
	stopWatching = watch(id, (progress) => {
		if (sending && hasArrived(progress)) { // the workflow started before S3's response to the upload arrived
			sending.abort({ arrived: id });
			sending = state.upload = null;
		}
		if (state.progress?.status !== progress.status) retryImage();
		set({ progress });
		forgetErased();
	}, (problem) => set({ problem }));
}

export function retryImage() {
	if (state.imageFailed) set({ imageTries: state.imageTries + 1 });
}

export function forgetErased() {
	if (state.progress?.status !== "erased") return;
	const entry = pictures.find(({ id, sent, erasing }) => id === state.id && sent && !erasing);
	if (entry) set(pictures.remove(entry.key));
}

export function reset() {
	stopWatching();
	sending?.abort("left");
	sending = null;
	if (state.photo) URL.revokeObjectURL(state.photo.url);
	Object.assign(state, { id: "", photo: null, upload: null, progress: null, problem: null, imageSize: null, imageFailed: false, imageGone: false, imageUnreadable: false, imageTries: 0, imageArrived: false });
}
