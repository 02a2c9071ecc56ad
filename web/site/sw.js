// Lets the page start without a connection. It caches only the site's own files, never responses of the API, S3 or the
// fault switches.
const files = [
	"./", "agreement.js", "api.js", "app.js", "camera.js", "canvas.js", "capture.js", "card-parts.js", "card.js",
	"colours.js", "confirm.js", "de-api.js", "de-result.js", "de.js", "dom.js", "erasure.js", "explanation.js",
	"findings.js", "highlight.js", "history.js", "icon-180.png", "icon-192.png", "icon-512.png", "icon.svg", "idb.js",
	"image.js", "language.js", "lists.js", "manifest.json", "overlay.js", "photo-worker.js", "photo.js", "progress.js",
	"render.js", "result.js", "resultview.js", "session.js", "share.js", "state.js", "style.css", "tabs.js", "text.js",
	"thumbnails.js", "translation.js", "triptych.css", "upload.js", "workers.js",
];
const paths = files.map((file) => new URL(file, location).pathname);

// The cache "pages" contains the client IDs of the pages that take their files from the cache "site". Variables would be
// lost, because browsers stop idle service workers.
const pages = () => caches.open("pages");
const isRemembered = async (id) => Boolean(await (await pages()).match(id));
const remember = async (id) => (await pages()).put(id, new Response()).catch(() => {}); // for example, the disk is full

async function forgetClosedPages() {
	const open = (await clients.matchAll({ includeUncontrolled: true, type: "all" })).map(({ id }) => new URL(id, location).href);
	for (const request of await (await pages()).keys()) if (!open.includes(request.url)) await (await pages()).delete(request);
}

// addAll stores all files or none.
async function refresh() {
	const cache = await caches.open("site");
	await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
}

const match = ({ url }) => caches.match(new URL(url).pathname, { cacheName: "site" });

async function navigate({ request, resultingClientId }) {
	const loading = fetch(request).catch(() => Response.error());
	const stored = await match(request).catch(() => {});
	const late = new Promise((resolve) => stored && setTimeout(resolve, 5000, Response.error()));
	const response = await Promise.race([loading, late]);
	if (response.type !== "error" && response.status < 500) return response;
	if (stored) await remember(resultingClientId);
	return stored ?? response;
}

async function stored({ request, clientId, resultingClientId }) {
	if (!await isRemembered(clientId)) return;
	if (resultingClientId) await remember(resultingClientId); // a worker of the page
	return match(request);
}

// If Cache Storage fails, the page loads its files as without a service worker.
const load = async (event) => await stored(event).catch(() => {}) ?? fetch(event.request);

// onStart stores the files after a page from the network has started. The page's later modules then come from the cache.
async function onStart(page) {
	if (await isRemembered(page)) return;
	await refresh();
	await remember(page);
	await forgetClosedPages();
}

addEventListener("install", (event) => {
	skipWaiting();
	event.waitUntil(refresh());
});

addEventListener("message", (event) => event.waitUntil(onStart(event.source.id).catch(() => {})));

addEventListener("fetch", (event) => {
	const { request } = event, { origin, pathname } = new URL(request.url);
	if (request.method !== "GET" || origin !== location.origin || !paths.includes(pathname)) return;
	event.respondWith(request.mode === "navigate" ? navigate(event) : load(event));
});
