// Sending the picture, so that it arrives once: on doubt the same PUT is repeated, and 412 means that an
// earlier one had arrived. Only when the grant has expired with nothing under it is another asked for.
import { addressOf, ask, insist } from "./api.js";

// deliver tells onGrant each grant before it is used, onChange {loaded, total} and, between two attempts,
// {attempt, error, nextAttemptAt}.
export async function deliver(blob, { onGrant, onChange, signal }) {
	if (!crypto.subtle) throw new Error("Open this page over https or on localhost. Only there can a browser prepare a picture.");
	const sum = await sha256(await blob.arrayBuffer());
	const tell = (news) => onChange({ loaded: 0, total: blob.size, ...news });
	for (let grants = 1; ; grants++) {
		const granted = await insist(() => grant(blob, sum, signal), { tell, signal });
		onGrant(granted);
		const refused = await insist((attempt) => {
			tell({ attempt });
			return put(blob, granted.upload, (loaded) => tell({ loaded, attempt }), signal);
		}, { tell, signal });
		if (!refused || await insist(() => isKnown(granted.id, signal), { tell, signal })) return;
		if (grants === 3) throw refusal(refused);
	}
}

async function grant(blob, sum, signal) {
	const body = new TextEncoder().encode(JSON.stringify({
		contentType: blob.type, size: blob.size, sha256: btoa(String.fromCharCode(...sum)),
	}));
	const headers = { "content-type": "application/json", "x-amz-content-sha256": hex(await sha256(body)) };
	return ask("/api/pictures", { method: "POST", headers, body, signal });
}

async function isKnown(id, signal) {
	return (await ask(addressOf(id), { signal })).status !== "waiting";
}

// put answers 0 when the picture arrived, else the status of a grant that is over: 400 is S3's for an expired token. fetch would not tell how much is sent.
function put(blob, { method, url, headers }, onSent, signal) {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest(), began = Date.now();
		const abort = () => request.abort();
		request.open(method, url);
		for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
		request.timeout = 60_000; // without any progress
		request.upload.onprogress = ({ loaded }) => {
			request.timeout = Date.now() - began + 60_000;
			onSent(loaded);
		};
		request.onabort = () => reject(signal.reason);
		request.onloadend = () => {
			signal.removeEventListener("abort", abort);
			const { status } = request;
			if (status === 200 || status === 412) resolve(0);
			else if (status === 403 || status === 400) resolve(status);
			else reject(refusal(status));
		};
		signal.addEventListener("abort", abort);
		if (signal.aborted) reject(signal.reason);
		else request.send(blob);
	});
}

function refusal(status) {
	if (status === 0) return Object.assign(new Error(navigator.onLine ? "The bucket cannot be reached" : "You are offline"), { passing: true });
	const passing = status === 409 || status === 429 || status >= 500;
	return Object.assign(new Error("The bucket answered " + status + (passing ? "" : ". Take the picture again.")), { passing });
}

async function sha256(bytes) {
	return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function hex(bytes) {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
