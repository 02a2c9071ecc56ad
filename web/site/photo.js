// Makes an upright JPEG of at most 1600 px per side, without EXIF data.

const maxSide = 1600;

export const fromVideo = (video) => photo(video, video.videoWidth, video.videoHeight);

// A file that cannot be decoded is refused: uploading the original would also upload its EXIF data.
export async function fromFile(file) {
	let bitmap;
	try {
		bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
	} catch {
		throw new Error("This browser cannot read that file. Choose a JPEG, PNG or WebP picture.");
	}
	try {
		return await photo(bitmap, bitmap.width, bitmap.height);
	} finally {
		bitmap.close();
	}
}

// If no file is an image, imageIn returns the first file, and fromFile then reports an error.
export function imageIn({ files }) {
	return [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
}

async function photo(source, width, height) {
	const canvas = draw(source, width, height, maxSide);
	const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
	if (!blob) throw new Error("This browser could not make a JPEG. Try a smaller picture.");
	const thumb = draw(canvas, canvas.width, canvas.height, 160).toDataURL("image/jpeg", 0.6);
	return { blob, thumb: thumb.slice(thumb.indexOf(",") + 1), size: [canvas.width, canvas.height] };
}

function draw(source, width, height, max) {
	const scale = Math.min(1, max / Math.max(width, height));
	const canvas = document.createElement("canvas");
	canvas.width = Math.max(1, Math.round(width * scale));
	canvas.height = Math.max(1, Math.round(height * scale));
	const context = canvas.getContext("2d");
	context.imageSmoothingQuality = "high";
	context.fillStyle = "#fff"; // the background of transparent pictures
	context.fillRect(0, 0, canvas.width, canvas.height);
	context.drawImage(source, 0, 0, canvas.width, canvas.height);
	return canvas;
}
