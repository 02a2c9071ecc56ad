// upload() requests up to three grants, because a grant can expire before the picture is stored.
import { request, retry, urlOf } from "./api.js";
import { t } from "./language.js";
import { hasArrived } from "./progress.js";

// onChange gets {loaded, total, attempt} and, between attempts, also {error, nextAttemptAt}.
export async function upload(blob, { granted, onGrant, onChange, signal }) {
	if (!crypto.subtle) throw new Error(t("Open this page over https or on localhost. Only there can a browser prepare a picture."));
	const bytes = await blob.arrayBuffer().catch(() => { // for example, WebKit has lost a Blob of IndexedDB
		throw new Error(t("This browser has lost the picture. Take or choose another one."));
	});
	let hash;
	const report = (change) => onChange({ loaded: 0, total: blob.size, ...change });
	const options = { onRetry: report, signal };
	for (let grants = 1; ; grants++) {
		if (!granted) {
			hash ??= await sha256(bytes);
			granted = await retry(() => requestGrant(blob, hash, signal), options);
			await onGrant(granted);
		}
		const { id, upload } = granted;
		const refused = await retry((attempt) => {
			report({ attempt });
			return put(bytes, upload, (loaded) => report({ loaded, attempt }), signal);
		}, options);
		if (!refused || await retry(async () => hasArrived(await request(urlOf(id), { signal })), options)) return;
		if (grants === 3) throw uploadError(refused);
		granted = null;
	}
}

async function requestGrant(blob, hash, signal) {
	const body = new TextEncoder().encode(JSON.stringify({
		contentType: blob.type, size: blob.size, sha256: btoa(String.fromCharCode(...hash)),
	}));
	const headers = { "content-type": "application/json", "x-amz-content-sha256": hex(await sha256(body)) };
	return request("/api/pictures", { method: "POST", headers, body, signal });
}

// S3 sends 400 with these codes if it did not receive the whole picture.
const isInterrupted = ({ responseText }) => /<Code>(RequestTimeout|IncompleteBody)</.test(responseText);

// S3 sends 412 if the picture is already stored, and 400 or 403 if the grant has expired.
function put(bytes, { method, url, headers }, onSent, signal) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest(), started = Date.now(); // fetch reports no upload progress
		const abort = () => xhr.abort();
		xhr.open(method, url);
		for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
		xhr.timeout = 60_000; // without progress
		xhr.upload.onprogress = ({ loaded }) => {
			xhr.timeout = Date.now() - started + 60_000;
			onSent(loaded);
		};
		xhr.onabort = () => reject(signal.reason);
		xhr.onloadend = () => {
			signal.removeEventListener("abort", abort);
			const status = isInterrupted(xhr) ? 0 : xhr.status;
			if (status === 200 || status === 412) resolve(0);
			else if (status === 403 || status === 400) resolve(status);
			else reject(uploadError(status));
		};
		signal.addEventListener("abort", abort);
		if (signal.aborted) reject(signal.reason);
		else xhr.send(bytes);
	});
}

function uploadError(status) {
	if (status === 0) return Object.assign(new Error(navigator.onLine ? t("AWS cannot be reached") : t("You are offline")), { retryable: true });
	const retryable = status === 409 || status === 429 || status >= 500;
	return Object.assign(new Error(retryable ? t("AWS cannot take the picture now (status {status})", { status }) : t("AWS refused the picture (status {status}). Send it again, or take another one.", { status })), { retryable });
}

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
