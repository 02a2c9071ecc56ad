// Makes the picture to upload from a camera's frame or a file.
import { canReadCanvas, isBlank, makePhoto } from "./canvas.js";
import { t } from "./language.js";
import { workerURL } from "./workers.js";

export const fromVideo = (video, mirror) => onPage(video, video.videoWidth, video.videoHeight, mirror);

// A file that cannot be decoded is refused: uploading the original would also upload its EXIF data.
export async function fromFile(file) {
	return await inWorker(file).catch(() => null) ?? withImage(file);
}

let worker;

// A worker ends after one file, to free its memory.
function inWorker(file) {
	worker?.terminate();
	return new Promise((resolve, reject) => {
		worker = new Worker(workerURL("photo-worker.js"), { type: "module" });
		worker.onmessage = ({ data }) => resolve(data);
		worker.onerror = reject;
		worker.postMessage(file);
	}).finally(() => worker?.terminate());
}

async function withImage(file) {
	const image = new Image();
	image.src = URL.createObjectURL(file);
	try {
		await load(image, file);
		return await onPage(image, image.naturalWidth, image.naturalHeight);
	} finally {
		URL.revokeObjectURL(image.src);
	}
}

// An <img> applies the EXIF orientation in every browser, and shows damaged files that createImageBitmap refuses.
async function load(image, file) {
	await new Promise((resolve) => { image.onload = image.onerror = resolve; });
	await image.decode().catch(() => {}); // fails for a damaged file
	if (!await isShown(image).catch(() => false)) throw new Error(await isHEIC(file).catch(() => false) // for example, the file was removed
		? t("This browser cannot read HEIC. Choose a JPEG. On an iPhone, set Settings > Camera > Formats > Most Compatible.")
		: t("This browser cannot read that file. Choose a JPEG, PNG or WebP picture."));
}

const isShown = async (image) => image.naturalWidth && !isBlank(image, image.naturalWidth, image.naturalHeight); // a canvas may refuse a broken image

// Linux and Windows often do not know the type of HEIC files.
const isHEIC = async (file) => /^ftyp(he[iv]|mif1|msf1)/.test(await file.slice(4, 12).text());

// If no file is an image, imageIn returns the first file, and fromFile then reports an error.
export function imageIn({ files }) {
	return [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
}

async function onPage(source, width, height, mirror) {
	if (!canReadCanvas()) throw new Error(t("This browser’s protection against fingerprinting replaces your picture with stripes. Allow this site to use canvas data, then try again."));
	try {
		return await makePhoto(source, width, height, mirror);
	} catch {
		throw new Error(t("This browser could not make a JPEG. Try a smaller picture."));
	}
}
