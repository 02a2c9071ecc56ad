// Pulling the plug of a cloud, on one's own machine only: the page asks only at a loopback name, and a site in
// the cloud has nothing to answer.
import { ask } from "./api.js";
import { element } from "./element.js";

const address = "/local/faults";
const names = { aws: "AWS", google: "Google Cloud", azure: "Azure", temporal: "Temporal" };
const faults = [["down", "Pull the plug"], ["slow", "Slow"], ["throttle", "Throttle"]];

export async function load() {
	if (!["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) return null;
	return ask(address).catch(() => null);
}

export function set(cloud, fault) {
	return ask(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ cloud, fault }) });
}

export function show(local, press) {
	for (const place of document.querySelectorAll(".plug")) {
		const cloud = place.dataset.cloud, now = local.faults[cloud];
		if (!place.firstChild) place.append(...buttons(cloud));
		for (const button of place.children) {
			const { fault } = button.dataset, on = now === fault;
			button.hidden = now === undefined;
			button.setAttribute("aria-pressed", on);
			button.onclick = () => press(cloud, on ? "none" : fault);
		}
	}
}

function buttons(cloud) {
	return faults.filter(([fault]) => cloud !== "temporal" || fault === "down").map(([fault, label]) =>
		element("button", { type: "button", "data-fault": fault }, label, element("span", { className: "unseen" }, " of " + names[cloud])));
}
