// Stores this browser's pictures in IndexedDB: their link IDs, erase tokens and thumbnails, and each image until its
// upload has succeeded.
import { openDB } from "./idb.js";

// An entry is {key, taken, thumb, id, token, erasing} with either `unsent` ({blob, size, fromCamera, granted}) or `sent`.
let entries = []; // the newest entry first
let locked = []; // the keys of pictures that a tab is uploading
let changes = 0; // made by this tab
const stored = new Set(); // the keys of entries in IndexedDB

const open = async () => openDB("triptych", 1, { upgrade: (db) => db.createObjectStore("pictures", { keyPath: "key" }) });
const database = open();
database.catch(() => {}); // without IndexedDB, entries last as long as the page
const channel = globalThis.BroadcastChannel && new BroadcastChannel("triptych");

const lists = () => ({
	history: entries.filter(({ sent }) => sent),
	unsent: entries.filter(({ unsent, key }) => unsent && !locked.includes(key)),
});

export async function load() {
	try {
		const db = await database;
		let before, found, locks;
		do {
			before = changes;
			[found, locks] = await Promise.all([db.getAll("pictures"), navigator.locks?.query()]);
		} while (before !== changes);
		const memoryOnly = entries.filter(({ key }) => !stored.has(key));
		for (const { key } of found) stored.add(key);
		entries = [...memoryOnly, ...found.reverse()];
		locked = locks?.held.map(({ name }) => name) ?? [];
	} catch {
		// The entries in memory remain.
	}
	revokeUnused();
	return lists();
}

// onChange calls `changed` after another tab has changed an entry.
export function onChange(changed) {
	if (channel) channel.onmessage = async () => changed(await load());
}

export const find = (wanted) => entries.find((entry) => wanted(entry));
export const toErase = () => entries.filter(({ erasing }) => erasing);

export function add(entry) {
	entries = [entry, ...entries];
	write(async (store) => {
		await store.put(entry);
		stored.add(entry.key);
	});
	return lists();
}

export function update(changed, change) {
	const keys = changed.map(({ key }) => key);
	entries = entries.map((entry) => keys.includes(entry.key) ? { ...entry, ...change } : entry);
	write(async (store) => {
		for (const key of keys) {
			const entry = await store.get(key); // absent if another tab has removed the entry
			if (entry) await store.put({ ...entry, ...change });
		}
	});
	return lists();
}

export function remove(key) {
	entries = entries.filter((entry) => entry.key !== key);
	write((store) => store.delete(key));
	revokeUnused();
	return lists();
}

async function write(change) {
	changes++;
	try {
		const transaction = (await database).transaction("pictures", "readwrite");
		await Promise.all([change(transaction.store), transaction.done]);
		channel?.postMessage("changed");
	} catch {
		// The entries in memory remain.
	}
}

// The lock ends with its tab, so another tab can then upload the picture.
export const withLock = (key, signal, task) => navigator.locks ? navigator.locks.request(key, { signal }, task) : task();

const agreedKey = "triptych.agreed";

export function hasAgreed() {
	try {
		return localStorage.getItem(agreedKey) === "1";
	} catch {
		return false;
	}
}

export function agree() {
	try {
		localStorage.setItem(agreedKey, "1");
	} catch {
		// The page asks again after a reload.
	}
}

const thumbnails = new Map();

export function thumbnail({ key, thumb }) {
	if (!thumbnails.has(key)) thumbnails.set(key, URL.createObjectURL(thumb));
	return thumbnails.get(key);
}

function revokeUnused() {
	for (const [key, url] of thumbnails) {
		if (entries.some((entry) => entry.key === key)) continue;
		URL.revokeObjectURL(url);
		thumbnails.delete(key);
	}
}
