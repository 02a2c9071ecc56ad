// Reads a picture without blocking the page. The answer is null if only the page can read it.
import { canReadCanvas, makePhoto } from "./canvas.js";

onmessage = async ({ data: file }) => {
	let photo = null;
	try {
		// A TypeError before Chrome 112, Firefox 111 and Safari 16, which would not apply the EXIF orientation.
		const image = await createImageBitmap(file, { imageOrientation: "from-image" });
		if (canReadCanvas()) photo = await makePhoto(image, image.width, image.height);
	} catch {
		// The page tries it.
	}
	postMessage(photo);
};
