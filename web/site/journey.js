// A picture's way: it is sent, followed until it is settled, and erased.
import { $ } from "./element.js";
import * as album from "./album.js";
import { erase } from "./api.js";
import { watch } from "./progress.js";
import { set, state } from "./state.js";
import { deliver } from "./upload.js";

let stopWatching = () => {}, sending = null;

export const isSending = () => sending;
export const cancel = () => sending?.abort("cancelled");

export async function send() {
	const { shot } = state, own = new AbortController();
	let entry;
	sending = own;
	set({ view: "journey", notice: null, upload: { loaded: 0, total: shot.blob.size } });
	$("title").focus();
	try {
		await deliver(shot.blob, {
			signal: own.signal,
			onGrant: ({ id, eraseToken: token }) => {
				if (entry) discard([entry]);
				entry = { id, token, taken: new Date().toISOString(), thumb: shot.thumb };
				history.replaceState(null, "", "#" + id);
				follow(id);
				set({ id, history: album.add(entry) });
			},
			onChange: (upload) => sending === own && set({ upload }),
		});
		if (sending === own) set({ upload: null });
	} catch (error) {
		if (own.signal.reason === "arrived") return; // its run was seen before the upload was answered
		if (entry) discard([entry]); // it may have arrived all the same
		if (own.signal.reason === "left") return;
		stopWatching();
		history.replaceState(null, "", location.pathname);
		const text = own.signal.aborted ? "Cancelled. If it has arrived already, it is being erased." : error.message;
		set({ view: "review", id: "", upload: null, progress: null, trouble: null, notice: { text } });
		$("send").focus();
	} finally {
		if (sending === own) sending = null;
	}
}

export function follow(id) {
	stopWatching();
	stopWatching = watch(id, (progress) => {
		if (progress.status !== "waiting" && sending) {
			sending.abort("arrived");
			sending = state.upload = null;
		}
		// What could not be shown may be there once something has changed.
		set({ progress, unshowable: state.unshowable && state.progress?.status === progress.status });
	}, (trouble) => set({ trouble }));
}

// discard erases pictures, one after the other. The album keeps each until it is seen to be erased: a reload goes on.
export async function discard(entries, erased) {
	if (!entries.length) return;
	let text;
	set({ history: album.change(entries, { erasing: true }) });
	for (const entry of entries) {
		try {
			await erase(entry);
			set({ history: album.remove(entry.id) });
			if (state.id === entry.id) follow(entry.id);
			text ??= erased;
		} catch (error) {
			set({ history: album.change([entry], { erasing: false }) });
			text = error.message;
		}
	}
	if (text) set({ notice: { text } });
}

// leave forgets the picture shown before, and what is only half sent of it.
export function leave() {
	stopWatching();
	sending?.abort("left");
	if (state.shot) URL.revokeObjectURL(state.shot.url);
	Object.assign(state, { id: "", shot: null, upload: null, progress: null, trouble: null, size: null, unshowable: false });
}
