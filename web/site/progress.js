// Watching a picture until it is settled.
import { addressOf, ask, longer } from "./api.js";

export function isSettled(progress) {
	return ["annotated", "rejected", "erased"].includes(progress?.status);
}

// watch tells onProgress each change, and onTrouble why none can be had, null once it can. The stream ends
// every minute and comes back by itself. When it is silent the page asks, ever more rarely,
// because a stream cannot say what is wrong. It returns what stops it.
export function watch(id, onProgress, onTrouble) {
	const first = 4_000;
	let source, timer, pause = first;
	const over = new AbortController();

	function stop() {
		over.abort();
		clearTimeout(timer);
		source?.close();
	}

	function news(progress) {
		if (over.signal.aborted) return;
		if (isSettled(progress)) stop();
		onTrouble(null);
		onProgress(progress);
	}

	function wait() {
		clearTimeout(timer);
		timer = setTimeout(poll, pause);
		pause = longer(pause);
	}

	async function poll() {
		try {
			news(await ask(addressOf(id), { signal: over.signal }));
		} catch (error) {
			if (over.signal.aborted) return;
			if (error.status === 404) stop();
			onTrouble(error.status ? error.message : "You are not connected. The picture goes on without you.");
		}
		if (over.signal.aborted) return;
		if (source.readyState === EventSource.CLOSED) listen();
		wait();
	}

	function listen() {
		source = new EventSource(addressOf(id) + "/events");
		source.onmessage = (event) => {
			pause = first;
			news(JSON.parse(event.data));
			if (!over.signal.aborted) wait();
		};
		source.onerror = () => {
			if (source.readyState === EventSource.CLOSED && pause === longer(first)) poll(); // the first time at once
		};
	}

	function hurry() {
		if (document.visibilityState !== "visible") return;
		pause = first;
		poll();
	}

	addEventListener("online", hurry, { signal: over.signal });
	document.addEventListener("visibilitychange", hurry, { signal: over.signal });
	listen();
	wait();
	return stop;
}
