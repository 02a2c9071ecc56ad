// The parts of the card, from top to bottom. Each has a height in pixels and draws itself at y.
import { palette } from "./colours.js";
import { facesIn, percent, thingsIn, titleOf } from "./findings.js";
import { language, t } from "./language.js";
import { boxesIn, extent } from "./overlay.js";
import { drawFace } from "./result.js";

export const width = 1080;
const margin = 60, inner = width - 2 * margin, third = inner / 3, ink = "#1d1c1a", quiet = "#5c5850";
const maxPicture = 1280, maxFaces = 6; // so that the card is at most 3000 pixels high

export function partsOf(image, { uploadedAt, annotation }, overlays, steps) {
	return [
		header(uploadedAt), picture(image, annotation, overlays), clouds(steps), ...faces(image, annotation), things(annotation),
		colours(annotation), footer(),
	].filter(Boolean);
}

function write(context, text, x, y, { size = 32, weight = 400, colour = ink, align = "start", most = inner } = {}) {
	context.font = font(size, weight);
	context.fillStyle = colour;
	context.textAlign = align;
	context.fillText(text, x, y, most);
}

const font = (size, weight) => weight + " " + size + "px system-ui, sans-serif";

const header = (date) => ({ height: 120, draw(context, y) {
	write(context, "Triptych", margin, y + 62, { size: 44, weight: 700 });
	write(context, new Date(date).toLocaleDateString(language, { dateStyle: "long" }), width - margin, y + 64, { colour: quiet, align: "end", most: third * 2 });
} });

function picture(image, annotation, overlays) {
	const { naturalWidth, naturalHeight } = image, scale = Math.min(inner / naturalWidth, maxPicture / naturalHeight);
	const size = [naturalWidth * scale, naturalHeight * scale].map(Math.round);
	return { height: size[1], draw(context, y) {
		context.fillStyle = "#17181b";
		context.fillRect(margin, y, inner, size[1]);
		context.save();
		context.translate(margin + (inner - size[0]) / 2, y);
		context.drawImage(image, 0, 0, ...size);
		context.scale(scale, scale);
		for (const box of boxesIn(annotation, [naturalWidth, naturalHeight])) if (overlays[box.kind]) drawBox(context, box, naturalWidth, 1 / scale);
		if (overlays.points) for (const { points } of facesIn(annotation)) for (const point of points) drawPoint(context, point, 1 / scale);
		context.restore();
	} };
}

function drawBox(context, { kind, name, corners }, pictureWidth, unit) {
	context.beginPath();
	for (const corner of corners) context.lineTo(...corner);
	context.closePath();
	context.setLineDash(kind === "objects" ? [14 * unit, 8 * unit] : []);
	for (const [colour, line] of [["#0008", 8], [kind === "objects" ? "#ffd479" : "#fff", 5]]) {
		context.strokeStyle = colour;
		context.lineWidth = line * unit;
		context.stroke();
	}
	context.setLineDash([]);
	drawLabel(context, name, extent(corners), pictureWidth, unit);
}

function drawLabel(context, name, [left, top], pictureWidth, unit) {
	const size = 30 * unit, most = inner * unit;
	context.font = font(size, 700);
	const x = Math.max(0, Math.min(left, pictureWidth - context.measureText(name).width)), y = Math.max(20 * unit, top - 24 * unit);
	context.strokeStyle = "#000";
	context.textAlign = "start";
	context.strokeText(name, x, y, most);
	write(context, name, x, y, { size, weight: 700, colour: "#fff", most });
}

function drawPoint(context, [x, y], unit) {
	context.beginPath();
	context.arc(x, y, 4 * unit, 0, 7);
	context.fillStyle = "#7fe3d4";
	context.fill();
}

export const stepsOnPage = () => [...document.querySelectorAll("#steps li")].map((step) => ({
	colour: getComputedStyle(step).getPropertyValue("--cloud"),
	name: step.querySelector("h3").textContent,
	time: step.querySelector(".state").textContent,
}));

function clouds(steps) {
	return { height: 170, draw(context, y) {
		steps.forEach(({ colour, name, time }, i) => {
			const x = margin + i * third, most = third - 24;
			context.fillStyle = colour;
			context.fillRect(x, y, third, 12);
			write(context, name, x, y + 58, { weight: 700, most });
			write(context, time, x, y + 102, { size: 28, colour: quiet, most });
		});
	} };
}

function faces(image, annotation) {
	const found = facesIn(annotation), rest = found.length - maxFaces;
	const more = { height: 70, draw: (context, y) => write(context, t("More faces: {n}", { n: rest }), margin, y + 30, { colour: quiet }) };
	return [...found.slice(0, maxFaces).map(({ corners, expression, notes }) => ({ height: 156, draw(context, y) {
		if (corners.length) drawFace(context, image, corners, 132, margin, y);
		const x = margin + (corners.length ? 164 : 0), most = width - margin - x;
		write(context, expression, x, y + 46, { size: 52, weight: 700, most });
		write(context, notes.join(" · "), x, y + 102, { size: 28, colour: quiet, most });
	} })), rest > 0 && more];
}

function things(annotation) {
	const names = thingsIn(annotation).slice(0, 5).map(titleOf).join(", ");
	return names && { height: 80, draw: (context, y) => write(context, names, margin, y + 36, { size: 36 }) };
}

function colours(annotation) {
	const found = palette(annotation), each = inner / found.length;
	return found.length && { height: 170, draw(context, y) {
		found.forEach(({ name, share, colour, ink }, i) => {
			const x = margin + i * each, most = each - 24;
			context.fillStyle = colour;
			context.fillRect(x, y + 10, each, 140);
			write(context, name, x + 12, y + 86, { size: 24, colour: ink, most });
			write(context, percent(share), x + 12, y + 122, { size: 24, colour: ink, most });
		});
	} };
}

const footer = () => ({ height: 90, draw: (context, y) => write(context, t("One picture, three clouds."), margin, y + 36, { size: 28, colour: quiet }) });
