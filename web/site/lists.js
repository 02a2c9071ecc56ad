// Renders the lists of this browser's pictures.
import { $, element } from "./dom.js";
import { language, t } from "./language.js";
import { thumbnail } from "./thumbnails.js";

export const renderHistory = (history, actions) => renderList($("pictures"), history, (entry, time) => {
	const { id, erasing } = entry;
	return element("li", { className: erasing ? "erasing" : "" },
		element("a", { href: "#" + id }, picture(entry, time)),
		erasing
			? element("button", { disabled: true }, t("Erasing…"))
			: element("button", { "aria-label": t("Erase the picture of {time}", { time }), onclick: () => actions.erase([entry]) }, t("Erase")));
});

export const renderUnsent = (unsent, actions) => renderList($("unsent-pictures"), unsent, (entry, time) => element("li", {},
	picture(entry, time),
	element("button", { className: "primary", "aria-label": t("Send the picture of {time}", { time }), onclick: () => actions.resume(entry) }, t("Send")),
	element("button", { "aria-label": t("Discard the picture of {time}", { time }), onclick: () => actions.discard(entry) }, t("Discard"))));

const picture = (entry, time) => element("img", { src: thumbnail(entry), alt: t("Picture of {time}", { time }) });
const timeOf = ({ taken }) => new Date(taken).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

// renderList keeps and does not move the item of an unchanged entry, because the item would lose the focus.
function renderList(list, entries, make) {
	const before = new Map([...list.children].map((item) => [item.version, item]));
	const items = entries.map((entry) => {
		const version = JSON.stringify(entry);
		return before.get(version) ?? Object.assign(make(entry, timeOf(entry)), { version });
	});
	for (const item of before.values()) if (!items.includes(item)) item.remove();
	items.forEach((item, i) => item !== list.children[i] && list.insertBefore(item, list.children[i]));
}
