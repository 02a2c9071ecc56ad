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
	set({ imageSize: [$("image").naturalWidth, $("image").naturalHeight], imageFailed: false, imageGone: false, imageUnreadable: false, imageArrived: false });
}

async function loadImageAgain() {
	const { id, imageTries } = state;
	const isCurrent = () => state.id === id && state.imageTries === imageTries;
	set({ imageFailed: true });
	const { status, redirected } = await head(urlOf(id) + "/image");
	if (!isCurrent()) return;
	// S3 sends 403 instead of 404 to a program that may not list the bucket.
	if (status === 404 || status === 410 || redirected && status === 403) return set({ imageGone: true });
	if (status === 200 && state.imageArrived) return set({ imageUnreadable: true });
	state.imageArrived = status === 200;
	setTimeout(() => isCurrent() && retryImage(), Math.min(1000 * 2 ** imageTries, 30_000));
}

// S3 signs the URL for GET only. An interrupted response has status 200 too, so the body is read to its end.
async function head(url) {
	try {
		const response = await fetch(url);
		if (response.ok) await response.arrayBuffer();
		else await response.body?.cancel();
		return response;
	} catch {
		return {};
	}
}
