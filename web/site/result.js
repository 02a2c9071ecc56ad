// Shows Google's findings as sentences, bars and colours.
import { element } from "./dom.js";
import { capitalize } from "./text.js";

const moods = [["joy", "joyful"], ["sorrow", "sad"], ["anger", "angry"], ["surprise", "surprised"]];
const traits = [["headwear", "wears something on the head"], ["blurred", "is blurred"], ["underExposed", "is in the dark"]];
const degrees = { VERY_LIKELY: "", LIKELY: "probably ", POSSIBLE: "perhaps " };
const concerns = [["adult", "adult content"], ["spoof", "a joke"], ["medical", "something medical"], ["violence", "violence"], ["racy", "something racy"]];
const likelihoods = { VERY_UNLIKELY: "very unlikely", UNLIKELY: "unlikely", POSSIBLE: "possible", LIKELY: "likely", VERY_LIKELY: "very likely" };

export function findings(annotation) {
	const { faceAnnotations: faces = [], safeSearchAnnotation: safe } = annotation;
	const colours = annotation.imagePropertiesAnnotation?.dominantColors?.colors ?? [];
	const text = annotation.fullTextAnnotation?.text ?? annotation.textAnnotations?.[0]?.description;
	return [
		section(faces.length > 1 ? faces.length + " faces" : "Face", element("ul", {}, ...face(faces))),
		bars("Seen", annotation.labelAnnotations),
		bars("Objects", annotation.localizedObjectAnnotations),
		bars("Places", annotation.landmarkAnnotations),
		bars("Brands", annotation.logoAnnotations),
		text && section("Text", element("blockquote", {}, text)),
		colours.length && section("Colours", swatches(colours.slice(0, 8))),
		safe && concerns.some(([key]) => likelihoods[safe[key]]) && section("Suitable for all?", suitability(safe)),
	].filter(Boolean);
}

const section = (title, ...content) => element("section", {}, element("h3", {}, title), ...content);

function face(faces) {
	if (!faces.length) return [element("li", {}, "No face was found.")];
	return faces.map((face, i) => {
		const sure = face.detectionConfidence ? "Google is " + percent(face.detectionConfidence) + " sure that it is a face." : "";
		const who = faces.length > 1 ? i + 1 + ": " : "";
		return element("li", {}, element("p", { className: "mood" }, who + expression(face) + "."), element("p", { className: "small" }, sure));
	});
}

// Example: "Looks joyful, perhaps surprised".
function expression(face) {
	const looks = moods.flatMap(([key, word]) => phrases(face, key, word));
	const calm = moods.some(([key]) => likelihoods[face[key + "Likelihood"]]) ? "looks calm" : "has an unclear expression";
	const has = traits.flatMap(([key, words]) => phrases(face, key, words));
	return capitalize([looks.length ? "looks " + looks.join(", ") : calm, ...has].join("; "));
}

function phrases(face, key, words) {
	const degree = degrees[face[key + "Likelihood"]];
	return degree === undefined ? [] : [degree + words];
}

// Google may send a logo without a score, or a landmark twice.
function bars(title, found) {
	const scores = new Map();
	for (const { description, name, score = 0 } of found ?? []) {
		const key = description || name;
		if (key && !(scores.get(key) >= score)) scores.set(key, score);
	}
	return scores.size && section(title, element("ul", { className: "bars" }, ...[...scores].slice(0, 12).map(([name, score]) => {
		const bar = element("i");
		bar.style.width = score * 100 + "%";
		return element("li", {}, element("span", {}, capitalize(name)), element("span", {}, score ? percent(score) : ""), bar);
	})));
}

function swatches(colours) {
	return element("ul", { className: "swatches" }, ...colours.map(({ color = {}, pixelFraction = 0 }) => {
		const code = "#" + [color.red, color.green, color.blue].map((value = 0) => Math.round(value).toString(16).padStart(2, "0")).join("");
		const title = code + ", " + percent(pixelFraction) + " of the picture";
		const item = element("li", { title }, element("span", { className: "sr-only" }, title));
		item.style.backgroundColor = code;
		item.style.flexGrow = 1 + pixelFraction * 20;
		return item;
	}));
}

function suitability(safe) {
	const doubts = concerns.filter(([key]) => degrees[safe[key]] !== undefined);
	if (!doubts.length) return element("p", {}, "Yes, as far as Google can tell.");
	return element("ul", {}, ...doubts.map(([key, words]) => element("li", {}, capitalize(words) + " is " + likelihoods[safe[key]] + ".")));
}

const percent = (fraction) => Math.round(Math.min(1, Math.max(0, fraction)) * 100) + " %";
