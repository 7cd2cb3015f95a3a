// The networks work here, so that the page stays responsive. Messages: {id, file} → {id, result | error}.
import * as ort from "../ort/ort.wasm.min.mjs";
import { Ocr } from "./ppocr.js";

const HOME = new URL("..", import.meta.url);
const MAX_PIXELS = 50e6;

async function fetchFile(name) {
  const answer = await fetch(new URL(`models/${name}`, HOME));
  if (!answer.ok) throw new Error(`models/${name}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

// Threads need a page that is isolated from others (the headers COOP and COEP); one works everywhere.
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
ort.env.wasm.wasmPaths = new URL("ort/", HOME).href;
const loading = Ocr.load(ort, fetchFile, { threads: ort.env.wasm.numThreads });
loading.then(() => self.postMessage({ ready: true }), (error) => self.postMessage({ error: String(error) }));

/** Pixels of a picture file, upright, on white where it is transparent. */
async function decode(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) throw new Error(`${width} x ${height} pixels exceed the limit of ${MAX_PIXELS / 1e6} million`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

let last = Promise.resolve(); // pages wait for each other: a second one at once would need its memory too
self.onmessage = ({ data: { id, file } }) => {
  last = last.then(async () => {
    try {
      const ocr = await loading, image = await decode(file), begin = performance.now();
      const result = await ocr.read(image);
      self.postMessage({ id, result: { ...result, seconds: (performance.now() - begin) / 1000 } });
    } catch (error) {
      self.postMessage({ id, error: error.name === "InvalidStateError" ? "not a picture that this browser can read" : String(error) });
    }
  });
};
