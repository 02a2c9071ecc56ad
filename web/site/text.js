// The texts that depend on the state.
import { serverTime } from "./api.js";
import { language, t } from "./language.js";
import { isSettled } from "./progress.js";

const cloudNames = { aws: "AWS", google: "Google Cloud", azure: "Azure", temporal: "Temporal" };
const waitingSteps = Object.entries({ presign: "aws", annotate: "google", persist: "azure" }).map(([name, cloud]) => ({ name, cloud, status: "waiting" }));

export function headline(state) {
	switch (state.view) {
		case "start": return [t("Take a picture of yourself"), t("Then watch it travel through three clouds.")];
		case "camera": return state.muted
			? [t("The camera is paused"), t("It continues when no call uses it and its switch is on.")]
			: [t("Look into the camera"), t("You can also press Space, or tap the picture.")];
		case "review": return [t("Send this one?"), state.photo.tried ? t("The last attempt was cancelled or refused.") : t("It has not left this device yet.")];
	}
	if (state.problem?.status === 404) return [t("This link leads to no picture"), t("Check that you have the whole link.")];
	if (state.upload) return uploadHeadline(state.upload);
	if (isErasing(state)) return [t("Erasing…"), ""];
	const [title, text] = progressHeadline(state);
	return [title, problemText(state.problem) || text];
}

function problemText(problem) {
	if (!problem) return "";
	const message = t(problem.message.replace(/: try again.*/, "."));
	return problem.status >= 500 ? t("{message} This page tries again by itself.", { message }) : message;
}

function uploadHeadline({ waiting, error }) {
	if (waiting) return [t("Another tab is sending it"), t("If that tab is closed, this one continues.")];
	if (!error) return [t("Sending your picture"), t("Keep this page open until AWS has it.")];
	return [t("The upload waits"), navigator.onLine ? t("It starts again by itself. You may also cancel it.") : t("You are offline. It starts again once you are back.")];
}

function progressHeadline(state) {
	const { progress, problem, imageFailed, imageGone, imageUnreadable } = state;
	const retrying = progress?.steps.find((step) => step.status === "retrying");
	const paused = progress?.steps.some((step) => step.status === "paused");
	switch (progress?.status) {
		case undefined:
			if (isSent(state)) return [problem ? t("Your picture is safe") : t("AWS has your picture"), ""];
			return [problem ? t("The picture cannot be shown yet") : t("Looking for the picture"), ""];
		case "annotated": return [t("Your picture arrived"), imageGone
			? t("The picture itself has been deleted. What Google saw remains.")
			: imageUnreadable
			? t("This browser cannot show the picture itself.")
			: imageFailed
			? t("The picture itself could not be loaded. This page tries again by itself.")
			: totalTime(progress)];
		case "rejected": return [t("This picture cannot be used"), sentence(t(progress.record?.rejection?.message ?? ""))];
		case "erased": return [t("This picture was erased"), t("The picture and what Google saw have been deleted.")];
		case "running": if (paused) return [t("Your picture is paused"), t("It continues when the operator allows it. You can close this page.")];
			return retrying
			? [t("Your picture waits for {cloud}", { cloud: cloudNames[retrying.waitingFor ?? retrying.cloud] }), t("It continues by itself. You can close this page.")]
			: [t("On its way"), t("You can close this page.")];
	}
	if (isStopped(progress)) return [t("Processing stopped"), t("It starts again by itself, usually within 15 minutes. You can close this page.")];
	if (!isAbsent(state)) return isSent(state)
		? [t("AWS has your picture"), t("You can close this page.")]
		: [t("Waiting for the picture to arrive"), ""];
	return isSent(state)
		? [t("This picture is gone"), t("This site deletes pictures after some time.")]
		: [t("This picture is not here"), t("It never arrived, or it has been deleted.")];
}

const sentEntry = ({ history, id }) => history.find((entry) => entry.id === id && entry.sent);

export const isSent = (state) => Boolean(!state.upload && (state.photo || sentEntry(state)));

// erasable returns the entries that can be erased or forgotten. An entry is needed until its erasure has ended.
export const erasable = ({ history }) => history.filter(({ erasing }) => !erasing);

export const isErasing = ({ history, id, progress }) => progress?.status !== "erased" && history.some((entry) => entry.id === id && entry.erasing);

export const isStopped = (progress) => progress?.status === "waiting" && progress.steps.some(({ status }) => status === "failed");

// isAbsent reports whether the page shows no picture: it does not exist, was erased, or may never arrive.
export function isAbsent(state) {
	const { view, problem, progress, photo, id } = state;
	if (view !== "picture") return false;
	if (problem?.status === 404 || progress?.status === "erased") return true;
	if (photo || progress?.status !== "waiting" || isStopped(progress)) return false;
	const age = serverTime() - parseInt(id.replaceAll("-", "").slice(0, 12), 16);
	return age > (isSent(state) ? 24 * 60 : 16) * 60_000; // a grant expires after 15 minutes, and no site deletes earlier than after a day
}

export function retentionText({ retentionDays: days }) {
	if (days === undefined) return "";
	if (!days) return t("This site deletes no picture by itself.");
	return days > 1 ? t("This site deletes pictures after {days} days.", { days }) : t("This site deletes pictures after a day.");
}

export function stepsOf(state) {
	const { upload, progress } = state, steps = progress?.steps ?? waitingSteps;
	if (upload) return [{ ...waitingSteps[0], ...upload, status: upload.error ? "retrying" : upload.waiting ? "waiting" : "running" }, ...steps.slice(1)];
	// The AWS step shows how long the upload took.
	const took = sentEntry(state)?.uploadTime;
	return steps.map((step) => step.name !== "presign" ? step
		: { ...step, took, ...isSent(state) && ["waiting", "running"].includes(step.status) && { status: "done" } });
}

export function stepState(step, progress) {
	const took = step.name === "presign" ? step.took : Date.parse(step.finishedAt) - Date.parse(step.startedAt);
	const elapsed = serverTime() - Date.parse(step.startedAt), wait = Date.parse(step.nextAttemptAt) - serverTime();
	const stores = step.name !== "annotate";
	switch (step.status) {
		case "running": return elapsed > 1500 ? t("Working for {time}", { time: duration(elapsed) }) : t("Working…");
		case "retrying": return wait > 0 ? t("Next try in {time}", { time: wait < 90_000 ? seconds(Math.ceil(wait / 1000)) : duration(wait) }) : t("Trying again…");
		case "paused": return t("Paused");
		case "done":
			if (took >= 0) return t(stores ? "Stored in {time}" : "Done in {time}", { time: duration(took) });
			return stores ? t("Stored") : t("Done");
		case "failed": return isStopped(progress) ? t("Stopped") : t("Refused");
	}
	return t("Waiting");
}

export const stepDone = ({ name, cloud, status }) => cloudNames[cloud] + ": " + stepState({ name, cloud, status }) + ".";

export function stepDetail({ status, attempt: n }) {
	if (status === "retrying" && n) return t("Attempt {n}", { n });
	return status === "done" && n > 1 ? t("{n} attempts", { n }) : "";
}

// description is the picture's text alternative.
export function description(annotation) {
	const seen = [...annotation?.labelAnnotations ?? [], ...annotation?.localizedObjectAnnotations ?? []].map(({ description, name }) => description ?? name);
	const list = [...new Set(seen)].slice(0, 4).join(", ");
	return list ? t("Your picture: {list}", { list }) : t("Your picture");
}

function totalTime({ steps }) {
	const times = steps.flatMap((step) => [step.startedAt, step.finishedAt]).map(Date.parse).filter(Number.isFinite);
	return times.length ? t("Through three clouds in {time}.", { time: duration(Math.max(...times) - Math.min(...times)) }) : t("Through three clouds.");
}

export function sentence(text) {
	const whole = capitalize(text);
	return !whole || /[.!?…]$/.test(whole) ? whole : whole + ".";
}

export const capitalize = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

const format = (number, digits = 0) => number.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const seconds = (n, digits) => format(n, digits) + " s";

export function duration(ms) {
	if (ms < 1000) return format(Math.max(1, ms)) + " ms";
	if (ms < 90_000) return seconds(ms / 1000, ms < 10_000 ? 1 : 0);
	return ms < 5_400_000 ? format(ms / 60_000) + " min" : format(ms / 3_600_000) + " h";
}

export const bytes = (n) => n < 1e6 ? format(Math.ceil(n / 1e3)) + " kB" : format(n / 1e6, 1) + " MB";

export const isChanging = ({ view, upload, progress }) => view === "picture" && (upload || !isSettled(progress));
