// This module adds fault switches, called plugs, to the page. Only `go run ./local` serves this file, so the deployed
// site has no fault switches.
import { request, retry } from "/api.js";
import { $, element } from "/dom.js";
import { untilReady } from "/local/start.js";
import { addRenderer, set, state } from "/state.js";

const faultsURL = "/local/faults";
const faults = [["down", "Pull the plug", " of "], ["slow", "Slow", " down "], ["throttle", "Throttle", " "]];
const panels = { presign: "aws", annotate: "google", persist: "azure" };

const sheet = element("link", { rel: "stylesheet", href: "/local/plugs.css" });
const styled = new Promise((resolve) => { sheet.onload = sheet.onerror = resolve; });
document.head.append(sheet);
await styled;
await untilReady();

let current = await retry(() => request(faultsURL)); // {faults, temporalUI}

for (const [step, cloud] of Object.entries(panels)) {
	const panel = document.querySelector(`#steps [data-step="${step}"]`);
	panel.querySelector(".state").after(plug(cloud, panel.querySelector("h3").textContent));
}
const run = element("a", { id: "run", target: "_blank", rel: "noopener", hidden: true }, "See this run");
$("steps").after(element("div", { id: "temporal" },
	element("p", {}, "Carried from cloud to cloud by ", element("b", {}, "Temporal"), ". ", run),
	plug("temporal", "Temporal", "down")));
$("steps").classList.add("plugged");
addRenderer(draw);
draw(state);

function plug(cloud, name, only) {
	return element("div", { className: "plug", "data-cloud": cloud }, ...faults.filter(([fault]) => (only ?? fault) === fault).map(([fault, label, link]) => {
		const button = element("button", { type: "button", "data-fault": fault }, label, element("span", { className: "sr-only" }, link + name));
		button.onclick = () => toggle(cloud, fault);
		return button;
	}));
}

const channel = new BroadcastChannel("triptych.faults");
channel.onmessage = ({ data }) => update(data);
// Another program may have set a fault while this tab was hidden.
document.addEventListener("visibilitychange", () => {
	if (document.visibilityState === "visible") request(faultsURL).then(update, () => {});
});

function update(next) {
	current = next;
	set({});
}

async function toggle(cloud, fault) {
	const body = JSON.stringify({ cloud, fault: current.faults[cloud] === fault ? "none" : fault });
	try {
		const next = await request(faultsURL, { method: "POST", headers: { "content-type": "application/json" }, body });
		update(next);
		channel.postMessage(next);
	} catch (error) {
		set({ notice: { text: error.message } });
	}
}

function draw({ view, progress }) {
	for (const group of document.querySelectorAll(".plug")) {
		for (const button of group.children) button.setAttribute("aria-pressed", current.faults[group.dataset.cloud] === button.dataset.fault);
	}
	run.hidden = view !== "picture" || !progress || !current.temporalUI;
	run.href = current.temporalUI + "/namespaces/default/workflows/" + encodeURIComponent("picture/" + progress?.reference);
}
