// Asks before something is deleted.
import { $, focusTitle } from "./dom.js";
import { discard, eraseAll, erased, forget } from "./erasure.js";
import { t } from "./language.js";

export function confirmErasure(entries) {
	confirm({
		title: entries.length > 1 ? t("Erase {n} pictures?", { n: entries.length }) : t("Erase this picture?"),
		text: t("The image data and what Google saw are deleted at Amazon, Microsoft and Temporal. For 7 days, Microsoft’s backups still contain what Google saw. This cannot be undone."),
		button: t("Erase"),
		act: () => eraseAll(entries, erased()),
	});
}

export function confirmForgetting(entries, afterwards) {
	confirm({
		title: entries.length > 1 ? t("Forget {n} pictures?", { n: entries.length }) : t("Forget this picture?"),
		text: t("Nothing is deleted online: only this device forgets the link and the preview. You can never erase a forgotten picture. Your browser’s own history may keep its link."),
		button: t("Forget"),
		act: () => {
			forget(entries);
			afterwards();
		},
	});
}

export function confirmLoss(act) {
	confirm({
		title: t("Discard this picture?"),
		text: t("Only this page has it."),
		button: t("Discard"),
		act,
	});
}

export function confirmDiscarding(entry) {
	confirm({
		title: t("Discard this picture?"),
		text: t("The upload was not completed. This deletes the picture from this device. Anything that has arrived is erased too."),
		button: t("Discard"),
		act: () => discard(entry),
	});
}

function confirm({ title, text, button, act }) {
	$("confirm-title").textContent = title;
	$("confirm-text").textContent = text;
	$("confirm-act").textContent = button;
	$("confirm-act").onclick = () => {
		$("confirm").close();
		act();
		focusTitle();
	};
	$("confirm").showModal();
}
