// Stores this browser's pictures in IndexedDB: their link IDs, erase tokens and thumbnails, and each image until its
// upload has succeeded.
import "./idb.js"; // defines the global `idb`
import { awaitRelease, heldLocks, notifyTabs, onTabChange } from "./tabs.js";
import { revokeUnused } from "./thumbnails.js";

// Each entry is a picture: {key, taken, thumb, id, token, erasing, sent, uploadTime}. Until S3 has stored the picture,
// the entry also has {unsent: {blob, size, fromCamera, granted}}.
let entries = []; // the newest entry first
let locked = []; // the keys of pictures that a tab is uploading
let written = Promise.resolve(); // the end of this tab's last transaction
const stored = new Map(); // the keys of entries in IndexedDB, and whether the entry contains its image

function connect() {
	const opened = open();
	database = within(opened); // WebKit may never open it (bug 226547)
	database.catch(() => {}); // without IndexedDB, entries last as long as the page
	opened.then(() => { database = opened; }, () => {});
}

const open = async () => idb.openDB("triptych", 1, {
	upgrade: (db) => db.createObjectStore("pictures", { keyPath: "key" }),
	blocking: (current, next, { target }) => target.close(), // another tab has a newer version of the page
	terminated: connect, // for example, Safari ends connections of pages in the background
});

// within rejects with no error after a timeout. A transaction never ends if another tab's transaction never ends.
const within = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(), 3000))]);

let database;
connect();

const lists = () => ({
	history: entries.filter(({ sent, unsent, id, key }) => sent || id && unsent && !unsent.blob && !locked.includes(key)),
	unsent: entries.filter(({ unsent, key }) => unsent?.blob && !locked.includes(key)),
});

export async function load() {
	try {
		const db = await database;
		let before, found;
		do {
			before = written;
			await before;
			[found, locked] = await within(Promise.all([db.getAll("pictures"), heldLocks()]));
		} while (before !== written);
		const keys = new Set(found.map(({ key }) => key));
		const memoryOnly = entries.filter(({ key }) => !stored.has(key) && !keys.has(key));
		entries = [...memoryOnly, ...found.reverse().map(complete)];
		for (const { key, unsent } of found) stored.set(key, Boolean(unsent?.blob));
	} catch {
		// The entries in memory remain.
	}
	revokeUnused(entries);
	locked.forEach(awaitRelease);
	return lists();
}

// If IndexedDB refused to store the image or the thumbnail, only the memory of this tab contains them.
function complete(entry) {
	const { thumb, unsent } = find(({ key }) => key === entry.key) ?? {};
	return mapBlobs({ thumb, ...entry, unsent: entry.unsent && { ...unsent, ...entry.unsent } }, toBlob);
}

// onChange calls `changed` with the new lists after another tab has changed an entry.
export const onChange = (changed) => onTabChange(async () => changed(await load()));

export const find = (wanted) => entries.find((entry) => wanted(entry));
export const toErase = () => entries.filter(({ erasing }) => erasing);
export const saved = () => written;
export const isImageStored = (key) => stored.get(key);

export const add = (entry) => update([], {}, [entry]);

// update adds and changes entries in one transaction. If an item of `changed` has an ID, update skips an entry that has
// another ID by now.
export function update(changed, change, added = []) {
	const apply = (entry) => changed.some(({ key, id = entry.id }) => key === entry.key && id === entry.id) ? { ...entry, ...change } : entry;
	entries = [...added, ...entries.map(apply)];
	write(async (store, put) => {
		for (const entry of added) await put(entry);
		for (const { key } of changed) {
			// If an entry was stored and is not in IndexedDB now, another tab has removed it.
			const entry = await store.get(key) ?? (stored.has(key) ? null : find((entry) => entry.key === key));
			if (entry) await put(apply(entry));
		}
	});
	return lists();
}

export function remove(key, added = []) {
	entries = [...added, ...entries.filter((entry) => entry.key !== key)];
	write(async (store, put) => {
		for (const entry of added) await put(entry);
		await store.delete(key);
	});
	revokeUnused(entries);
	return lists();
}

const whole = (entry) => entry;

const mapBlobs = ({ thumb, unsent, ...entry }, map) => ({ ...entry, thumb: map(thumb), unsent: unsent && { ...unsent, blob: map(unsent.blob) } });

// In a private window, WebKit refuses to store a Blob, but stores an ArrayBuffer.
const buffers = new WeakMap();
const withBuffers = (entry) => mapBlobs(entry, (blob) => buffers.get(blob) ?? blob);

async function readBlobs(blobs) {
	for (const blob of blobs) if (blob) await blob.arrayBuffer().then((bytes) => buffers.set(blob, bytes), () => {});
}

function toBlob(stored) {
	if (!(stored instanceof ArrayBuffer)) return stored;
	const blob = new Blob([stored], { type: "image/jpeg" });
	buffers.set(blob, stored);
	return blob;
}

const withoutThumb = ({ thumb, ...entry }) => withoutImage(entry);

function withoutImage(entry) {
	const { blob, ...unsent } = entry.unsent ?? {};
	return blob ? { ...entry, unsent } : entry;
}

function write(change) {
	const blobs = entries.flatMap(({ thumb, unsent }) => [thumb, unsent?.blob]);
	written = written.then(async () => {
		// If IndexedDB refuses an image, for example because the disk is full, store at least the link ID and the erase token.
		for (const reduce of [whole, withBuffers, withoutImage, withoutThumb]) {
			if (reduce === withBuffers) await readBlobs(blobs.filter((blob) => !buffers.has(blob)));
			try {
				return await within(commit(change, reduce));
			} catch (error) { // the entries in memory remain
				if (!error) return; // after the timeout, the transaction may still succeed
			}
		}
	});
}

async function commit(change, reduce) {
	const done = [];
	const transaction = (await database).transaction("pictures", "readwrite");
	const put = async (entry) => {
		const reduced = reduce(entry);
		if (!entry.id && !reduced.unsent?.blob) return; // without its image, the entry is useless
		await transaction.store.put(reduced);
		done.push([entry.key, Boolean(reduced.unsent?.blob)]);
	};
	await Promise.all([change(transaction.store, put), transaction.done]);
	for (const [key, hasImage] of done) stored.set(key, hasImage); // not before the end of the transaction, which checks the quota
	notifyTabs();
}
