// This module shows that the Temporal server is still being built. Only `go run ./local` serves this file. Its texts are
// not in de.js, because the deployed site would load them too.
import { request, retry } from "/api.js";
import { $, element, setText } from "/dom.js";

const texts = {
	en: ["Temporal is still being built, which takes minutes the first time. You can take pictures now: they wait, and continue when it is ready.", "of", "packages"],
	de: ["Temporal wird noch gebaut. Das dauert beim ersten Mal einige Minuten. Du kannst schon Bilder aufnehmen: Sie warten und kommen an, sobald es fertig ist.", "von", "Paketen"],
};

// Returns when the site is ready, even if the site is stopped and started meanwhile.
export async function untilReady() {
	const bar = element("progress"), count = element("p");
	const text = element("p", { role: "status" }); // without the count, which screen readers would read each second
	const note = element("div", { id: "building" }, text, bar, count);
	for (;;) {
		const { ready, building } = await retry(() => request("/local/start"));
		if (ready) break;
		if (building) show(building);
		await new Promise((resolve) => setTimeout(resolve, 1000));
	}
	if (!note.isConnected) return;
	note.remove();
	dispatchEvent(new Event("online")); // makes the page ask for its picture immediately

	function show({ compiled, packages }) {
		const { lang } = document.documentElement;
		const [sentence, of, unit] = texts[lang.slice(0, 2)] ?? texts.en;
		if (!note.isConnected) $("head").after(note);
		setText(text, sentence);
		bar.setAttribute("aria-label", sentence); // Firefox before 119 has no property ariaLabel
		if (packages) Object.assign(bar, { max: packages, value: compiled });
		setText(count, packages ? `${compiled.toLocaleString(lang)} ${of} ${packages.toLocaleString(lang)} ${unit}` : "");
	}
}
