// What was seen in the picture: faces as boxes and words, colours as swatches, everything else by name.

const moods = [["joy", "joyful"], ["sorrow", "sad"], ["anger", "angry"], ["surprise", "surprised"]];
const traits = [["headwear", "wearing a hat"], ["blurred", "blurred"], ["underExposed", "in the dark"]];
const degrees = { VERY_LIKELY: "clearly", LIKELY: "probably", POSSIBLE: "perhaps" };

// show fills the result with an annotation; the boxes fit the image once it is there.
export function show(annotation, image, boxes) {
  const faces = annotation.faceAnnotations ?? [];
  list("faces", faces.map((face, i) => [(faces.length > 1 ? i + 1 + ": " : "") + inWords(face)]), "No face was found.");
  const colours = annotation.imagePropertiesAnnotation?.dominantColors?.colors ?? [];
  list("colours", colours.slice(0, 8).map(swatch), "No colours were found.");
  const seen = names(annotation);
  list("seen", seen.map((name) => [name]), "");
  document.getElementById("seen").parentElement.hidden = seen.length === 0;
  drawWhenLoaded(faces, image, boxes);
}

function list(id, items, none) {
  document.getElementById(id).replaceChildren(...(items.length ? items : none ? [[none]] : []).map((content) => {
    const item = document.createElement("li");
    item.append(...content);
    return item;
  }));
}

// inWords says what face looks like, and how sure that is.
function inWords(face) {
  const words = [];
  for (const [key, word] of [...moods, ...traits]) {
    const degree = degrees[face[key + "Likelihood"]];
    if (degree) words.push(degree + " " + word);
  }
  const sure = face.detectionConfidence ? " (" + Math.round(face.detectionConfidence * 100) + " % sure it is a face)" : "";
  return (words.length ? capital(words.join(", ")) : "A calm face") + sure;
}

function swatch({ color, pixelFraction }) {
  const patch = document.createElement("span");
  const parts = [color?.red ?? 0, color?.green ?? 0, color?.blue ?? 0].map(Math.round);
  const code = "#" + parts.map((part) => part.toString(16).padStart(2, "0")).join("");
  patch.className = "swatch";
  patch.style.backgroundColor = code;
  const share = pixelFraction ? " " + Math.max(1, Math.round(pixelFraction * 100)) + " %" : "";
  return [patch, code + share];
}

// names are what labels, objects, places, brands and text were found, each once.
function names(annotation) {
  const found = [
    ...(annotation.labelAnnotations ?? []).map((label) => label.description),
    ...(annotation.localizedObjectAnnotations ?? []).map((object) => object.name),
    ...(annotation.landmarkAnnotations ?? []).map((place) => place.description),
    ...(annotation.logoAnnotations ?? []).map((brand) => brand.description),
  ];
  return [...new Set(found.filter(Boolean).map(capital))].slice(0, 16);
}

function drawWhenLoaded(faces, image, boxes) {
  const draw = () => drawBoxes(faces, image, boxes);
  if (image.complete && image.naturalWidth) draw();
  else image.addEventListener("load", draw, { once: true });
}

// drawBoxes puts a box over each face. The drawing's units are the picture's pixels, as Vision's are.
function drawBoxes(faces, image, boxes) {
  boxes.setAttribute("viewBox", "0 0 " + image.naturalWidth + " " + image.naturalHeight);
  boxes.replaceChildren(...faces.flatMap((face, i) => {
    const corners = (face.fdBoundingPoly ?? face.boundingPoly)?.vertices ?? [];
    if (corners.length < 3) return [];
    const box = svg("polygon", { points: corners.map((corner) => (corner.x ?? 0) + "," + (corner.y ?? 0)).join(" ") });
    if (faces.length < 2) return [box];
    const size = image.naturalWidth / 24;
    const number = svg("text", { x: corners[0].x ?? 0, y: (corners[0].y ?? 0) - size / 4, "font-size": size });
    number.textContent = i + 1;
    return [box, number];
  }));
}

function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
