// Translates the page. The English texts are the keys of a dictionary, and are shown where it has no entry.
const dictionaries = { de: () => import("./de.js") };

// A browser may report any text as its language, even "C".
const found = Object.keys(dictionaries).find((language) => navigator.language.toLowerCase().split("-")[0] === language);
const dictionary = found ? await dictionaries[found]().then((module) => module.default, () => null) : null;

export const language = dictionary ? found : "en";

// t translates a text and replaces each {name} in it by the value of that name.
export function t(text, values = {}) {
	return (dictionary?.[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
