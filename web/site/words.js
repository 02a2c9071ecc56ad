// How things stand, in words.
import { isSettled } from "./progress.js";

export function headline(state) {
	switch (state.view) {
		case "start": return ["Take a picture of yourself", "Then watch it travel through three clouds."];
		case "camera": return ["Look into the camera", "Space, or a tap on the picture, takes it too."];
		case "review": return ["Send this one?", "It has not left this device yet."];
	}
	const [title, text] = journey(state);
	return [title, state.trouble ?? text];
}

function journey({ upload, progress, id, shot }) {
	if (upload) return upload.error
		? ["The upload waits", navigator.onLine ? "It starts again by itself. You may also cancel it." : "You are offline. It starts again once you are back."]
		: ["Sending your picture", "First to AWS, which keeps it."];
	const retried = progress?.steps.find((step) => step.status === "retrying");
	switch (progress?.status) {
		case undefined: return ["Looking for the picture", ""];
		case "annotated": return ["Your picture arrived", "Through three clouds" + took(progress) + "."];
		case "rejected": return ["This picture cannot be used", sentence(progress.record?.rejection?.message ?? "")];
		case "erased": return ["This picture was erased", "Nobody can see anything of it any more."];
		case "running": return retried
			? [waits(retried), "It goes on by itself. You can close this page."]
			: ["On its way", "You can close this page."];
	}
	if (progress.steps.some((step) => step.status === "failed")) return ["The journey was broken off", "It waits to be started again."];
	return !shot && tooLate(id) ? ["This picture is not here", "It never arrived, or it was kept no longer."] : ["Waiting for the picture to arrive", "AWS tells when it has."];
}

// The cloud that is waited for is the one an error begins with. For Google's step AWS may have to hand out the picture.
const blamed = { AWS: "AWS", S3: "AWS", Google: "Google Cloud", Cloud: "Google Cloud", Azure: "Azure", Cosmos: "Azure" };

function waits({ error = "" }) {
	const cloud = blamed[error.split(/\W/, 1)];
	return "Your picture waits" + (cloud ? " for " + cloud : "");
}

// keptFor says nothing as long as the site has not said how long it keeps pictures.
export function keptFor({ retentionDays: days }) {
	if (days === undefined) return "";
	return days ? "This site deletes pictures after " + (days > 1 ? days + " days." : "a day.") : "This site deletes no picture by itself.";
}

const clouds = { presign: "AWS", annotate: "Google Cloud", persist: "Azure" };

// stepsOf are the three steps. What is being uploaded is the first one's business.
export function stepsOf({ upload, progress }) {
	const steps = progress?.steps ?? Object.keys(clouds).map((name) => ({ name, status: "waiting" }));
	if (!upload) return steps;
	return [{ name: "presign", ...upload, status: upload.error ? "retrying" : "running" }, ...steps.slice(1)];
}

// stateOf is a step in a few words, detailOf what more there is to say.
export function stateOf(step) {
	const since = (time) => Date.parse(time) - Date.parse(step.startedAt);
	const now = new Date().toISOString();
	switch (step.status) {
		case "running": return "Working" + (since(now) > 1500 ? " for " + duration(since(now)) : "…");
		case "retrying": return left(step) > 0 ? "Next try in " + Math.ceil(left(step) / 1000) + " s" : "Trying again…";
		case "done": return since(step.finishedAt) >= 0 ? "Done in " + duration(since(step.finishedAt)) : "Done";
		case "failed": return "Refused";
	}
	return "Waiting";
}

// said is what a screen reader is told whenever it changes.
export function said(state) {
	if (isSettled(state.progress)) return headline(state).join(". ");
	const step = stepsOf(state).findLast(({ status }) => status !== "waiting");
	return state.trouble ?? (step ? clouds[step.name] + ": " + step.status + ". " + sentence(step.error ?? "") : "");
}

export function detailOf(step) {
	const parts = [];
	if (step.status === "retrying" && step.attempt) parts.push("Attempt " + step.attempt + ".");
	if (step.status === "done" && step.attempt > 1) parts.push("It took " + step.attempt + " attempts.");
	if (step.error) parts.push(sentence(step.error));
	return parts.join(" ");
}

const left = (step) => Date.parse(step.nextAttemptAt ?? "") - Date.now();

function took({ steps }) {
	const times = steps.flatMap((step) => [step.startedAt, step.finishedAt]).map(Date.parse).filter(Number.isFinite);
	return times.length ? " in " + duration(Math.max(...times) - Math.min(...times)) : "";
}

// tooLate says that the grant of a picture has expired; an ID begins with when it was minted.
function tooLate(id) {
	return Date.now() - parseInt(id.replaceAll("-", "").slice(0, 12), 16) > 16 * 60_000;
}

export function sentence(text) {
	const whole = capital(text);
	return !whole || /[.!?…]$/.test(whole) ? whole : whole + ".";
}

export function capital(text) {
	return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function duration(ms) {
	if (ms < 1000) return Math.max(1, Math.round(ms)) + " ms";
	if (ms < 10_000) return (ms / 1000).toFixed(1) + " s";
	return ms < 90_000 ? Math.round(ms / 1000) + " s" : Math.round(ms / 60_000) + " min";
}

export function bytes(n) {
	return n < 1e6 ? Math.ceil(n / 1e3) + " kB" : (n / 1e6).toFixed(1) + " MB";
}

// isMoving says that words change as time passes.
export function isMoving(state) {
	return state.view === "journey" && (state.upload || !isSettled(state.progress));
}
