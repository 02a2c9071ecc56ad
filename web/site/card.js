// Makes, saves and shares the card, an image of the result.
import { urlOf } from "./api.js";
import { partsOf, stepsOnPage, width } from "./card-parts.js";
import { t } from "./language.js";
import { canReadCanvas } from "./canvas.js";
import { set, state } from "./state.js";

let card = {}; // {key, file}: the last one
let url;

export const save = () => withCard((file) => {
	URL.revokeObjectURL(url);
	url = URL.createObjectURL(file);
	Object.assign(document.createElement("a"), { href: url, download: file.name }).click();
});

export const share = () => withCard(async (file) => {
	try {
		await navigator.share({ files: [file] });
	} catch ({ name }) {
		if (name === "AbortError") return; // cancelled by the user
		// A browser allows sharing only for some seconds after a click.
		throw new Error(name === "NotAllowedError" ? t("The card is ready. Press “Share” again.") : t("This device could not share the card. Save it instead."));
	}
});

async function withCard(use) {
	const key = JSON.stringify([state.id, state.overlays]);
	set({ notice: null });
	try {
		if (card.key !== key) card = { key, file: new File([await makeCard(state)], "triptych.jpg", { type: "image/jpeg" }) };
		await use(card.file);
	} catch (error) {
		set({ notice: { text: error.message } });
	}
}

async function makeCard({ id, photo, progress, overlays }) {
	if (!canReadCanvas()) throw new Error(t("This browser’s protection against fingerprinting would make the card unreadable. Allow this site to use canvas data, then try again."));
	const steps = stepsOnPage();
	const url = URL.createObjectURL(photo?.blob ?? await loadPicture(id));
	try {
		const image = Object.assign(new Image(), { src: url });
		await new Promise((resolve, reject) => {
			image.onload = resolve;
			image.onerror = () => reject(new Error(t("This browser cannot read the picture, so there is no card.")));
		});
		return await encode(draw(image, progress.record, overlays, steps));
	} finally {
		URL.revokeObjectURL(url);
	}
}

// loadPicture ignores the cache, because the page's <img> may have stored a response there that scripts cannot read.
async function loadPicture(id) {
	let response;
	try {
		response = await fetch(urlOf(id) + "/image", { cache: "no-store" });
		if (response.ok) return await response.blob();
	} catch {
		// handled below
	}
	// S3 sends 403 instead of 404 to a program that may not list the bucket.
	const deleted = [403, 404, 410].includes(response?.status);
	throw new Error(deleted ? t("The picture has been deleted, so there is no card.") : t("The picture could not be loaded. Check your connection, then try again."));
}

async function encode(canvas) {
	const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", .92));
	if (!blob) throw new Error(t("This browser could not make the card."));
	return blob;
}

function draw(image, record, overlays, steps) {
	const canvas = document.createElement("canvas"), context = canvas.getContext("2d"), parts = partsOf(image, record, overlays, steps);
	canvas.width = width;
	canvas.height = parts.reduce((sum, { height }) => sum + height, 0);
	context.fillStyle = "#fffefb";
	context.fillRect(0, 0, width, canvas.height);
	context.textBaseline = "middle";
	context.lineJoin = "round";
	let y = 0;
	for (const part of parts) {
		part.draw(context, y);
		y += part.height;
	}
	return canvas;
}
