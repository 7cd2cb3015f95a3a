// The page: hands files to the worker, and shows what it read.
const SVG = "http://www.w3.org/2000/svg";
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
const state = document.querySelector("#state"), input = document.querySelector("#files");

worker.onmessage = ({ data: { id, ready, result, error } }) => {
  if (ready) state.textContent = "Ready.";
  else if (id === undefined) state.textContent = `The models cannot be loaded: ${error}`;
  else {
    const { file, article } = waiting.get(id);
    waiting.delete(id);
    show(article, file, result, error);
  }
};

function element(name, parent, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function show(article, file, result, error) {
  article.querySelector("h2").textContent = result ? `${file.name}: ${result.lines.length} lines, ${result.seconds.toFixed(1)} s` : `${file.name}: ${error}`;
  if (!result) return;
  const svg = document.createElementNS(SVG, "svg"), image = document.createElementNS(SVG, "image");
  svg.setAttribute("viewBox", `0 0 ${result.width} ${result.height}`);
  const url = URL.createObjectURL(file);
  image.setAttribute("href", url);
  image.setAttribute("width", result.width);
  image.onload = () => URL.revokeObjectURL(url);
  svg.append(image);
  for (const { box } of result.lines) {
    const polygon = document.createElementNS(SVG, "polygon");
    polygon.setAttribute("points", box.map((point) => point.join(",")).join(" "));
    svg.append(polygon);
  }
  article.append(svg);
  element("pre", article, result.lines.map((line) => line.text).join("\n"));
  article.result = result;
}

function take(files) {
  for (const file of files) {
    const article = document.createElement("article"), id = crypto.randomUUID?.() ?? String(Math.random());
    element("h2", article, `${file.name} …`);
    document.querySelector("main").prepend(article);
    waiting.set(id, { file, article });
    worker.postMessage({ id, file });
  }
}

input.onchange = () => take(input.files);
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
};
