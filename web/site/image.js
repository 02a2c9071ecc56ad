// Loads the image of the picture in view again after a failure.
import { urlOf } from "./api.js";
import { $ } from "./dom.js";
import { retryImage } from "./session.js";
import { set, state } from "./state.js";

export function watchImage() {
	$("image").onload = showImage;
	$("image").onerror = loadImageAgain;
}

function showImage() {
	set({ imageSize: [$("image").naturalWidth, $("image").naturalHeight], imageFailed: false, imageGone: false });
}

async function loadImageAgain() {
	const { id, imageTries } = state;
	set({ imageFailed: true });
	const isCurrent = () => state.id === id && state.imageTries === imageTries;
	if (await isGone(urlOf(id) + "/image")) return isCurrent() && set({ imageGone: true });
	setTimeout(() => isCurrent() && retryImage(), Math.min(1000 * 2 ** imageTries, 30_000));
}

// S3 sends 403 instead of 404 to a program that may not list the bucket.
async function isGone(url) {
	try {
		const { status, redirected } = await fetch(url);
		return status === 404 || status === 410 || redirected && status === 403;
	} catch {
		return false;
	}
}
