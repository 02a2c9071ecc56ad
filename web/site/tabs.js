// Coordinates the tabs that show this site: a tab tells the others about changes, and locks the picture that it uploads.
let channel;
try {
	channel = new BroadcastChannel("triptych");
} catch {
	// Without a BroadcastChannel, a tab loads the pictures when it becomes visible.
}

let changed = () => {}; // replaced by onTabChange
let visible = new AbortController(); // aborted when this tab is hidden
const awaited = new Set(); // the keys of locks whose release calls `changed`

// onTabChange calls `callback` after a change in another tab. A hidden tab may miss changes, so the callback also runs when
// this tab becomes visible.
export function onTabChange(callback) {
	changed = callback;
	if (channel) channel.onmessage = callback;
	document.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible") return callback();
		visible.abort();
		visible = new AbortController();
		awaited.clear();
	});
}

export const notifyTabs = () => channel?.postMessage("changed");

export async function heldLocks() {
	try {
		return (await navigator.locks.query()).held.map(({ name }) => name);
	} catch {
		return [];
	}
}

// awaitRelease calls `changed` when the tab that uploads the picture has been closed or has finished. A hidden tab does not
// wait, because browsers suspend hidden tabs: it could receive the lock and keep it.
export function awaitRelease(key) {
	if (awaited.has(key) || document.visibilityState !== "visible") return;
	awaited.add(key);
	navigator.locks.request(key, { signal: visible.signal }, () => awaited.delete(key)).then(() => changed(), () => {});
}

// The lock ends with its tab, so another tab can then upload the picture. If the browser refuses locks, withLock runs the
// task without one.
export async function withLock(key, signal, onWait, task) {
	let started = false;
	const start = () => {
		started = true;
		notifyTabs();
		return task();
	};
	try {
		if ((await heldLocks()).includes(key)) onWait();
		return await navigator.locks.request(key, { signal }, start);
	} catch (error) {
		if (started || signal.aborted) throw error;
		return await start();
	} finally {
		notifyTabs();
	}
}
