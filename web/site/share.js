// Saves and shares a result, and copies its link. card.js and highlight.js are loaded when they are first needed.
import { $ } from "./dom.js";
import { t } from "./language.js";
import { set } from "./state.js";

const notify = (text) => set({ notice: { text } });
const withCard = (use) => import("./card.js").then(use, offerReload);

// Firefox and WebKit repeat a failed import only after a reload.
export const offerReload = () => set({ notice: { text: t("This page did not load completely. Reload it."), action: t("Reload"), then: "reload" } });

export const saveCard = () => withCard((card) => card.save());
export const shareCard = () => withCard((card) => card.share());

// Safari allows copying only during the click.
export async function copyLink() {
	const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
	notify(copied
		? t("Link copied. Anyone who has it can see the picture and what Google saw.")
		: t("This browser does not let the page copy. Copy the page’s address instead."));
}

const marksFinding = ({ type, target }) => type === "click" && target.closest("button.entry");

export function markFindings() {
	for (const type of ["pointerover", "pointerout", "focusin", "focusout", "click"]) {
		for (const area of ["result", "frame"]) $(area).addEventListener(type, (event) => import("./highlight.js").then(({ mark }) => mark(event), () => marksFinding(event) && offerReload()));
	}
}
