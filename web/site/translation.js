// Looks up translations. The English texts are the keys of a dictionary, and are shown where it has no entry.
import { fill, t } from "./language.js";

let name, dictionary, messages, loading;

export async function load(language) {
	dictionary = (await import(`./${language}.js`)).default;
	name = language;
}

// loadMessages loads the translations of the API's messages, which most visitors never see.
export function loadMessages() {
	return loading ??= import(`./${name}-api.js`).then((module) => { messages = module.default; }, () => { loading = null; });
}

export async function loadResultTexts() {
	Object.assign(dictionary, (await import(`./${name}-result.js`)).default);
}

export const lookUp = (text) => dictionary[text] ?? (messages && message(text));

function message(text) {
	const [, start, end = "", stop] = /^(.*?)(; [^;.]*|: try again[^.]*| \(\w+ timeout\))?(\.?)$/s.exec(text);
	const numbers = [""];
	const entry = messages[start.replace(/\b\d[\dhms]*/g, (value) => "{" + (numbers.push(/^0|\D/.test(value) ? value : Number(value)) - 1) + "}")];
	return entry && fill(entry, numbers) + (messages[end] ?? end) + stop;
}

export function translatePage() {
	document.title = t(document.title);
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const node = texts.currentNode, text = node.data.trim();
		if (text) node.data = node.data.replace(text, () => t(text));
	}
	for (const attribute of ["aria-label", "alt", "title", "placeholder"]) {
		for (const node of document.querySelectorAll(`[${attribute}]`)) node.setAttribute(attribute, t(node.getAttribute(attribute)));
	}
}
