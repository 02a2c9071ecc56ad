// Pulling the plug of a cloud, on one's own machine only: the machine brings this to the page by itself, and the
// page that is served from the cloud has nothing of it.
import { request, retry } from "/api.js";
import { $, element } from "/dom.js";
import { addRenderer, set, state } from "/state.js";

const address = "/local/faults";
const faults = [["down", "Pull the plug"], ["slow", "Slow"], ["throttle", "Throttle"]];
const panels = { presign: "aws", annotate: "google", persist: "azure" };

let local = await retry(() => request(address)); // {faults, temporalUI}

const sheet = element("link", { rel: "stylesheet", href: "/local/plugs.css" });
const dressed = new Promise((resolve) => { sheet.onload = sheet.onerror = resolve; });
document.head.append(sheet);
await dressed;

for (const [step, cloud] of Object.entries(panels)) {
	const panel = document.querySelector(`#steps [data-step="${step}"]`);
	panel.querySelector(".state").after(plug(cloud, panel.querySelector("h3").textContent));
}
const run = element("a", { id: "run", target: "_blank", rel: "noopener", hidden: true }, "See this run");
$("steps").after(element("div", { id: "temporal" },
	element("p", {}, "Carried from cloud to cloud by ", element("b", {}, "Temporal"), ". ", run),
	plug("temporal", "Temporal", "down")));
$("steps").classList.add("plugged");
addRenderer(show);
show(state);

// plug is the buttons of one cloud; only names one fault, if it can have no other.
function plug(cloud, name, only) {
	return element("div", { className: "plug", "data-cloud": cloud }, ...faults.filter(([fault]) => (only ?? fault) === fault).map(([fault, label]) => {
		const button = element("button", { type: "button", "data-fault": fault }, label, element("span", { className: "sr-only" }, " of " + name));
		button.onclick = () => press(cloud, fault);
		return button;
	}));
}

// Someone else may have pulled a plug while this page was not looked at.
document.addEventListener("visibilitychange", () => {
	if (document.visibilityState === "visible") request(address).then(learn, () => {});
});

function learn(now) {
	local = now;
	set({});
}

async function press(cloud, fault) {
	const body = JSON.stringify({ cloud, fault: local.faults[cloud] === fault ? "none" : fault });
	try {
		learn(await request(address, { method: "POST", headers: { "content-type": "application/json" }, body }));
	} catch (error) {
		set({ notice: { text: error.message } });
	}
}

function show({ view, id }) {
	for (const place of document.querySelectorAll(".plug")) {
		for (const button of place.children) button.setAttribute("aria-pressed", local.faults[place.dataset.cloud] === button.dataset.fault);
	}
	run.hidden = view !== "picture" || !id || !local.temporalUI;
	run.href = local.temporalUI + "/namespaces/default/workflows/" + encodeURIComponent("picture/" + id);
}
