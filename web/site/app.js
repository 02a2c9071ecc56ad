// URL fragments keep the secret link ID out of page requests.
import * as agreement from "./agreement.js";
import { request, retry } from "./api.js";
import { addHistoryEntry, chooseFile, choosePending, chooseMirror, closeCamera, openCamera, retake, shoot } from "./capture.js";
import { confirmDiscarding, confirmErasure, confirmForgetting, confirmLoss } from "./confirm.js";
import { $, focusTitle } from "./dom.js";
import { continueErasing, eraseAll, erased, setOnErased } from "./erasure.js";
import * as pictures from "./history.js";
import { watchImage } from "./image.js";
import { load } from "./language.js";
import { imageIn } from "./photo.js";
import { render } from "./render.js";
import { cancel, follow, forgetErased, isSending, reset, resume, send, stopIfRemoved } from "./session.js";
import { copyLink, markFindings, saveCard, shareCard } from "./share.js";
import { addRenderer, set, state } from "./state.js";
import { erasable, isChanging } from "./text.js";
import { startServiceWorker } from "./workers.js";

const actions = {
	dismiss: () => {
		set({ notice: null });
		focusTitle();
	},
	remedy: ({ then }) => {
		actions.dismiss();
		if (then === "reload") location.reload();
		else if (then === "camera") openCamera();
		else $("file").click();
	},
	toggle: (kind, on) => set({ overlays: { ...state.overlays, [kind]: on } }),
	erase: confirmErasure,
	resume: (entry) => { closeCamera(); addHistoryEntry(); resume(entry); },
	discard: confirmDiscarding,
};

function showPageOfURL() {
	$("confirm").close();
	const id = location.hash.slice(1);
	if (id && id === state.id && state.view === "picture") return;
	closeCamera();
	reset();
	set({ view: id ? "picture" : "start", id, notice: null });
	if (id && !resumeInView()) follow(id);
}

function resumeInView() {
	const entry = pictures.find(({ id, unsent }) => unsent?.blob && id === state.id);
	if (entry) resume(entry);
	return entry;
}

function start(lists) {
	set(lists);
	if (state.id && !isSending()) resumeInView();
	forgetErased();
	eraseAll(pictures.toErase(), erased());
}

function update(lists) {
	const before = inView();
	set(lists);
	stopIfRemoved();
	if (before.length === inView().length) return;
	if (before[0]?.erasing) set({ progress: null }); // otherwise, the old result would appear until the next response
	follow(state.id); // another tab has sent, erased or forgotten the picture
}

function navigate() {
	showPageOfURL();
	$("title").focus();
}

function home() {
	if (isOnlyInReview(state)) return confirmLoss(leave);
	leave();
}

function leave() {
	if (history.state === "capture" && !location.hash) return history.back(); // to the start: see addHistoryEntry
	if (location.hash) history.pushState(null, "", location.pathname);
	navigate();
}

function agree() {
	agreement.agree();
	set({ agreed: true, notice: null });
	if (choosePending()) focusTitle();
	else $("open-camera").focus();
}

function forgetEntries(entries) {
	confirmForgetting(entries, () => {
		history.replaceState(null, "", location.pathname); // otherwise, the Back button would show the picture
		showPageOfURL();
	});
}

if (!state.agreed) retry(() => request("/api/notice"), { max: 5 }).then(({ retentionDays }) => set({ retentionDays }), () => {});

const inView = () => state.history.filter(({ id }) => id === state.id);

const clicks = {
	"agree": agree,
	"open-camera": () => openCamera(),
	"shoot": shoot,
	"preview": shoot,
	"close-camera": home,
	"choose": () => $("file").click(),
	"send": ({ detail, timeStamp }) => {
		if (detail > 1 || timeStamp - state.photo.shownAt < 500) return; // a second click on the shutter, which was in the same place
		closeCamera();
		send();
	},
	"retake": retake,
	"cancel": cancel,
	"another": home,
	"choose-another": () => $("file").click(),
	"save-card": saveCard,
	"share-card": shareCard,
	"copy-link": copyLink,
	"erase-this": () => confirmErasure(inView()),
	"forget-this": () => forgetEntries(inView()),
	"erase-all": () => confirmErasure(erasable(state)),
	"forget-all": () => forgetEntries(erasable(state)),
	"confirm-keep": () => $("confirm").close(),
};
for (const [id, click] of Object.entries(clicks)) $(id).onclick = click;
$("home").onclick = (event) => { event.preventDefault(); home(); };
$("cameras").onchange = (event) => openCamera(event.target.value);
$("file").onchange = (event) => { choose(event.target.files[0]); event.target.value = ""; };
$("frame").onanimationend = () => $("frame").classList.remove("flash");
$("mirror").onchange = (event) => chooseMirror(event.target.checked);
$("preview").onresize = () => set({ videoSize: [$("preview").videoWidth, $("preview").videoHeight] });
watchImage();

// Until it is sent, only this page has a photo from the camera, unless IndexedDB has stored it.
const isOnlyInReview = ({ view, photo }) => view === "review" && photo.fromCamera && !pictures.find(({ key }) => key === photo.key);
const isOnlyInMemory = ({ key, unsent }) => unsent.fromCamera && !pictures.isImageStored(key);

function choose(file) {
	if (!file || $("confirm").open) return;
	if (isOnlyInReview(state)) confirmLoss(() => chooseFile(file));
	else chooseFile(file);
}

function drag(event) {
	event.preventDefault();
	document.body.classList.toggle("dropping", event.type === "dragover");
}

addEventListener("keydown", (event) => {
	const { key, repeat, target } = event;
	const isShutter = key === " " && state.view === "camera" && !target.closest("button, select, a, input");
	// A key that is held on the shutter must not press “Send it”, which gets the focus.
	if (isShutter || repeat && [" ", "Enter"].includes(key) && target.closest("button")) event.preventDefault();
	if (isShutter && !repeat) shoot();
	if (key !== "Escape" || !state.notice || $("confirm").open) return;
	if ($("notice").contains(target)) actions.dismiss();
	else set({ notice: null });
});
addEventListener("paste", (event) => choose(imageIn(event.clipboardData)));
addEventListener("dragover", drag);
addEventListener("dragleave", drag);
addEventListener("drop", (event) => { drag(event); choose(imageIn(event.dataTransfer)); });
addEventListener("popstate", navigate);
addEventListener("resize", () => set({}));
markFindings();
addEventListener("online", continueErasing);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && continueErasing());
addEventListener("beforeunload", (event) => (state.upload || isOnlyInReview(state) || state.unsent.some(isOnlyInMemory)) && event.preventDefault());
setInterval(() => isChanging(state) && set({}), 500);
load().then(() => {
	addRenderer((now) => render(now, actions));
	showPageOfURL();
	pictures.load().then(start);
	pictures.onChange(update);
	setOnErased((id, progress) => {
		if (state.id !== id) return;
		set({ progress });
		follow(id);
	});
	// The class "ready" shows the page, and enables CSS transitions after the first layout.
	requestAnimationFrame(() => document.body.classList.add("ready"));
});
// `go run ./local` serves plugs.js, which adds switches that inject faults.
if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) import("/local/plugs.js").catch(() => {});
startServiceWorker();
