// Marks a finding in the list and its boxes in the picture.
import { $, svgElement } from "./dom.js";
import { boxesIn, drawBox } from "./overlay.js";
import { state } from "./state.js";

let under = "";

// Firefox before 119 has no property ariaPressed.
const isPressed = (entry) => entry.getAttribute("aria-pressed") === "true";

export function mark({ type, target, pointerType }) {
	const key = target.closest?.("button.entry, #overlay polygon")?.dataset.key ?? "";
	const entries = [...document.querySelectorAll("button.entry")];
	if (type.startsWith("pointer")) under = type === "pointerover" && pointerType !== "touch" ? key : "";
	if (type === "click") for (const entry of entries) entry.setAttribute("aria-pressed", entry.dataset.key === key && !isPressed(entry));
	const focused = document.activeElement.matches("button.entry:focus-visible") && document.activeElement.dataset.key;
	const marked = under || focused || entries.find(isPressed)?.dataset.key;
	for (const entry of entries) entry.classList.toggle("marked", entry.dataset.key === marked);
	markBoxes(marked);
}

// markBoxes darkens the picture around the boxes. It draws even boxes of a kind that is switched off.
function markBoxes(key = "") {
	const svg = $("overlay"), before = svg.querySelector(".mark"), { imageSize: size, progress } = state;
	if ((before?.dataset.key ?? "") === key) return;
	before?.remove();
	const boxes = key && size && progress ? boxesIn(progress.record.annotation, size).filter((box) => box.key === key) : [];
	if (!boxes.length) return;
	const whole = { width: size[0], height: size[1] };
	svg.append(svgElement("g", { class: "mark", "data-key": key },
		svgElement("mask", { id: "around" }, svgElement("rect", { ...whole, fill: "#fff" }), ...boxes.map(({ corners }) => svgElement("polygon", { points: corners.join(" ") }))),
		svgElement("rect", { ...whole, mask: "url(#around)" }),
		...boxes.flatMap((box) => drawBox(svg, box, box.title, size))));
}
