// Names colours in words.
import { t } from "./language.js";

const names = () => Object.entries({
	"#111": t("Black"), "#444": t("Dark grey"), "#888": t("Grey"), "#ccc": t("Light grey"), "#fff": t("White"),
	"#321": t("Dark brown"), "#754": t("Brown"), "#edb": t("Beige"), "#c22": t("Red"), "#711": t("Dark red"), "#e73": t("Orange"), "#ec3": t("Yellow"),
	"#4a4": t("Green"), "#241": t("Dark green"), "#3aa": t("Turquoise"), "#36c": t("Blue"), "#125": t("Dark blue"),
	"#9be": t("Light blue"), "#849": t("Purple"), "#e8b": t("Pink"),
}).map(([code, name]) => [opponents([...code.slice(1)].map((digit) => parseInt(digit, 16) * 17)), name]);

// palette joins colours with the same name.
export function palette(annotation) {
	const joined = {};
	for (const { color: { red = 0, green = 0, blue = 0 } = {}, pixelFraction = 0 } of annotation.imagePropertiesAnnotation?.dominantColors?.colors ?? []) {
		const rgb = [red, green, blue].map(Math.round), name = nameOf(rgb);
		joined[name] ??= { name, share: 0, colour: "rgb(" + rgb + ")", ink: luminance(rgb) > .18 ? "#000" : "#fff" };
		joined[name].share += pixelFraction;
	}
	return Object.values(joined).slice(0, 6);
}

function nameOf(rgb) {
	const [light, red, yellow] = opponents(rgb);
	const distance = ([[l, r, y]]) => Math.hypot(l - light, r - red, y - yellow);
	return names().reduce((a, b) => distance(b) < distance(a) ? b : a)[1];
}

function opponents([red, green, blue]) {
	return [(red + green + blue) / 6, red - green, (red + green) / 2 - blue];
}

const luminance = (rgb) => [.2126, .7152, .0722].reduce((sum, weight, i) => sum + weight * (rgb[i] / 255) ** 2.2, 0);
