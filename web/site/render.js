// Drawing the state: the only place that changes what the page shows.
import { addressOf } from "./api.js";
import { $, element, write } from "./element.js";
import { thumbnail } from "./album.js";
import { draw, kinds } from "./marks.js";
import { isSettled } from "./progress.js";
import { findings } from "./result.js";
import { bytes, detailOf, headline, keptFor, said, stateOf, stepsOf } from "./words.js";

const drawn = {}; // what of the state is on the page already

// once calls make when what is to be shown is not what was shown before.
function once(name, now, make) {
	if (drawn[name] === now) return;
	drawn[name] = now;
	make();
}

export function render(state, act) {
	const { view, progress } = state;
	const annotation = view === "journey" ? progress?.record?.annotation : undefined;
	document.body.dataset.view = view;
	const [title, text] = headline(state);
	write($("title"), title);
	write($("lead"), text);
	document.title = (view === "journey" ? title + " · " : "") + "Triptych";
	for (const [id, shown] of Object.entries({
		agreement: view === "start" && !state.agreed,
		start: view === "start" && state.agreed,
		camera: view === "camera",
		review: view === "review",
		upload: view === "journey" && state.upload,
		result: annotation,
		after: view === "journey" && !state.upload,
		history: view === "start" && state.history.length,
	})) $(id).hidden = !shown;
	write($("kept"), keptFor(state));
	renderNotice(state, act);
	renderCamera(state);
	renderSteps(state);
	renderPicture(state, annotation);
	if (view === "review") renderReview(state);
	if (state.upload) renderUpload(state.upload);
	$("erase-this").hidden = progress?.status === "erased" || !state.history.some(({ id }) => id === state.id);
	once("annotation", annotation, () => renderResult(annotation, state.shown, act));
	once("history", state.history, () => renderHistory(state.history, act));
}

function renderNotice({ notice }, act) {
	const [words, button, dismiss] = $("notice").children;
	$("notice").hidden = !notice;
	write(words, notice?.text ?? "");
	button.hidden = !notice?.action;
	write(button, notice?.action ?? "");
	button.onclick = () => act.follow(notice);
	dismiss.onclick = act.dismiss;
}

function renderCamera({ view, stream, mirror, cameras, camera, count }) {
	const video = $("preview");
	video.hidden = view !== "camera";
	video.classList.toggle("mirror", mirror);
	if (video.srcObject !== stream) video.srcObject = stream;
	write($("count"), count ? String(count) : "");
	write($("shoot"), count ? "Stop" : "Take the picture");
	$("which").hidden = cameras.length < 2;
	once("cameras", cameras, () => $("cameras").replaceChildren(...cameras.map(({ id, name }) => element("option", { value: id }, name))));
	if (camera) $("cameras").value = camera;
}

function renderSteps(state) {
	for (const step of stepsOf(state)) {
		for (const place of document.querySelectorAll(`[data-step="${step.name}"]`)) place.dataset.status = step.status;
		const panel = document.querySelector(`#steps [data-step="${step.name}"]`);
		write(panel.querySelector(".state"), stateOf(step));
		write(panel.querySelector(".detail"), detailOf(step));
	}
	$("leaves").classList.toggle("settled", isSettled(state.progress));
	write($("said"), state.view === "journey" ? said(state) : "");
}

function addressOfPicture({ view, shot, id, progress, unshowable }) {
	if (view === "review") return shot.url;
	if (view !== "journey" || unshowable || progress?.status === "erased") return "";
	if (shot) return shot.url;
	return progress && progress.status !== "waiting" ? addressOf(id) + "/image" : "";
}

function renderPicture(state, annotation) {
	const address = addressOfPicture(state);
	for (const image of [$("image"), $("ambient")]) {
		image.hidden = !address;
		if (!address) image.removeAttribute("src");
		else if (image.getAttribute("src") !== address) image.src = address;
	}
	once("marks", address && annotation && state.size && JSON.stringify([state.id, state.size, state.shown]), () => {
		if (address && annotation && state.size) draw($("marks"), annotation, state.size, state.shown);
		else $("marks").replaceChildren();
	});
}

function renderReview({ shot }) {
	$("download").href = shot.url;
	write($("retake"), shot.fromCamera ? "Retake" : "Choose another");
	write($("weight"), shot.size.join(" × ") + " pixels, " + bytes(shot.blob.size) + ". Where and when it was taken is not in it.");
}

function renderUpload({ loaded, total }) {
	$("sent").value = loaded / total;
	write($("bytes"), bytes(loaded) + " of " + bytes(total));
}

function renderResult(annotation, shown, act) {
	$("findings").replaceChildren(...annotation ? findings(annotation) : []);
	$("raw").open = false;
	$("raw").querySelector("pre").textContent = annotation ? JSON.stringify(annotation, null, 2) : "";
	$("toggles").replaceChildren(...kinds(annotation).map(([kind, label]) => {
		const onchange = (event) => act.toggle(kind, event.target.checked);
		return element("label", {}, element("input", { type: "checkbox", name: kind, checked: shown[kind], onchange }), label);
	}));
}

function renderHistory(history, act) {
	$("pictures").replaceChildren(...history.map((entry) => {
		const when = new Date(entry.taken).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
		const link = element("a", { href: "#" + entry.id });
		const address = thumbnail(entry);
		if (address) link.append(element("img", { src: address, alt: "Picture of " + when }));
		else link.setAttribute("aria-label", "Picture of " + when);
		const onclick = () => act.erase([entry]), disabled = entry.erasing;
		const button = element("button", { type: "button", disabled, onclick }, disabled ? "Erasing…" : "Erase", element("span", { className: "unseen" }, " the picture of " + when));
		return element("li", { className: disabled ? "gone" : "" }, link, button);
	}));
}
