// The sentences that depend on the state.
import { isSettled } from "./progress.js";

const cloudNames = { aws: "AWS", google: "Google Cloud", azure: "Azure", temporal: "Temporal" };
const waitingSteps = Object.entries({ presign: "aws", annotate: "google", persist: "azure" }).map(([name, cloud]) => ({ name, cloud, status: "waiting" }));

export function headline(state) {
	switch (state.view) {
		case "start": return ["Take a picture of yourself", "Then watch it travel through three clouds."];
		case "camera": return ["Look into the camera", "You can also press Space, or tap the picture."];
		case "review": return ["Send this one?", "It has not left this device yet."];
	}
	const [title, text] = pictureHeadline(state);
	return [title, state.problem ?? text];
}

function pictureHeadline({ upload, progress, id, photo }) {
	if (upload) return upload.error
		? ["The upload waits", navigator.onLine ? "It starts again by itself. You may also cancel it." : "You are offline. It starts again once you are back."]
		: ["Sending your picture", "First to AWS, which stores it."];
	const retrying = progress?.steps.find((step) => step.status === "retrying");
	switch (progress?.status) {
		case undefined: return ["Looking for the picture", ""];
		case "annotated": return ["Your picture arrived", "Through three clouds" + totalTime(progress) + "."];
		case "rejected": return ["This picture cannot be used", sentence(progress.record?.rejection?.message ?? "")];
		case "erased": return ["This picture was erased", "Nobody can see anything of it any more."];
		case "running": return retrying
			? ["Your picture waits for " + cloudNames[retrying.waitingFor ?? retrying.cloud], "It continues by itself. You can close this page."]
			: ["On its way", "You can close this page."];
	}
	if (progress.steps.some((step) => step.status === "failed")) return ["Processing stopped", "The picture waits to be started again."];
	return !photo && grantExpired(id) ? ["This picture is not here", "It never arrived, or it has been deleted."] : ["Waiting for the picture to arrive", "AWS reports its arrival."];
}

export function retentionText({ retentionDays: days }) {
	if (days === undefined) return "";
	return days ? "This site deletes pictures after " + (days > 1 ? days + " days." : "a day.") : "This site deletes no picture by itself.";
}

export function stepsOf({ upload, progress }) {
	const steps = progress?.steps ?? waitingSteps;
	if (!upload) return steps;
	return [{ ...waitingSteps[0], ...upload, status: upload.error ? "retrying" : "running" }, ...steps.slice(1)];
}

export function stepState(step) {
	const since = (time) => Date.parse(time) - Date.parse(step.startedAt);
	const elapsed = since(new Date().toISOString()), wait = Date.parse(step.nextAttemptAt ?? "") - Date.now();
	switch (step.status) {
		case "running": return "Working" + (elapsed > 1500 ? " for " + duration(elapsed) : "…");
		case "retrying": return wait > 0 ? "Next try in " + (wait < 90_000 ? Math.ceil(wait / 1000) + " s" : duration(wait)) : "Trying again…";
		case "done": return since(step.finishedAt) >= 0 ? "Done in " + duration(since(step.finishedAt)) : "Done";
		case "failed": return "Refused";
	}
	return "Waiting";
}

export function stepDetail(step) {
	const parts = [];
	if (step.status === "retrying" && step.attempt) parts.push("Attempt " + step.attempt + ".");
	if (step.status === "done" && step.attempt > 1) parts.push("It took " + step.attempt + " attempts.");
	if (step.error) parts.push(sentence(step.error));
	return parts.join(" ");
}

// announcement is the text for screen readers.
export function announcement(state) {
	if (isSettled(state.progress)) return headline(state).join(". ");
	const step = stepsOf(state).findLast(({ status }) => status !== "waiting");
	return state.problem ?? (step ? cloudNames[step.cloud] + ": " + step.status + ". " + sentence(step.error ?? "") : "");
}

function totalTime({ steps }) {
	const times = steps.flatMap((step) => [step.startedAt, step.finishedAt]).map(Date.parse).filter(Number.isFinite);
	return times.length ? " in " + duration(Math.max(...times) - Math.min(...times)) : "";
}

function grantExpired(id) {
	return Date.now() - parseInt(id.replaceAll("-", "").slice(0, 12), 16) > 16 * 60_000;
}

function sentence(text) {
	const whole = capitalize(text);
	return !whole || /[.!?…]$/.test(whole) ? whole : whole + ".";
}

export const capitalize = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

function duration(ms) {
	if (ms < 1000) return Math.max(1, Math.round(ms)) + " ms";
	if (ms < 10_000) return (ms / 1000).toFixed(1) + " s";
	if (ms < 90_000) return Math.round(ms / 1000) + " s";
	return ms < 5_400_000 ? Math.round(ms / 60_000) + " min" : Math.round(ms / 3_600_000) + " h";
}

export const bytes = (n) => n < 1e6 ? Math.ceil(n / 1e3) + " kB" : (n / 1e6).toFixed(1) + " MB";

export const isChanging = ({ view, upload, progress }) => view === "picture" && (upload || !isSettled(progress));
