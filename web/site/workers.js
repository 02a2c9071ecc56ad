// Only these scripts can be workers. In browsers with Trusted Types, the Content-Security-Policy lets only the policy
// "workers" create the URL of a worker.
const scripts = ["photo-worker.js", "sw.js"];
const policy = globalThis.trustedTypes?.createPolicy("workers", { createScriptURL });

function createScriptURL(name) {
	if (!scripts.includes(name)) throw new TypeError(name + " is no worker of this page");
	return name;
}

export const workerURL = (name) => policy?.createScriptURL(name) ?? name;

// Insecure pages and some private windows have no service workers.
export function startServiceWorker() {
	navigator.serviceWorker?.controller?.postMessage("started");
	// Registration fetches all files of the site, which would delay the first rendering. A test that detects repeated
	// requests of a deleted image requires that no timer of 1000 ms starts.
	addEventListener("load", () => setTimeout(() => navigator.serviceWorker?.register(workerURL("sw.js")).catch(() => {}), 2000));
}
