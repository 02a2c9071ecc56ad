// Making elements. Whatever comes from outside becomes text, never markup.

// element makes <name>, sets its properties and appends children, of which strings become text.
export function element(name, properties = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(properties)) {
		if (key in made) made[key] = value;
		else made.setAttribute(key, value);
	}
	made.append(...children);
	return made;
}

export function drawing(name, attributes, ...children) {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	made.append(...children);
	return made;
}

// write sets text only where it changed, so that screen readers hear changes and nothing else.
export function write(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

export const $ = (id) => document.getElementById(id);
