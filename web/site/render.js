// Renders the state into the page.
import { urlOf } from "./api.js";
import { $, element, setText } from "./dom.js";
import { announcements, explanation } from "./explanation.js";
import { loadResultTexts, t } from "./language.js";
import { renderHistory, renderUnsent } from "./lists.js";
import { isSettled } from "./progress.js";
import { offerReload } from "./share.js";
import { set } from "./state.js";
import { bytes, description, erasable, headline, isAbsent, isErasing, isStopped, retentionText, stepDetail, stepState, stepsOf } from "./text.js";
import { thumbnail } from "./thumbnails.js";

const card = new File([""], "triptych.jpg", { type: "image/jpeg" });
const rendered = {};
let resultView, loading, resultFailed = false;

function onChange(name, value, update) {
	if (rendered[name] === value) return;
	rendered[name] = value;
	update();
}

function loadResultView() {
	loading ??= Promise.all([import("./resultview.js"), loadResultTexts()]).then(([module]) => {
		resultView = module;
		set({});
	}, () => {
		resultFailed = true;
		set({});
	});
}

export function render(state, actions) {
	const { view, progress } = state;
	if (view === "review" || view === "picture") loadResultView();
	const missing = resultFailed && view === "picture" && progress?.record?.annotation && state.id;
	onChange("missing", missing, () => missing && offerReload());
	const annotation = view === "picture" && resultView ? progress?.record?.annotation : undefined;
	document.body.dataset.view = view;
	const [title, text] = headline(state);
	setText($("title"), title);
	setText($("lead"), text);
	document.title = (view === "picture" ? title + " · " : "") + "Triptych";
	for (const [id, visible] of Object.entries({
		agreement: view === "start" && !state.agreed,
		start: view === "start" && state.agreed,
		camera: view === "camera",
		review: view === "review",
		upload: view === "picture" && state.upload,
		result: annotation,
		after: view === "picture" && !state.upload,
		"save-card": !state.imageGone,
		"share-card": !state.imageGone && navigator.canShare?.({ files: [card] }),
		unsent: view === "start" && state.unsent.length,
		history: view === "start" && state.history.length,
		"erase-all": erasable(state).length,
		"forget-all": erasable(state).length,
	})) $(id).hidden = !visible;
	setText($("retention"), retentionText(state));
	renderNotice(state.notice, actions);
	renderCamera(state);
	renderSteps(state);
	onChange("annotation", annotation, () => resultView?.renderFindings(annotation, state.overlays, actions));
	renderExplanation(state);
	renderPicture(state, annotation);
	if (view === "review") renderReview(state);
	if (state.upload) renderUpload(state.upload);
	renderOwn(state);
	$("choose-another").hidden = progress?.status !== "rejected";
	setText($("another"), isAbsent(state) && progress?.status !== "erased" ? t("Take a picture") : t("Take another"));
	renderHistory(state.history, actions);
	renderUnsent(state.unsent, actions);
}

// renderOwn renders what only the sender's browser can do with the picture in view.
function renderOwn(state) {
	const { progress } = state, own = state.history.some(({ id }) => id === state.id), erasing = isErasing(state);
	$("erase-this").hidden = !own || progress?.status === "erased";
	$("erase-this").disabled = $("result").inert = erasing;
	setText($("erase-this"), erasing ? t("Erasing…") : t("Erase this one"));
	$("result").classList.toggle("erasing", erasing);
	$("forget-this").hidden = !own || erasing || !isSettled(progress) && !isAbsent(state);
}

function renderNotice(notice, actions) {
	const [text, button, dismiss] = $("notice").children;
	$("notice").hidden = !notice;
	setText(text, notice ? t(notice.text) : "");
	button.hidden = !notice?.action;
	setText(button, notice?.action ?? "");
	button.onclick = () => actions.remedy(notice);
	dismiss.onclick = actions.dismiss;
}

function renderCamera({ view, stream, muted, mirror, cameras, camera, countdown }) {
	const video = $("preview");
	video.hidden = view !== "camera";
	video.classList.toggle("mirror", mirror);
	if (video.srcObject !== stream) video.srcObject = stream;
	setText($("count"), countdown ? String(countdown) : "");
	setText($("shoot"), countdown ? t("Stop") : t("Take the picture"));
	$("shoot").setAttribute("aria-disabled", muted); // a disabled button would lose the focus
	$("mirror").checked = mirror;
	$("camera-label").hidden = cameras.length < 2;
	onChange("cameras", cameras, () => $("cameras").replaceChildren(...cameras.map(({ id, name }) => element("option", { value: id }, name))));
	if (camera) $("cameras").value = camera;
}

function renderSteps(state) {
	for (const step of stepsOf(state)) {
		for (const node of document.querySelectorAll(`[data-step="${step.name}"]`)) node.dataset.status = step.status;
		const item = document.querySelector(`#steps [data-step="${step.name}"]`);
		setText(item.querySelector(".state"), stepState(step, state.progress));
		setText(item.querySelector(".detail"), stepDetail(step));
	}
	$("steps").hidden = isAbsent(state);
	$("panels").classList.toggle("settled", isSettled(state.progress));
}

function renderExplanation(state) {
	const { step = "", ...texts } = explanation(state);
	$("explanation").hidden = !Object.values(texts).some(Boolean);
	$("explanation").dataset.step = step;
	for (const name of ["now", "reason", "next"]) setText($(name), texts[name] || "");
	const sentences = announcements(state), fresh = sentences.filter((text) => !rendered.sentences?.includes(text));
	rendered.sentences = sentences;
	if (fresh.length || !sentences.length) setText($("announcement"), fresh.join(" "));
}

function imageURL({ view, photo, id, progress, imageTries }) {
	if (view === "review") return photo.url;
	if (view !== "picture" || progress?.status === "erased") return "";
	if (photo) return photo.url;
	return progress && (progress.status !== "waiting" || isStopped(progress)) ? urlOf(id) + "/image" + (imageTries ? "#" + imageTries : "") : "";
}

// Until the image is loaded, its thumbnail is shown if this device has one.
function backdropURL(state, url) {
	if (url && !state.imageFailed) return url;
	if (state.view !== "picture" || state.imageGone || isAbsent(state)) return "";
	const entry = state.history.find(({ id, thumb }) => id === state.id && thumb);
	return entry ? thumbnail(entry) : "";
}

function renderPicture(state, annotation) {
	const url = imageURL(state), backdrop = backdropURL(state, url);
	$("image").alt = description(annotation);
	$("frame").style.aspectRatio = aspectRatio(state);
	$("frame").classList.toggle("blank", state.view === "picture" && !backdrop);
	$("frame").classList.toggle("rejected", state.view === "picture" && state.progress?.status === "rejected");
	showImage($("image"), url, state.imageFailed);
	showImage($("backdrop"), backdrop);
	const { id, imageSize, imageFailed, overlays } = state;
	const drawable = url && !imageFailed && annotation && imageSize;
	onChange("overlay", drawable && JSON.stringify([id, imageSize, overlays, $("overlay").clientWidth]), () => resultView?.renderOverlay(drawable && annotation, imageSize, overlays));
	onChange("faces", drawable && annotation, () => annotation && resultView.drawFaces(drawable && $("image"), annotation));
}

function showImage(image, url, isHidden) {
	image.hidden = !url || isHidden;
	if (!url) image.removeAttribute("src");
	else if (image.getAttribute("src") !== url) image.src = url;
}

function aspectRatio({ view, videoSize, photo }) {
	const size = view === "camera" ? videoSize : view === "start" ? null : photo?.size;
	return size ? Math.min(16 / 9, Math.max(4 / 3, size[0] / size[1])) : "";
}

function renderReview({ photo }) {
	$("download").href = photo.url;
	setText($("retake"), photo.fromCamera ? t("Retake") : t("Choose another"));
	const values = { pixels: photo.size.join(" × "), size: bytes(photo.blob.size) };
	setText($("photo-info"), t("{pixels} pixels, {size}. It does not contain where or when it was taken.", values));
}

function renderUpload({ loaded, total, waiting }) {
	$("sent").hidden = Boolean(waiting);
	$("sent").value = loaded / total;
	setText($("bytes"), waiting ? "" : t("{loaded} of {total}", { loaded: bytes(loaded), total: bytes(total) }));
}
