// Shows Google's findings: faces with their expressions, things with their scores, and colours.
import { palette } from "./colours.js";
import { element } from "./dom.js";
import { facesIn, isKnown, merge, percent, thingsIn, titleOf } from "./findings.js";
import { t } from "./language.js";
import { extent } from "./overlay.js";

const concerns = () => [["adult", t("Adult content")], ["spoof", t("A joke")], ["medical", t("Something medical")], ["violence", t("Violence")], ["racy", t("Something racy")]];
const likelihoods = () => ({ POSSIBLE: t("possible"), LIKELY: t("likely"), VERY_LIKELY: t("very likely") });

export function faceList(annotation) {
	const faces = facesIn(annotation), partial = annotation.error; // Google's error beside its findings
	if (!faces.length) return element("p", { className: "small" }, partial ? t("Google did not complete its answer, so faces may be missing.") : t("No face was found."));
	return section(faces.length > 1 ? t("{n} faces", { n: faces.length }) : t("Face"), element("ul", { className: "faces" }, ...faces.map(faceItem)));
}

export function findings(annotation) {
	const { safeSearchAnnotation: safe, landmarkAnnotations: places = [], logoAnnotations: brands = [] } = annotation;
	const colours = palette(annotation);
	const text = annotation.fullTextAnnotation?.text ?? annotation.textAnnotations?.[0]?.description;
	return [
		annotation.error && element("p", { className: "small" }, t("Google did not complete its answer, so some findings may be missing.")),
		bars(t("Seen"), thingsIn(annotation)),
		bars(t("Places"), merge(places)),
		bars(t("Brands"), merge(brands)),
		text && section(t("Text"), quote(text, annotation.textAnnotations?.[0]?.locale)),
		colours.length && section(t("Colours"), element("ul", { className: "swatches" }, ...colours.map(swatch))),
		safe && concerns().some(([key]) => isKnown(safe[key])) && section(t("Suitable for all?"), suitability(safe)),
	].filter(Boolean);
}

const section = (title, ...content) => element("section", {}, element("h3", {}, title), ...content);

// Safari focuses a scrolling element only if it has a tabindex. An empty language means that it is unknown.
const quote = (text, lang = "") => element("blockquote", { "aria-label": t("Text"), tabIndex: 0 }, element("div", { lang, dir: "auto" }, text));

function faceItem({ key, expression, notes, corners }) {
	const text = element("span", {},
		element("span", { className: "mood" }, expression),
		...notes.map((note) => element("span", { className: "small" }, note)));
	if (!corners.length) return element("li", { className: "entry" }, text);
	const crop = element("canvas", { width: 192, height: 192, hidden: true, "aria-hidden": "true" });
	return element("li", {}, element("button", { className: "entry", "data-key": key, "aria-pressed": "false" }, crop, text));
}

// drawFaces crops the faces from the picture. WebKit would draw nothing while it decodes the image in the background, so
// the image has decoding="sync".
export function drawFaces(image, annotation) {
	for (const entry of document.querySelectorAll("button.entry")) entry.disabled = !image;
	const crops = facesIn(annotation).filter(({ corners }) => corners.length);
	document.querySelectorAll(".faces canvas").forEach((canvas, i) => {
		canvas.hidden = !image;
		if (image) drawFace(canvas.getContext("2d"), image, crops[i].corners, canvas.width);
	});
}

export function drawFace(context, image, corners, size, x = 0, y = 0) {
	const [left, top, right, bottom] = extent(corners), { naturalWidth: width, naturalHeight: height } = image;
	const side = Math.min(Math.max(right - left, bottom - top, 1) * 1.1, width, height);
	const from = (start, end, limit) => Math.max(0, Math.min((start + end - side) / 2, limit - side));
	context.drawImage(image, from(left, right, width), from(top, bottom, height), side, side, x, y, size, size);
}

function bars(title, things) {
	return things.length && section(title, element("ul", { className: "bars" }, ...things.map((thing) => {
		const { key, score, boxes } = thing;
		const bar = element("i");
		bar.style.width = score * 100 + "%";
		const content = [element("span", { lang: "en" }, titleOf(thing)), element("span", {}, score ? percent(score) : ""), bar];
		return element("li", {}, boxes ? element("button", { className: "entry", "data-key": key, "aria-pressed": "false" }, ...content) : element("div", { className: "entry" }, ...content));
	})));
}

function swatch({ name, share, colour, ink }) {
	const item = element("li", {}, name, element("span", {}, percent(share)));
	item.style.backgroundColor = colour;
	item.style.color = ink;
	return item;
}

function suitability(safe) {
	const doubts = concerns().filter(([key]) => likelihoods()[safe[key]]);
	if (!doubts.length) return element("p", {}, t("Yes, as far as Google can tell."));
	return element("ul", {}, ...doubts.map(([key, concern]) => element("li", {}, t("{concern}: {likelihood}", { concern, likelihood: likelihoods()[safe[key]] }))));
}
