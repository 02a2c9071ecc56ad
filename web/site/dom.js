// Creates elements from text, never from markup, because some text comes from other services.

export function element(name, properties = {}, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(properties)) {
		if (key in node) node[key] = value;
		else node.setAttribute(key, value);
	}
	node.append(...children);
	return node;
}

export function svgElement(name, attributes, ...children) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	node.append(...children);
	return node;
}

// setText skips unchanged text, because screen readers announce each assignment.
export function setText(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

export const $ = (id) => document.getElementById(id);

// Call focusTitle when the focused element disappears.
export const focusTitle = () => $("title").focus({ preventScroll: true });
