// The marks over the picture. The drawing's units are the picture's pixels, as Google's are, and it fits its
// frame as the picture does.
import { drawing } from "./element.js";

// kinds of marks there are in an annotation, each with how many.
export function kinds(annotation) {
	const faces = annotation?.faceAnnotations ?? [];
	return [
		["faces", "Face boxes", faces.length],
		["points", "Points on the face", faces.flatMap((face) => face.landmarks ?? []).length],
		["objects", "Objects", annotation?.localizedObjectAnnotations?.length ?? 0],
	].filter(([, , n]) => n > 0);
}

export function draw(canvas, annotation, [width, height], shown) {
	canvas.setAttribute("viewBox", "0 0 " + width + " " + height);
	const faces = annotation?.faceAnnotations ?? [];
	const size = Math.max(width, height) / 32;
	canvas.replaceChildren(
		...(shown.objects ? annotation?.localizedObjectAnnotations ?? [] : []).flatMap((object) => {
			const corners = object.boundingPoly?.normalizedVertices?.map(({ x = 0, y = 0 }) => [x * width, y * height]) ?? [];
			return box(corners, "object", object.name ?? "", size);
		}),
		...(shown.faces ? faces : []).flatMap((face, i) => {
			const corners = ((face.boundingPoly ?? face.fdBoundingPoly)?.vertices ?? []).map(({ x = 0, y = 0 }) => [x, y]);
			return box(corners, "face", faces.length > 1 ? String(i + 1) : "", size);
		}),
		...(shown.points ? faces : []).flatMap((face) => (face.landmarks ?? []).map(({ position }) =>
			drawing("circle", { cx: position?.x ?? 0, cy: position?.y ?? 0, r: size / 8 }))),
	);
}

function box(corners, kind, name, size) {
	if (corners.length < 3) return [];
	const [x, y] = corners[0];
	const label = drawing("text", { x, y: Math.max(size, y - size / 4), "font-size": size }, name);
	return [drawing("polygon", { class: kind, points: corners.join(" ") }), ...(name ? [label] : [])];
}
