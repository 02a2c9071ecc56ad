// Stores the link IDs, erase tokens and thumbnails of this browser's pictures in localStorage.

const picturesKey = "triptych.pictures", agreedKey = "triptych.agreed";

export function load() {
	try {
		const list = JSON.parse(read(picturesKey) ?? "[]");
		return Array.isArray(list) ? list.filter((entry) => typeof entry?.id === "string" && typeof entry.token === "string") : [];
	} catch {
		return [];
	}
}

export const add = (entry) => save([entry, ...load()]);

export function update(entries, change) {
	const ids = entries.map(({ id }) => id);
	return save(load().map((entry) => ids.includes(entry.id) ? { ...entry, ...change } : entry));
}

export const remove = (id) => save(load().filter((entry) => entry.id !== id));

// If localStorage is full, save drops the oldest thumbnails.
function save(list) {
	for (let i = list.length; !write(picturesKey, JSON.stringify(list)) && i > 0; i--) list[i - 1].thumb = "";
	return list;
}

export const hasAgreed = () => read(agreedKey) === "1";
export const agree = () => write(agreedKey, "1");

const memory = {}; // replaces localStorage while the page is open, if the browser blocks it

function read(key) {
	try {
		return localStorage.getItem(key);
	} catch {
		return memory[key];
	}
}

function write(key, value) {
	try {
		localStorage.setItem(key, value);
		return true;
	} catch (error) {
		memory[key] = value;
		return error.name !== "QuotaExceededError";
	}
}

const thumbnails = new Map();

export function thumbnail({ id, thumb }) {
	if (!thumb) return "";
	if (!thumbnails.has(id)) {
		const bytes = Uint8Array.from(atob(thumb), (character) => character.charCodeAt(0));
		thumbnails.set(id, URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })));
	}
	return thumbnails.get(id);
}
