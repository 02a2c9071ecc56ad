// Draws boxes and points over the picture. One SVG unit is one pixel of the picture.
import { svgElement } from "./dom.js";
import { facesIn, keyOf, thingsIn } from "./findings.js";
import { t } from "./language.js";

export function overlayKinds({ faceAnnotations: faces = [], localizedObjectAnnotations: objects = [] } = {}) {
	return [
		["faces", t("Face boxes"), faces.length],
		["points", t("Points on the face"), faces.flatMap((face) => face.landmarks ?? []).length],
		["objects", t("Objects"), objects.length],
	].filter(([, , n]) => n > 0);
}

// extent is the upright rectangle around the corners: [left, top, right, bottom].
export function extent(corners) {
	const xs = corners.map(([x]) => x), ys = corners.map(([, y]) => y);
	return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

const width = ([left, , right]) => right - left;
const holds = ([left, top, right, bottom], [l, t, r, b]) => l + r > 2 * left && l + r < 2 * right && t + b > 2 * top && t + b < 2 * bottom;

// boxesIn returns the objects, the widest first, and then the faces. Later boxes are drawn on top, so that a wide
// object does not hide a narrow one from the pointer.
export function boxesIn(annotation, size) {
	const faces = facesIn(annotation), things = thingsIn(annotation);
	const objects = (annotation.localizedObjectAnnotations ?? []).map(({ name = "", boundingPoly }) => {
		const corners = (boundingPoly?.normalizedVertices ?? []).map(({ x = 0, y = 0 }) => [x * size[0], y * size[1]]), area = extent(corners);
		const finding = things.find(({ key }) => key === keyOf(name)) ?? faces.find((face) => holds(area, extent(face.corners)));
		return { kind: "objects", key: finding?.key ?? "", name, title: name, corners, area };
	}).sort((a, b) => width(b.area) - width(a.area));
	const boxes = faces.map((face, i) => ({ ...face, kind: "faces", name: faces.length > 1 ? String(i + 1) : "", title: face.expression }));
	return [...objects, ...boxes].filter(({ corners }) => corners.length > 2);
}

export function drawOverlay(svg, annotation, size, enabled) {
	svg.setAttribute("viewBox", "0 0 " + size.join(" "));
	svg.classList.toggle("fresh", !svg.childElementCount);
	svg.replaceChildren(
		...boxesIn(annotation, size).filter(({ kind }) => enabled[kind]).flatMap((box) => drawBox(svg, box, box.name, size)),
		...(enabled.points ? facesIn(annotation) : []).flatMap(({ points }) => points.map(([cx, cy]) => svgElement("circle", { cx, cy, r: textSize(svg, size) / 8 }))),
		...svg.querySelectorAll(".mark"),
	);
}

export function drawBox(svg, { kind, key, corners }, name, size) {
	const [left, top] = extent(corners), height = textSize(svg, size);
	const x = Math.max(0, Math.min(left, size[0] - name.length * height * .6)), y = Math.max(height, top - height / 4);
	return [
		svgElement("polygon", { class: kind, "data-key": key, points: corners.join(" ") }),
		...name ? [svgElement("text", { x, y, "font-size": height }, name)] : [],
	];
}

// At least 14 CSS pixels.
const textSize = (svg, [width, height]) => Math.max(Math.max(width, height) / 32, 14 / Math.min(svg.clientWidth / width, svg.clientHeight / height));
