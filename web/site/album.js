// The pictures taken in this browser: their IDs, erase tokens and small copies. They are sent nowhere.

const pictures = "triptych.pictures", agreement = "triptych.agreed";

export function load() {
	try {
		const list = JSON.parse(read(pictures) ?? "[]");
		return Array.isArray(list) ? list.filter((entry) => typeof entry?.id === "string" && typeof entry.token === "string") : [];
	} catch {
		return [];
	}
}

// add puts a new picture first. Where there is no room, the small copies of the oldest go.
export function add(entry) {
	return save([entry, ...load()]);
}

export function change(entries, change) {
	const ids = entries.map(({ id }) => id);
	return save(load().map((entry) => ids.includes(entry.id) ? { ...entry, ...change } : entry));
}

export function remove(id) {
	return save(load().filter((entry) => entry.id !== id));
}

function save(list) {
	for (let i = list.length; !write(pictures, JSON.stringify(list)) && i > 0; i--) list[i - 1].thumb = "";
	return list;
}

export function hasAgreed() {
	return read(agreement) === "1";
}

export function agree() {
	write(agreement, "1");
}

const kept = {}; // while the page is open, where the browser keeps nothing

function read(key) {
	try {
		return localStorage.getItem(key);
	} catch {
		return kept[key];
	}
}

function write(key, value) {
	try {
		localStorage.setItem(key, value);
		return true;
	} catch (error) {
		kept[key] = value;
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
