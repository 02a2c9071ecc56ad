// Makes an upright JPEG of at most 1600 px per side, without EXIF data.

const maxSide = 1600;

export const fromVideo = (video, mirror) => photo(video, video.videoWidth, video.videoHeight, mirror);

// A file that cannot be decoded is refused: uploading the original would also upload its EXIF data.
export async function fromFile(file) {
	const image = new Image();
	image.src = URL.createObjectURL(file);
	try {
		await load(image);
		return await photo(image, image.naturalWidth, image.naturalHeight);
	} finally {
		URL.revokeObjectURL(image.src);
	}
}

// An <img> applies the EXIF orientation in every browser, and shows damaged files that createImageBitmap refuses.
async function load(image) {
	const loaded = await new Promise((resolve) => {
		image.onload = () => resolve(image.naturalWidth > 0);
		image.onerror = () => resolve(false);
	});
	if (!loaded) throw new Error("This browser cannot read that file. Choose a JPEG, PNG or WebP picture.");
	await image.decode().catch(() => {}); // fails for a damaged file
}

// If no file is an image, imageIn returns the first file, and fromFile then reports an error.
export function imageIn({ files }) {
	return [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
}

async function photo(source, width, height, mirror) {
	if (!canReadCanvas()) throw new Error("This browser’s protection against fingerprinting replaces your picture by stripes. Allow this site to use canvas data (see the address bar), then try again.");
	const canvas = draw(source, width, height, maxSide, mirror);
	const blob = await jpeg(canvas, 0.9);
	const thumb = await jpeg(draw(canvas, canvas.width, canvas.height, 160), 0.6);
	return { blob, thumb, size: [canvas.width, canvas.height] };
}

async function jpeg(canvas, quality) {
	const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
	if (!blob) throw new Error("This browser could not make a JPEG. Try a smaller picture.");
	return blob;
}

// Some browsers change the lowest bits of each colour, which nobody sees in a picture.
export function canReadCanvas() {
	const context = Object.assign(document.createElement("canvas"), { width: 8, height: 8 }).getContext("2d");
	const colour = [40, 120, 200, 255];
	context.fillStyle = "rgb(40 120 200)";
	context.fillRect(0, 0, 8, 8);
	return context.getImageData(0, 0, 8, 8).data.every((value, i) => Math.abs(value - colour[i % 4]) < 8);
}

function draw(source, width, height, max, mirror) {
	const scale = Math.min(1, max / Math.max(width, height));
	const canvas = document.createElement("canvas");
	canvas.width = Math.max(1, Math.round(width * scale));
	canvas.height = Math.max(1, Math.round(height * scale));
	const context = canvas.getContext("2d");
	context.imageSmoothingQuality = "high";
	context.fillStyle = "#fff"; // the background of transparent pictures
	context.fillRect(0, 0, canvas.width, canvas.height);
	if (mirror) context.transform(-1, 0, 0, 1, canvas.width, 0);
	context.drawImage(source, 0, 0, canvas.width, canvas.height);
	return canvas;
}
