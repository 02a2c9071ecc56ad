// Draws pictures on the page and in photo-worker.js, so that both make the same JPEG.

const maxSide = 1600; // px

// makePhoto draws an upright JPEG without EXIF data, and its thumbnail.
export async function makePhoto(source, width, height, mirror) {
	const canvas = draw(source, width, height, maxSide, mirror);
	const blob = await jpeg(canvas, 0.9);
	const thumb = await jpeg(draw(canvas, canvas.width, canvas.height, 160), 0.6);
	return { blob, thumb, size: [canvas.width, canvas.height] };
}

// canReadCanvas reports whether the canvas returns nearly what was drawn. Protection against fingerprinting may change
// the pixels.
export function canReadCanvas() {
	const context = newCanvas(8, 8).getContext("2d");
	const colour = [40, 120, 200, 255];
	context.fillStyle = "rgb(40 120 200)";
	context.fillRect(0, 0, 8, 8);
	return context.getImageData(0, 0, 8, 8).data.every((value, i) => Math.abs(value - colour[i % 4]) < 8);
}

// isBlank reports whether the browser draws nothing: it cannot decode the pixels, or all of them are transparent.
// The canvas is as large as the picture's: WebKit does not average pixels, so a thin line would be lost in a small one.
export function isBlank(source, width, height) {
	const canvas = draw(source, width, height, maxSide, false, "transparent");
	return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.every((value, i) => i % 4 < 3 || !value);
}

const newCanvas = (width, height) => globalThis.document
	? Object.assign(document.createElement("canvas"), { width, height })
	: new OffscreenCanvas(width, height);

function draw(source, width, height, max, mirror, background = "#fff") {
	const scale = Math.min(1, max / Math.max(width, height));
	const canvas = newCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
	const context = canvas.getContext("2d");
	context.imageSmoothingQuality = "high";
	context.fillStyle = background;
	context.fillRect(0, 0, canvas.width, canvas.height);
	if (mirror) context.transform(-1, 0, 0, 1, canvas.width, 0);
	context.drawImage(source, 0, 0, canvas.width, canvas.height);
	return canvas;
}

async function jpeg(canvas, quality) {
	const type = "image/jpeg";
	const blob = canvas.convertToBlob ? await canvas.convertToBlob({ type, quality }) : await new Promise((resolve) => canvas.toBlob(resolve, type, quality));
	if (blob?.type !== type) throw new Error("no JPEG");
	return blob;
}
