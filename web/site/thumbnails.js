// The URLs of thumbnails.
const thumbnails = new Map(); // by the key of the entry

export function thumbnail({ key, thumb }) {
	if (!thumb) return "icon.svg";
	if (!thumbnails.has(key)) thumbnails.set(key, URL.createObjectURL(thumb));
	return thumbnails.get(key);
}

// revokeUnused frees the thumbnails of removed entries.
export function revokeUnused(entries) {
	for (const [key, url] of thumbnails) {
		if (entries.some((entry) => entry.key === key)) continue;
		URL.revokeObjectURL(url);
		thumbnails.delete(key);
	}
}
