// Lets the page start without a connection. It caches only the site's own files, never responses of the API, S3 or the
// fault switches.
const files = [
	"./", "agreement.js", "api.js", "app.js", "camera.js", "canvas.js", "capture.js", "card-parts.js", "card.js",
	"colours.js", "confirm.js", "de-api.js", "de.js", "dom.js", "erasure.js", "explanation.js", "findings.js",
	"highlight.js", "history.js", "icon-180.png", "icon-192.png", "icon-512.png", "icon.svg", "idb.js", "language.js",
	"manifest.json", "overlay.js", "photo-worker.js", "photo.js", "progress.js", "render.js", "result.js",
	"resultview.js", "session.js", "share.js", "state.js", "style.css", "text.js", "thumbnails.js", "translation.js", "triptych.css",
	"upload.js", "workers.js",
];
const paths = files.map((file) => new URL(file, location).pathname);

// The client IDs of the pages that take their files from the cache.
const cached = new Set();

// addAll stores all files or none.
async function refresh() {
	const cache = await caches.open("site");
	await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
}

async function navigate({ request, resultingClientId }) {
	const response = await fetch(request).catch(() => Response.error());
	if (response.type !== "error" && response.status < 500) return response;
	const stored = await match(request);
	if (stored) cached.add(resultingClientId);
	return stored ?? response;
}

const match = ({ url }) => caches.match(new URL(url).pathname);

addEventListener("install", (event) => {
	skipWaiting();
	event.waitUntil(refresh());
});

addEventListener("message", (event) => cached.has(event.source.id) || event.waitUntil(refresh().then(() => cached.add(event.source.id), () => {})));

addEventListener("fetch", (event) => {
	const { request, clientId, resultingClientId } = event, { origin, pathname } = new URL(request.url);
	if (request.method !== "GET" || origin !== location.origin || !paths.includes(pathname)) return;
	if (request.mode === "navigate") {
		event.respondWith(navigate(event));
	} else if (cached.has(clientId)) {
		if (resultingClientId) cached.add(resultingClientId); // a worker of the page
		event.respondWith(match(request).then((response) => response ?? fetch(request)));
	}
});
