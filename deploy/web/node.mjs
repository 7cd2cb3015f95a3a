// node deploy/web/node.mjs PICTURE… --site build/web: one line of JSON a PNG or JPEG picture, by onnxruntime-node.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import jpeg from "jpeg-js";
import * as ort from "onnxruntime-node";
import { PNG } from "pngjs";
import { Ocr } from "./src/ppocr.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { site: { type: "string", default: "build/web" }, threads: { type: "string", default: "0" } },
});

/** RGBA of a picture, transparent parts on white. */
function decode(data) {
  const isPng = data.subarray(0, 4).toString("latin1") === "\x89PNG";
  const image = isPng ? PNG.sync.read(data) : jpeg.decode(data, { useTArray: true, maxResolutionInMP: 50 });
  for (let k = 0; isPng && k < image.data.length; k += 4)
    for (let c = 0, alpha = image.data[k + 3]; alpha < 255 && c < 3; ++c)
      image.data[k + c] = Math.round((image.data[k + c] * alpha + 255 * (255 - alpha)) / 255);
  return { width: image.width, height: image.height, data: new Uint8ClampedArray(image.data) };
}

const ocr = await Ocr.load(ort, (name) => readFile(`${values.site}/models/${name}`), { threads: Number(values.threads) });
for (const file of positionals) {
  try {
    const image = decode(await readFile(file)), begin = performance.now();
    const { width, height, lines } = await ocr.read(image), seconds = (performance.now() - begin) / 1000;
    console.log(JSON.stringify({ file, page: 0, width, height, angle: 0, seconds, lines }));
  } catch (error) {
    console.error(`${file}: ${error.message ?? error}`);
    process.exitCode = 1;
  }
}
