// What Google found, each finding once. A finding in the list and its boxes in the picture have the same key.
import { t } from "./language.js";
import { capitalize } from "./text.js";

const moods = () => [["joy", t("joyful")], ["sorrow", t("sad")], ["anger", t("angry")], ["surprise", t("surprised")]];
const traits = () => [["headwear", t("with something on the head")], ["blurred", t("blurred")], ["underExposed", t("in the dark")]];
const sentences = {
	VERY_LIKELY: (looks) => t("Looks {looks}", { looks }),
	LIKELY: (looks) => t("Probably {looks}", { looks }),
	POSSIBLE: (looks) => t("Perhaps {looks}", { looks }),
};

export const percent = (fraction) => Math.round(Math.min(1, Math.max(0, fraction)) * 100) + " %";
export const isKnown = (likelihood) => likelihood && likelihood !== "UNKNOWN";

export function facesIn({ faceAnnotations: faces = [] }) {
	return faces.map((face, i) => {
		const calm = moods().some(([name]) => isKnown(face[name + "Likelihood"])) ? t("Looks calm") : t("Unclear expression");
		const [mood = calm, ...others] = phrases(face, moods(), sentences);
		const sure = face.detectionConfidence;
		return {
			key: "face " + i,
			expression: faces.length > 1 ? t("{n}: {expression}", { n: i + 1, expression: mood }) : mood,
			notes: [...others, ...phrases(face, traits(), { ...sentences, VERY_LIKELY: capitalize }), ...sure ? [t("{percent} sure that it is a face", { percent: percent(sure) })] : []],
			corners: ((face.boundingPoly ?? face.fdBoundingPoly)?.vertices ?? []).map(({ x = 0, y = 0 }) => [x, y]),
			points: (face.landmarks ?? []).map(({ position: { x = 0, y = 0 } = {} }) => [x, y]),
		};
	});
}

// The likeliest phrase is the first.
function phrases(face, kinds, sentences) {
	return Object.keys(sentences).flatMap((degree) => kinds.filter(([name]) => face[name + "Likelihood"] === degree).map(([, looks]) => sentences[degree](looks)));
}

export function thingsIn({ labelAnnotations: labels = [], localizedObjectAnnotations: objects = [], faceAnnotations: faces = [] }) {
	const said = faces.length ? ["face", "human face", "facial expression"] : [];
	const found = merge([...objects, ...labels]);
	if (faces.length && !found.some(({ key, boxes }) => key === "person" && boxes > faces.length)) said.push("person");
	if (faces.length > 1) said.push("group of person");
	if (faces.some((face) => ["VERY_LIKELY", "LIKELY"].includes(face.joyLikelihood))) said.push("smile");
	return found.filter(({ key }) => !said.includes(key));
}

// Google may send a logo without a score, or a landmark twice.
export function merge(found) {
	const things = new Map();
	for (const { description, name = description, score = 0, boundingPoly } of found) {
		if (!name) continue;
		const key = keyOf(name), thing = things.get(key) ?? { key, name: capitalize(name), score: 0, boxes: 0 };
		if (boundingPoly?.normalizedVertices) thing.boxes++; // only objects have these
		thing.score = Math.max(thing.score, score);
		things.set(key, thing);
	}
	return [...things.values()].sort((a, b) => b.score - a.score);
}

export const titleOf = ({ name, boxes }) => boxes > 1 ? t("{name} × {n}", { name, n: boxes }) : name;

// keyOf is the same for singular and plural. "Glasses" and "News" are not plurals of "Glass" and "New".
export const keyOf = (name) => name.toLowerCase().replace(/people$/, "person").replace(/^(news)$|(?:(ch|sh|x)e|([^s]))s$/, "$1$2$3");
