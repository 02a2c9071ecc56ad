// The page: one state, drawn in one place. The picture's ID is in the address, so that a reload goes on.
import * as camera from "./camera.js";
import { grant, send } from "./upload.js";
import { detailOf, headline, isSettled, stateOf, watch } from "./progress.js";
import { show } from "./result.js";

const $ = (id) => document.getElementById(id);

const state = {
  view: "start", // or "camera" or "journey"
  stream: null, // of the open camera
  severalCameras: false,
  id: "",
  unshowable: false, // it is no picture
  local: "", // the address of the picture as it was taken, in this browser only
  sent: null, // from 0 to 1 while it is uploaded
  progress: null,
  trouble: null, // why nothing new can be told
  notice: null, // {text, action, act}
  stop: () => {}, // watching
};

function set(change) {
  Object.assign(state, change);
  render();
}

function render() {
  for (const view of ["start", "camera", "journey"]) $(view).hidden = state.view !== view;
  $("switch-camera").hidden = !state.severalCameras;
  renderNotice();
  if (state.view === "journey") renderJourney();
}

function renderNotice() {
  const text = state.notice?.text ?? state.trouble;
  $("notice").hidden = !text;
  const [words, button] = $("notice").children;
  words.textContent = text ?? "";
  button.hidden = !state.notice?.act;
  button.textContent = state.notice?.action ?? "";
  button.onclick = state.notice?.act;
}

function renderJourney() {
  const { progress, sent } = state;
  const record = progress?.record;
  const words = sent !== null ? "Sending the picture to AWS" : progress ? headline(progress) : "Looking for the picture";
  if ($("status").textContent !== words) $("status").textContent = words;
  $("why").hidden = !record?.rejection;
  $("why").textContent = record?.rejection?.message ?? "";
  $("sent").hidden = sent === null;
  $("sent").value = sent ?? 0;
  for (const step of progress?.steps ?? []) {
    const panel = document.querySelector(`[data-step="${step.name}"]`);
    panel.dataset.status = step.status;
    panel.querySelector(".state").textContent = stateOf(step);
    panel.querySelector(".detail").textContent = detailOf(step);
  }
  renderPicture(progress);
  $("result").hidden = progress?.status !== "annotated" || !record;
}

function renderPicture(progress) {
  const erased = progress?.status === "erased";
  const known = progress && progress.status !== "waiting";
  const address = erased || state.unshowable ? "" : state.local || (known ? "/api/pictures/" + state.id + "/image" : "");
  $("picture").hidden = !address;
  if (!address) return $("image").removeAttribute("src");
  if ($("image").getAttribute("src") !== address) $("image").src = address;
}

async function openCamera() {
  try {
    const stream = await camera.open($("preview"), state.stream);
    set({ view: "camera", stream, severalCameras: (await camera.cameras()).length > 1, notice: null });
    $("shoot").focus();
  } catch (error) {
    closeCamera();
    set({ view: "start", notice: { text: camera.explain(error), action: "Try again", act: openCamera } });
  }
}

function closeCamera() {
  camera.close(state.stream);
  state.stream = null;
}

async function take(picture) {
  try {
    const blob = await picture();
    closeCamera();
    leave();
    set({ view: "journey", local: URL.createObjectURL(blob), sent: 0, notice: null });
    $("status").focus();
    const granted = await grant(blob);
    history.pushState(null, "", "#" + granted.id);
    state.id = granted.id;
    follow(granted.id);
    await send(blob, granted, (sent) => state.id === granted.id && set({ sent }));
    if (state.id === granted.id) set({ sent: null });
  } catch (error) {
    state.stop();
    set({ sent: null, notice: { text: error.message, action: "Start again", act: home } });
  }
}

function follow(id) {
  state.stop();
  const stop = watch(id, (progress) => {
    // What has a run has arrived, even if the answer to the upload got lost.
    set(progress.status === "waiting" ? { progress } : { progress, sent: null });
    if (progress.record?.annotation) show(progress.record.annotation, $("image"), $("boxes"));
    else $("boxes").replaceChildren();
  }, (trouble) => set({ trouble }));
  set({ stop });
}

// leave forgets the picture shown before.
function leave() {
  state.stop();
  if (state.local) URL.revokeObjectURL(state.local);
  Object.assign(state, { id: "", unshowable: false, local: "", sent: null, progress: null, trouble: null, notice: null });
  $("boxes").replaceChildren();
  for (const panel of document.querySelectorAll("[data-step]")) {
    delete panel.dataset.status;
    for (const part of panel.querySelectorAll(".state, .detail")) part.textContent = "";
  }
}

// go shows what the address names.
function go() {
  const id = location.hash.slice(1);
  if (id && id === state.id) return;
  closeCamera();
  leave();
  if (!id) return set({ view: "start" });
  state.id = id;
  set({ view: "journey" });
  follow(id);
}

function home() {
  history.pushState(null, "", location.pathname);
  go();
  $("open-camera").focus();
}

$("open-camera").onclick = openCamera;
$("switch-camera").onclick = openCamera;
$("shoot").onclick = () => take(() => camera.shoot($("preview")));
$("close-camera").onclick = () => { closeCamera(); set({ view: "start" }); };
$("file").onchange = (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) take(() => camera.fromFile(file));
};
$("image").onerror = () => set({ unshowable: true });
$("again").onclick = home;
document.querySelector("h1 a").onclick = (event) => { event.preventDefault(); home(); };
addEventListener("popstate", go);
// A retry that is due in so many seconds is told anew as they pass.
setInterval(() => state.view === "journey" && !isSettled(state.progress) && renderJourney(), 1000);
go();
