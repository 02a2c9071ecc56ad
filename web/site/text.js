// The sentences that depend on the state.
import { isSettled } from "./progress.js";

const cloudNames = { aws: "AWS", google: "Google Cloud", azure: "Azure", temporal: "Temporal" };
const waitingSteps = Object.entries({ presign: "aws", annotate: "google", persist: "azure" }).map(([name, cloud]) => ({ name, cloud, status: "waiting" }));

export function headline(state) {
	switch (state.view) {
		case "start": return ["Take a picture of yourself", "Then watch it travel through three clouds."];
		case "camera": return state.muted
			? ["The camera is paused", "It continues when no call uses it and its switch is on."]
			: ["Look into the camera", "You can also press Space, or tap the picture."];
		case "review": return ["Send this one?", state.photo.tried ? "The last try was not completed." : "It has not left this device yet."];
	}
	const [title, text] = pictureHeadline(state);
	return [title, problemText(state.problem) || text];
}

function problemText(problem) {
	if (!problem) return "";
	if (problem.status === 404) return "Check that you have the whole link.";
	return problem.message.replace(/: try again.*/, ".") + (problem.status >= 500 ? " This page tries again by itself." : "");
}

function pictureHeadline({ upload, progress, problem, id, photo, imageFailed, imageGone }) {
	if (problem?.status === 404) return ["This link leads to no picture", ""];
	if (upload?.waiting) return ["Another tab is sending it", "If that tab is closed, this one continues."];
	if (upload) return upload.error
		? ["The upload waits", navigator.onLine ? "It starts again by itself. You may also cancel it." : "You are offline. It starts again once you are back."]
		: ["Sending your picture", "First to AWS, which stores it."];
	const retrying = progress?.steps.find((step) => step.status === "retrying");
	switch (progress?.status) {
		case undefined: return [photo ? "AWS has your picture" : "Looking for the picture", ""];
		case "annotated": return ["Your picture arrived", imageGone
			? "The picture itself has been deleted. What Google saw remains."
			: imageFailed
			? "The picture itself could not be loaded. This page tries again by itself."
			: "Through three clouds" + totalTime(progress) + "."];
		case "rejected": return ["This picture cannot be used", sentence(progress.record?.rejection?.message ?? "") + " Take or choose another one."];
		case "erased": return ["This picture was erased", "Nobody can see anything of it any more. You can take another one."];
		case "running": return retrying
			? ["Your picture waits for " + cloudNames[retrying.waitingFor ?? retrying.cloud], "It continues by itself. You can close this page."]
			: ["On its way", "You can close this page."];
	}
	if (progress.steps.some((step) => step.status === "failed")) return ["Processing stopped", "The people who run this site must start it again. You can close this page."];
	return !photo && grantExpired(id) ? ["This picture is not here", "It never arrived, or it has been deleted."] : ["Waiting for the picture to arrive", "AWS reports its arrival."];
}

export function retentionText({ retentionDays: days }) {
	if (days === undefined) return "";
	return days ? "This site deletes pictures after " + (days > 1 ? days + " days." : "a day.") : "This site deletes no picture by itself.";
}

export function stepsOf({ upload, uploadTime, progress }) {
	// Nobody waits for the presigned URL, so the step of AWS takes as long as the upload.
	const steps = (progress?.steps ?? waitingSteps).map((step) => step.name === "presign" ? { ...step, took: uploadTime } : step);
	if (!upload) return steps;
	return [{ ...waitingSteps[0], ...upload, status: upload.error ? "retrying" : upload.waiting ? "waiting" : "running" }, ...steps.slice(1)];
}

export function stepState(step) {
	const since = (time) => Date.parse(time) - Date.parse(step.startedAt);
	const took = "took" in step ? step.took : since(step.finishedAt);
	const elapsed = since(new Date().toISOString()), wait = Date.parse(step.nextAttemptAt ?? "") - Date.now();
	switch (step.status) {
		case "running": return "Working" + (elapsed > 1500 ? " for " + duration(elapsed) : "…");
		case "retrying": return wait > 0 ? "Next try in " + (wait < 90_000 ? Math.ceil(wait / 1000) + " s" : duration(wait)) : "Trying again…";
		case "done": return took >= 0 ? "Done in " + duration(took) : step.cloud === "google" ? "Done" : "Stored";
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
	if (state.view === "start") return "";
	if (state.view !== "picture" || state.problem || state.upload?.waiting || isSettled(state.progress)) return headline(state).map(sentence).join(" ");
	const step = stepsOf(state).findLast(({ status }) => status !== "waiting");
	return step ? cloudNames[step.cloud] + " " + activities[step.status] + ". " + sentence(step.error ?? "") : "";
}

const activities = { running: "is working", retrying: "has to try again", done: "is done", failed: "refused the picture" };

// description is the picture's text alternative.
export function description(annotation) {
	const seen = [...annotation?.labelAnnotations ?? [], ...annotation?.localizedObjectAnnotations ?? []].map(({ description, name }) => description ?? name);
	return ["Your picture", [...new Set(seen)].slice(0, 4).join(", ")].filter(Boolean).join(": ");
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
