// Making the JPEG that is sent: upright, at most 1600 px, and drawn anew, which leaves its EXIF data behind.

const longest = 1600;

export function fromVideo(video) {
	return photo(video, video.videoWidth, video.videoHeight);
}

// fromFile reads what this browser can. What it cannot is not sent: it might tell where it was taken.
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

// fileIn finds a picture among what was dropped or pasted. Any other file will be refused with a word.
export function fileIn({ files }) {
	return [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
}

async function photo(source, width, height) {
	const canvas = draw(source, width, height, longest);
	const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
	if (!blob) throw new Error("This browser could not make a JPEG. Try a smaller picture.");
	const thumb = draw(canvas, canvas.width, canvas.height, 160).toDataURL("image/jpeg", 0.6);
	return { blob, thumb: thumb.slice(thumb.indexOf(",") + 1), size: [canvas.width, canvas.height] };
}

function draw(source, width, height, most) {
	const scale = Math.min(1, most / Math.max(width, height));
	const canvas = document.createElement("canvas");
	canvas.width = Math.max(1, Math.round(width * scale));
	canvas.height = Math.max(1, Math.round(height * scale));
	const pen = canvas.getContext("2d");
	pen.imageSmoothingQuality = "high";
	pen.fillStyle = "#fff"; // what shows through a transparent picture
	pen.fillRect(0, 0, canvas.width, canvas.height);
	pen.drawImage(source, 0, 0, canvas.width, canvas.height);
	return canvas;
}
