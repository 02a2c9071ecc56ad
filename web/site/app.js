// What a person can do. The picture's ID is behind the # of the address: a reload goes on, and no log has it.
import * as album from "./album.js";
import { ask, insist } from "./api.js";
import { choose, choosePending, closeCamera, openCamera, retake, shoot } from "./booth.js";
import { $ } from "./element.js";
import { cancel, discard, follow, isSending, leave, send } from "./journey.js";
import { fileIn } from "./photo.js";
import { render } from "./render.js";
import { drawWith, set, state } from "./state.js";
import { isMoving } from "./words.js";

const act = {
	dismiss: () => {
		set({ notice: null });
		rest();
	},
	follow: ({ then }) => {
		set({ notice: null });
		if (then === "camera") openCamera();
		else $("file").click();
	},
	toggle: (kind, on) => set({ shown: { ...state.shown, [kind]: on } }),
	erase: askToErase,
};

const erased = "Erased. Nobody can see any of it, and all copies are being deleted.";

// rest gives the focus a place to stay when what had it is gone.
const rest = () => $("title").focus({ preventScroll: true });

// show brings up what the address names.
function show() {
	const id = location.hash.slice(1);
	if (id && id === state.id) return;
	closeCamera();
	leave();
	set({ view: id ? "journey" : "start", id, notice: null });
	if (id) follow(id);
}

function go() {
	show();
	$("title").focus();
}

function home() {
	if (location.hash) history.pushState(null, "", location.pathname);
	go();
}

function agree() {
	album.agree();
	set({ agreed: true, notice: null });
	if (!choosePending()) $("open-camera").focus();
}

function askToErase(entries) {
	$("sure-title").textContent = entries.length > 1 ? "Erase " + entries.length + " pictures?" : "Erase this picture?";
	$("sure-erase").onclick = () => {
		$("sure").close();
		discard(entries, erased);
		rest();
	};
	$("sure").showModal();
}

drawWith((now) => render(now, act));
if (!state.agreed) insist(() => ask("/api/notice"), { most: 5 }).then(({ retentionDays }) => set({ retentionDays }), () => {});

const clicks = {
	"agree": agree,
	"open-camera": () => openCamera(),
	"shoot": shoot,
	"preview": shoot,
	"close-camera": home,
	"choose": () => $("file").click(),
	"send": () => { closeCamera(); send(); },
	"retake": retake,
	"cancel": cancel,
	"again": home,
	"erase-this": () => askToErase(state.history.filter(({ id }) => id === state.id)),
	"erase-all": () => askToErase(state.history),
	"sure-keep": () => $("sure").close(),
};
for (const [id, click] of Object.entries(clicks)) $(id).onclick = click;
$("home").onclick = (event) => { event.preventDefault(); home(); };
$("cameras").onchange = (event) => openCamera(event.target.value);
$("file").onchange = (event) => { choose(event.target.files[0]); event.target.value = ""; };
$("image").onload = () => set({ size: [$("image").naturalWidth, $("image").naturalHeight] });
$("image").onerror = () => set({ unshowable: true });

function drag(event) {
	event.preventDefault();
	document.body.classList.toggle("dropping", event.type === "dragover");
}

addEventListener("keydown", (event) => {
	if (event.key !== " " || state.view !== "camera" || event.target.closest("button, select, a")) return;
	event.preventDefault();
	shoot();
});
addEventListener("paste", (event) => choose(fileIn(event.clipboardData)));
addEventListener("dragover", drag);
addEventListener("dragleave", drag);
addEventListener("drop", (event) => { drag(event); choose(fileIn(event.dataTransfer)); });
addEventListener("popstate", go);
addEventListener("storage", () => set({ history: album.load() }));
addEventListener("beforeunload", (event) => isSending() && event.preventDefault());
setInterval(() => isMoving(state) && set({}), 500);
show();
// From here on what changes may move.
requestAnimationFrame(() => document.body.classList.add("ready"));
discard(state.history.filter(({ erasing }) => erasing), erased);
// A machine of one's own brings switches that pull the plug of a cloud.
if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) import("/local/plugs.js").catch(() => {});
