// Watching a picture until it is settled, and saying in words how its steps stand.
import { failure } from "./upload.js";

const settled = ["annotated", "rejected", "erased"];
const silence = 5_000;

export function isSettled(progress) {
  return settled.includes(progress?.status);
}

// watch calls onProgress with each change and onTrouble with why none can be had, null once it can. The
// stream ends every minute and comes back by itself. When it is silent the page asks once more, since a
// stream cannot say what is wrong. It ends
// when the picture is settled, and returns what stops it before.
export function watch(id, onProgress, onTrouble) {
  const address = "/api/pictures/" + encodeURIComponent(id);
  let source, timer, over = false;

  function stop() {
    over = true;
    clearTimeout(timer);
    source?.close();
  }

  function news(progress) {
    if (over) return;
    if (isSettled(progress)) stop();
    else wait();
    onTrouble(null);
    onProgress(progress);
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(ask, silence);
  }

  async function ask() {
    try {
      const response = await fetch(address);
      if (response.ok) return news(await response.json());
      const error = await failure(response);
      if (over) return;
      if (response.status === 404) stop();
      onTrouble(error.message);
    } catch {
      if (!over) onTrouble("The site cannot be reached: check your connection. The picture goes on without you.");
    }
    if (over) return;
    if (source.readyState === EventSource.CLOSED) listen();
    wait();
  }

  function listen() {
    source = new EventSource(address + "/events");
    source.onmessage = (event) => news(JSON.parse(event.data));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) ask();
    };
  }

  listen();
  wait();
  return stop;
}

// states are what a step's status means, for a person.
const states = { waiting: "Waiting", running: "Working…", retrying: "Trying again", done: "Done", failed: "Failed" };

// stateOf is a step in a few words, and detailOf what more there is to say.
export function stateOf(step) {
  return states[step.status] ?? step.status;
}

export function detailOf(step) {
  const parts = [];
  if (step.error) parts.push(sentence(step.error));
  if (step.status === "retrying" && step.attempt) {
    const seconds = Math.round((Date.parse(step.nextAttemptAt ?? "") - Date.now()) / 1000);
    parts.push("Attempt " + step.attempt + (seconds > 0 ? " in " + duration(seconds) + "." : "."));
  } else if (step.status === "done" && step.startedAt && step.finishedAt) {
    const ms = Date.parse(step.finishedAt) - Date.parse(step.startedAt);
    if (ms > 0) parts.push(ms < 1000 ? ms + " ms." : (ms / 1000).toFixed(1) + " s.");
    if (step.attempt > 1) parts.push("It took " + step.attempt + " attempts.");
  }
  return parts.join(" ");
}

// headline is how the picture stands as a whole.
export function headline(progress) {
  switch (progress.status) {
    case "annotated": return "Your picture arrived in all three clouds";
    case "rejected": return "This picture cannot be used";
    case "erased": return "This picture was erased";
    case "running": return progress.steps.some((step) => step.status === "retrying")
      ? "One cloud is not ready. Your picture waits for it"
      : "On its way";
  }
  if (progress.steps.some((step) => step.status === "failed")) return "The journey was broken off, and waits to be started again";
  return tooLate(progress.id) ? "This picture never arrived" : "Waiting for the picture to arrive";
}

// tooLate says that the grant of a picture has expired; an ID begins with when it was minted.
function tooLate(id) {
  const minted = parseInt(id.replaceAll("-", "").slice(0, 12), 16);
  return Date.now() - minted > 16 * 60_000;
}

function sentence(text) {
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : whole + ".";
}

function duration(seconds) {
  return seconds < 90 ? seconds + " s" : Math.round(seconds / 60) + " min";
}
