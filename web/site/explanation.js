// Explains the current step: what happens, why it is late, and what follows.
import { deviceDate, serverTime } from "./api.js";
import { isImageStored } from "./history.js";
import { language, t } from "./language.js";
import { isSettled } from "./progress.js";
import { headline, isAbsent, isErasing, isSent, isStopped, sentence, stepDone, stepsOf } from "./text.js";

const activities = {
	presign: () => t("AWS signs a link, so that Google can read your picture for a short time."),
	annotate: () => t("Google’s Cloud Vision looks for faces, objects, text and colours."),
	persist: () => t("Azure writes what Google saw into a Cosmos DB database."),
};

const successors = {
	presign: () => t("Then Google Cloud looks at it."),
	annotate: () => t("Then Azure stores the answer."),
	persist: () => t("Then you see the result here."),
};

// explanation returns the sentences {now, reason, next} and the name of the current step. Each of them may be missing.
export function explanation(state) {
	const { view, upload, progress, problem, id } = state;
	if (view !== "picture") return {};
	if (problem?.status === 404) return { now: id.length !== 53 && t("After the # there must be 53 characters. Here there are {n}.", { n: id.length }) };
	if (upload) return { step: "presign", ...explainUpload(state) };
	if (isSettled(progress) || isAbsent(state) || isErasing(state)) return {};
	if (progress?.status === "running") return explainStep(progress.steps);
	if (isStopped(progress)) return { reason: progress.steps.filter(({ error }) => error).map(({ error }) => sentence(t(error))).join(" ") };
	if (!isSent(state)) return progress ? { now: t("It is still being sent, or its sender has stopped sending it.") } : {};
	if (problem) return { step: "presign", now: t("Amazon S3 has stored your picture. Processing continues by itself, even if you close this page.") };
	return { step: "presign", now: t("Amazon S3 has stored your picture and reports it to Triptych, usually within a second."), next: successors.presign() };
}

function explainUpload({ photo, upload: { waiting, error } }) {
	if (waiting) return { now: t("Only one tab sends a picture, so that AWS stores it once.") };
	if (!error) return { now: t("Your browser sends the picture directly to Amazon S3."), next: t("As soon as it is stored there, the next steps start by themselves.") };
	const now = isImageStored(photo.key) ? t("Nothing is lost: this device keeps the picture until Amazon S3 has stored it.") : t("Keep this page open: this browser does not store the picture.");
	return { now, reason: navigator.onLine && sentence(t(error)) };
}

function explainStep(steps) {
	const step = steps.find(({ status }) => !["done", "failed"].includes(status));
	if (!step) return {};
	const refused = steps.some(({ status }) => status === "failed");
	const wait = Date.parse(step.nextAttemptAt) - serverTime(), works = !step.error;
	return {
		step: step.name,
		now: works && (refused ? t("Google cannot use the picture. Azure writes the reason into a Cosmos DB database.") : activities[step.name]()),
		reason: step.error && sentence(t(step.error)),
		next: wait > 0 ? t("The next try is at {time}.", { time: deviceDate(step.nextAttemptAt).toLocaleTimeString(language, { timeStyle: wait < 90_000 ? "medium" : "short" }) }) : works && successors[step.name](),
	};
}

// announcements returns sentences. Screen readers read each new sentence aloud.
export function announcements(state) {
	if (state.view === "start") return [];
	const title = headline(state).map(sentence).join(" ");
	if (state.view !== "picture") return [title];
	const { upload, photo, progress } = state;
	const watched = photo || !isSettled(progress);
	const done = watched ? stepsOf(state).filter(({ status }) => status === "done").map(stepDone) : [];
	const { now, reason } = explanation(state);
	const titleHasFocus = upload && !upload.error && !upload.waiting;
	return [...done, !titleHasFocus && title, now, reason].filter(Boolean);
}
