// A picture's way: it is sent and followed until it is settled.
import { $ } from "./element.js";
import * as album from "./album.js";
import { watch } from "./progress.js";
import { set, state } from "./state.js";
import { deliver, withdraw } from "./upload.js";

let stopWatching = () => {}, sending = null;

export const isSending = () => sending;
export const cancel = () => sending?.abort("cancelled");

export async function send() {
	const { shot } = state, own = new AbortController();
	let granted, doubtful = false;
	sending = own;
	set({ view: "journey", notice: null, upload: { loaded: 0, total: shot.blob.size } });
	$("title").focus();
	try {
		await deliver(shot.blob, {
			signal: own.signal,
			onGrant: (grant) => {
				if (granted) album.remove(granted.id);
				[granted, doubtful] = [grant, false];
				history.replaceState(null, "", "#" + grant.id);
				follow(grant.id);
				set({ id: grant.id, history: album.add({ id: grant.id, token: grant.eraseToken, taken: new Date().toISOString(), thumb: shot.thumb }) });
			},
			onChange: (upload) => {
				doubtful ||= upload.loaded === upload.total;
				if (sending === own) set({ upload });
			},
		});
		if (sending === own) set({ upload: null });
	} catch (error) {
		if (own.signal.reason === "arrived") return; // its run was seen before the upload was answered
		if (granted && doubtful) withdraw(granted);
		if (granted) set({ history: album.remove(granted.id) });
		if (own.signal.reason === "left") return;
		stopWatching();
		history.replaceState(null, "", location.pathname);
		const text = own.signal.aborted ? "Cancelled. Nothing of it is kept." : error.message;
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

// leave forgets the picture shown before, and what is only half sent of it.
export function leave() {
	stopWatching();
	sending?.abort("left");
	if (state.shot) URL.revokeObjectURL(state.shot.url);
	Object.assign(state, { id: "", shot: null, upload: null, progress: null, trouble: null, size: null, unshowable: false });
}
