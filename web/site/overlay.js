// Draws boxes and points over the picture. One SVG unit is one pixel of the picture.
import { svgElement } from "./dom.js";

export function overlayKinds({ faceAnnotations: faces = [], localizedObjectAnnotations: objects = [] } = {}) {
	return [
		["faces", "Face boxes", faces.length],
		["points", "Points on the face", faces.flatMap((face) => face.landmarks ?? []).length],
		["objects", "Objects", objects.length],
	].filter(([, , n]) => n > 0);
}

export function drawOverlay(svg, annotation, [width, height], enabled) {
	svg.setAttribute("viewBox", "0 0 " + width + " " + height);
	const { faceAnnotations: faces = [], localizedObjectAnnotations: objects = [] } = annotation;
	const scale = Math.min(svg.clientWidth / width, svg.clientHeight / height);
	const size = Math.max(Math.max(width, height) / 32, 14 / scale); // at least 14 CSS pixels
	svg.replaceChildren(
		...(enabled.objects ? objects : []).flatMap((object) => {
			const corners = object.boundingPoly?.normalizedVertices?.map(({ x = 0, y = 0 }) => [x * width, y * height]) ?? [];
			return box(corners, "object", object.name ?? "", size);
		}),
		...(enabled.faces ? faces : []).flatMap((face, i) => {
			const corners = ((face.boundingPoly ?? face.fdBoundingPoly)?.vertices ?? []).map(({ x = 0, y = 0 }) => [x, y]);
			return box(corners, "face", faces.length > 1 ? String(i + 1) : "", size);
		}),
		...(enabled.points ? faces : []).flatMap((face) => (face.landmarks ?? []).map(({ position }) =>
			svgElement("circle", { cx: position?.x ?? 0, cy: position?.y ?? 0, r: size / 8 }))),
	);
}

function box(corners, kind, name, size) {
	if (corners.length < 3) return [];
	const [x, y] = corners[0];
	const label = svgElement("text", { x, y: Math.max(size, y - size / 4), "font-size": size }, name);
	return [svgElement("polygon", { class: kind, points: corners.join(" ") }), ...(name ? [label] : [])];
}
