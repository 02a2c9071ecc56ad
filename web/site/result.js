// What was seen in the picture, in words, bars and colours.
import { element } from "./element.js";
import { capital } from "./words.js";

const moods = [["joy", "joyful"], ["sorrow", "sad"], ["anger", "angry"], ["surprise", "surprised"]];
const traits = [["headwear", "wears something on the head"], ["blurred", "is blurred"], ["underExposed", "is in the dark"]];
const degrees = { VERY_LIKELY: "", LIKELY: "probably ", POSSIBLE: "perhaps " };
const concerns = [["adult", "adult content"], ["spoof", "a joke"], ["medical", "something medical"], ["violence", "violence"], ["racy", "something racy"]];
const likelihoods = { VERY_UNLIKELY: "very unlikely", UNLIKELY: "unlikely", POSSIBLE: "possible", LIKELY: "likely", VERY_LIKELY: "very likely" };

// findings are sections, one for each kind of thing that was found.
export function findings(annotation) {
	const faces = annotation.faceAnnotations ?? [];
	const colours = annotation.imagePropertiesAnnotation?.dominantColors?.colors ?? [];
	const safe = annotation.safeSearchAnnotation;
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

function section(title, ...content) {
	return element("section", {}, element("h3", {}, title), ...content);
}

function face(faces) {
	if (!faces.length) return [element("li", {}, "No face was found.")];
	return faces.map((face, i) => {
		const sure = face.detectionConfidence ? "Google is " + percent(face.detectionConfidence) + " sure that it is a face." : "";
		const who = faces.length > 1 ? i + 1 + ": " : "";
		return element("li", {}, element("p", { className: "mood" }, who + expression(face) + "."), element("p", { className: "small" }, sure));
	});
}

// expression says what a face looks like: "Looks joyful, perhaps surprised".
function expression(face) {
	const looks = moods.flatMap(([key, word]) => said(face, key, word));
	const calm = moods.some(([key]) => likelihoods[face[key + "Likelihood"]]) ? "looks calm" : "has an unclear expression";
	const has = traits.flatMap(([key, words]) => said(face, key, words));
	return capital([looks.length ? "looks " + looks.join(", ") : calm, ...has].join("; "));
}

function said(face, key, words) {
	const degree = degrees[face[key + "Likelihood"]];
	return degree === undefined ? [] : [degree + words];
}

// bars shows names with how sure Google is of each. A logo may come without, a landmark twice.
function bars(title, found) {
	const seen = new Map();
	for (const { description, name, score = 0 } of found ?? []) {
		const called = description || name;
		if (called && !(seen.get(called) >= score)) seen.set(called, score);
	}
	return seen.size && section(title, element("ul", { className: "bars" }, ...[...seen].slice(0, 12).map(([name, score]) => {
		const bar = element("i");
		bar.style.width = score * 100 + "%";
		return element("li", {}, element("span", {}, capital(name)), element("span", {}, score ? percent(score) : ""), bar);
	})));
}

// swatches are as wide as the part of the picture they fill.
function swatches(colours) {
	return element("ul", { className: "swatches" }, ...colours.map(({ color = {}, pixelFraction = 0 }) => {
		const code = "#" + [color.red, color.green, color.blue].map((part = 0) => Math.round(part).toString(16).padStart(2, "0")).join("");
		const title = code + ", " + percent(pixelFraction) + " of the picture";
		const item = element("li", { title }, element("span", { className: "unseen" }, title));
		item.style.backgroundColor = code;
		item.style.flexGrow = 1 + pixelFraction * 20;
		return item;
	}));
}

function suitability(safe) {
	const doubts = concerns.filter(([key]) => degrees[safe[key]] !== undefined);
	if (!doubts.length) return element("p", {}, "Yes, as far as Google can tell.");
	return element("ul", {}, ...doubts.map(([key, words]) => element("li", {}, capital(words) + " is " + likelihoods[safe[key]] + ".")));
}

function percent(part) {
	return Math.round(Math.min(1, Math.max(0, part)) * 100) + " %";
}
