// Requests to the site's API.
import { loadMessages, t } from "./language.js";

export const urlOf = (id) => "/api/pictures/" + encodeURIComponent(id);

let ahead = 0; // how many ms the server's clock is ahead of this device's

// serverTime is for comparisons with times from the server, because the clock of a device may be wrong.
export const serverTime = () => Date.now() + ahead;

// deviceDate returns the Date at which this device's clock shows that a time from the server has come.
export const deviceDate = (time) => new Date(Date.parse(time) - ahead);

// Less than 2 s may be the time that the response needed.
function compareClocks({ headers }) {
	const difference = Date.parse(headers.get("date")) - Date.now();
	ahead = Math.abs(difference) >= 2000 ? difference : 0;
}

// request throws errors with a message for people and, optionally, `status`, `retryable` and `retryAfter` (in ms).
export async function request(url, options) {
	const { signal } = options ?? {};
	const withTimeout = AbortSignal.any?.([AbortSignal.timeout(30_000), ...signal ? [signal] : []]) ?? signal;
	let response;
	try {
		response = await fetch(url, { ...options, signal: withTimeout });
		compareClocks(response);
		if (response.ok) return await response.json();
	} catch (error) {
		if (signal?.aborted) throw error;
		throw Object.assign(new Error(t("The site cannot be reached. Check your connection.")), { retryable: true });
	}
	const { detail } = await response.json().catch(() => ({})); // proxies may not respond with JSON
	if (detail) await loadMessages();
	const retryAfter = 1000 * (Number(response.headers.get("retry-after")) || 0);
	throw Object.assign(new Error(detail ?? t("The site answered {status}. Try again.", { status: response.status })), {
		status: response.status,
		retryable: (response.status === 429 || response.status >= 500) && retryAfter <= 300_000, // nobody watches a longer wait
		retryAfter,
	});
}

// CloudFront signs requests to the API. For methods other than GET, Lambda may require the SHA-256 of the body.
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// erase returns the progress of the erased picture.
export async function erase({ id, token }) {
	const headers = { "x-triptych-erase": token, "x-amz-content-sha256": EMPTY_SHA256 };
	await retry(() => request(urlOf(id), { method: "DELETE", headers }), { max: 5 });
	return retry(async () => {
		const progress = await request(urlOf(id));
		if (progress.status === "erased") return progress;
		throw Object.assign(new Error(t("The erasure is taking longer than usual.")), { retryable: true });
	}, { pause: 150, max: 20 });
}

export const longer = (pause) => Math.min(pause * 2, 30_000);

// retry repeats `attempt` only after an error with `retryable` set. A pause ends early when the browser goes online.
export async function retry(attempt, { onRetry = () => {}, signal, max = Infinity, pause = 500 } = {}) {
	for (let n = 1; ; n++, pause = longer(pause)) {
		try {
			return await attempt(n);
		} catch (error) {
			if (!error.retryable || n >= max) throw error;
			const wait = Math.max(pause, error.retryAfter ?? 0);
			onRetry({ attempt: n + 1, error: error.message, nextAttemptAt: new Date(serverTime() + wait).toISOString() });
			await sleep(wait, signal);
		}
	}
}

function sleep(ms, signal) {
	return new Promise((resolve, reject) => {
		const listeners = new AbortController();
		const end = () => {
			clearTimeout(timer);
			listeners.abort();
			if (signal?.aborted) reject(signal.reason);
			else resolve();
		};
		const timer = setTimeout(end, ms);
		addEventListener("online", end, { signal: listeners.signal });
		signal?.addEventListener("abort", end, { signal: listeners.signal });
		if (signal?.aborted) end();
	});
}
