// Erases, forgets and discards pictures.
import { erase } from "./api.js";
import * as pictures from "./history.js";
import { t } from "./language.js";
import { set, state } from "./state.js";

export const erased = () => t("Erased. Nobody can see any of it any more. Microsoft’s backups keep what Google saw for 7 days.");
const active = new Set(); // keys
const firstErasePause = 30_000;
let eraseTimer, erasePause = firstErasePause, onErased = () => {};

export function continueErasing() {
	eraseAll(pictures.toErase(), state.notice?.erasing && erased(), true);
}

export function setOnErased(act) {
	onErased = act;
}

// Entries stay in IndexedDB until their pictures are erased, so that a reload can continue erasing.
export async function eraseAll(wanted, message, quiet) {
	const entries = wanted.filter(({ key }) => !active.has(key));
	if (!entries.length) return;
	let notice;
	for (const { key } of entries) active.add(key);
	set(pictures.update(entries, { erasing: true }));
	await pictures.saved();
	for (const entry of entries) {
		const { key, id, sent } = entry;
		try {
			onErased(id, await erase(entry));
			set(pictures.remove(key));
			erasePause = firstErasePause;
			if (message) notice ??= { text: message };
		} catch ({ message: text, status, retryable }) {
			if (!sent && (status === 404 || status === 410)) {
				set(pictures.remove(key));
			} else if (sent || !retryable) {
				set(pictures.update([entry], { erasing: false, sent: true, unsent: undefined }));
				notice = { text };
			} else {
				clearTimeout(eraseTimer);
				eraseTimer = setTimeout(continueErasing, erasePause);
				erasePause = Math.min(2 * erasePause, 600_000);
				if (!quiet) notice = { text: t("{error} The erasure continues when this page reaches the site.", { error: t(text) }), erasing: true };
			}
		}
		active.delete(key);
	}
	if (notice) set({ notice });
}

export function forget(entries) {
	for (const { key } of entries) set(pictures.remove(key));
}

// discard removes an interrupted upload from this browser, and erases what S3 may have stored.
export async function discard({ key }) {
	set(await pictures.load()); // another tab may have requested a new grant
	const entry = pictures.find((entry) => entry.key === key);
	if (!entry?.unsent) return;
	const abandoned = abandon(entry, entry.unsent.granted);
	set(pictures.remove(key, abandoned));
	eraseAll(abandoned);
}

// Returns what must be erased: S3 may have stored the picture although the upload was given up. The thumbnail is not
// kept, because the page says that the picture is deleted from this device.
export const abandon = ({ key, taken }, granted) => granted ? [{ key: key + " " + granted.id, taken, id: granted.id, token: granted.eraseToken, erasing: true }] : [];
