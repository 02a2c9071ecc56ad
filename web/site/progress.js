// Watches a picture's progress.
import { longer, request, urlOf } from "./api.js";
import { loadMessages, t } from "./language.js";

export const isSettled = (progress) => ["annotated", "rejected", "erased"].includes(progress?.status);
export const hasArrived = ({ status }) => !["waiting", "erased"].includes(status); // an erased picture may never have arrived

const hasMessage = ({ steps, record }) => record?.rejection || steps.some(({ error }) => error);

// watch also polls, because EventSource does not say why a request failed.
export function watch(id, onProgress, onProblem) {
	const firstPause = 4_000;
	let source, timer, latest, pause = firstPause;
	const stopped = new AbortController();

	function stop() {
		stopped.abort();
		clearTimeout(timer);
		source?.close();
	}

	async function report(progress) {
		latest = progress;
		if (hasMessage(progress)) await loadMessages();
		if (stopped.signal.aborted || latest !== progress) return;
		if (isSettled(progress)) stop();
		onProblem(null);
		onProgress(progress);
	}

	function schedulePoll() {
		clearTimeout(timer);
		timer = setTimeout(poll, pause);
		pause = longer(pause);
	}

	async function poll() {
		try {
			await report(await request(urlOf(id), { signal: stopped.signal }));
		} catch (error) {
			if (stopped.signal.aborted) return;
			if (error.status === 404) stop();
			onProblem(error.status ? error : { message: t("You are not connected. Your picture continues without you.") });
		}
		if (stopped.signal.aborted) return;
		if (!source || source.readyState === EventSource.CLOSED) listen();
		schedulePoll();
	}

	// Over HTTP/1.1, a browser opens at most six connections to a site, so hidden tabs keep none open.
	function listen() {
		if (document.visibilityState === "hidden") return;
		source = new EventSource(urlOf(id) + "/events");
		source.onmessage = (event) => {
			pause = firstPause;
			report(JSON.parse(event.data));
			if (!stopped.signal.aborted) schedulePoll();
		};
		source.onerror = () => {
			if (source.readyState === EventSource.CLOSED && pause === longer(firstPause)) poll();
		};
	}

	function pollNow() {
		if (document.visibilityState === "hidden") return source?.close();
		pause = firstPause;
		poll();
	}

	addEventListener("online", pollNow, { signal: stopped.signal });
	document.addEventListener("visibilitychange", pollNow, { signal: stopped.signal });
	listen();
	schedulePoll();
	return stop;
}
