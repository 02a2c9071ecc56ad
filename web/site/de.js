// German. The form of address is "du".
export default {
	// index.html

	// text.js

	// result.js, overlay.js, card.js

	// camera.js, capture.js, photo.js

	// other files

	// the API's messages
};
