// Reads a picture without blocking the page. Sends null if a worker cannot read it; the page then reads it itself.
import { canReadCanvas, isBlank, makePhoto } from "./canvas.js";

onmessage = async ({ data: file }) => {
	let photo = null;
	try {
		// Chrome before 112, Firefox before 111 and Safari before 16 would ignore the EXIF orientation. They throw a
		// TypeError for "from-image", so photo.js then reads the file with <img>.
		const image = await createImageBitmap(file, { imageOrientation: "from-image" });
		if (canReadCanvas() && !isBlank(image, image.width, image.height)) photo = await makePhoto(image, image.width, image.height);
	} catch {
		// photo.js reads the file with <img>.
	}
	postMessage(photo);
};
