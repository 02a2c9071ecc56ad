// Translates the texts of the page. translation.js is loaded only for languages other than English.
const translations = ["de"]; // de.js, and de-api.js with the messages of the API

const [found, preferred] = preferredLanguage(navigator.languages?.length ? navigator.languages : [navigator.language]);
let translation;

export let language = found === "en" ? preferred : "en"; // for Intl, which throws an exception for a malformed tag

// A browser may report any text as a language, even "C".
function preferredLanguage(tags) {
	for (const tag of tags) {
		const [name, region] = String(tag).toLowerCase().split(/[-_]/);
		if (name === "en" || translations.includes(name)) return [name, /^[a-z]{2}$/.test(region) ? name + "-" + region.toUpperCase() : name];
	}
	return ["en", "en"];
}

// load must end before the first call of t(). A top-level await would ensure this order, but WebKit then fails to load
// other modules (WebKit bug 242740).
export async function load() {
	if (found === "en") return;
	try {
		const module = await import("./translation.js");
		await module.load(found);
		translation = module;
	} catch {
		return; // the page stays English
	}
	document.documentElement.lang = language = preferred;
	translation.translatePage();
}

export const loadMessages = () => translation?.loadMessages();
export const loadResultTexts = () => translation?.loadResultTexts();

// t translates a text and replaces each {name} with its value.
export const t = (text, values = {}) => fill(translation?.lookUp(text) ?? text, values);

export function fill(text, values) {
	return text.replace(/\{(\w+)\}/g, (_, name) => isLong(values[name]) ? values[name].toLocaleString(language) : values[name]);
}

// Intl starts in 20 ms, so it formats only numbers that String formats differently.
const isLong = (value) => typeof value === "number" && !(Number.isInteger(value) && Math.abs(value) < 1000);
