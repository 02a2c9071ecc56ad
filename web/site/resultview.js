// Renders what Google saw, beside and over the picture.
import { $, element } from "./dom.js";
import { drawOverlay, overlayKinds } from "./overlay.js";
import { faceList, findings } from "./result.js";

export { drawFaces } from "./result.js";

export function renderFindings(annotation, overlays, actions) {
	$("faces").replaceChildren(...annotation ? [faceList(annotation)] : []);
	$("findings").replaceChildren(...annotation ? findings(annotation) : []);
	$("scores").open = false;
	renderRaw($("raw"), annotation);
	$("toggles").replaceChildren(...overlayKinds(annotation).map(([kind, label]) => {
		const onchange = (event) => actions.toggle(kind, event.target.checked);
		return element("label", {}, element("input", { type: "checkbox", name: kind, checked: overlays[kind], onchange }), label);
	}));
}

// The JSON may have 2 MB, so it becomes part of the page only when a person opens it.
function renderRaw(details, annotation) {
	const pre = details.querySelector("pre");
	details.open = false;
	pre.textContent = "";
	details.ontoggle = () => {
		if (details.open) pre.textContent = JSON.stringify(annotation, null, 2);
	};
}

export function renderOverlay(annotation, imageSize, overlays) {
	if (annotation) drawOverlay($("overlay"), annotation, imageSize, overlays);
	else $("overlay").replaceChildren();
}
