// Reads the text of pictures with ppocr's model directories, in a browser, a worker or Node; nothing leaves the machine.
//
//   const ocr = await Ocr.load(ort, fetchFile);          // ort: onnxruntime-web or onnxruntime-node
//   const { lines } = await ocr.read(imageData);         // {width, height, data}: RGBA, as a canvas gives it
import { Detector } from "./detector.js";
import { inReadingOrder, isTall, rolled } from "./geometry.js";
import { cropBox, turnedLeft } from "./pixels.js";
import { Classifier, Recognizer } from "./recognizer.js";

const MAX_SCORE_LOSS_BY_TURNING = 0.1; // then a crop was right as it lay, whatever the classifier said
const DEFAULTS = { dropScore: 0.5, doubt: 0.9, clsThreshold: 0.9, threads: 0 };
const WEIGHTS = "inference.pdiparams";

/** What a model directory says of its pre- and post-processing. */
class Spec {
  constructor(content) {
    this.content = content;
    this.logits = content.graph === "inference.logits.graph.onnx";
  }

  transform(name) {
    const steps = this.content.PreProcess?.transform_ops ?? [];
    return steps.find((step) => name in step)?.[name] ?? {};
  }

  postprocess(name) {
    const found = this.content.PostProcess ?? {};
    if (found.name !== name) throw new Error(`expected a model with ${name}, came ${found.name}`);
    return found;
  }

  /** Where the network's channels stand in RGBA. */
  channelOrder() {
    return this.transform("DecodeImage").img_mode === "RGB" ? [0, 1, 2] : [2, 1, 0];
  }
}

export class Ocr {
  constructor(detector, classifier, recognizer, settings) {
    Object.assign(this, { detector, classifier, recognizer, settings });
  }

  /**
   * @param ort the module onnxruntime-web or onnxruntime-node.
   * @param fetchFile gives the bytes of a file of `build.py`'s output: "models.json", "det/inference.graph.onnx" …
   * @param settings dropScore, doubt, clsThreshold; threads: of the networks, 0 for all.
   */
  static async load(ort, fetchFile, settings = {}) {
    const all = { ...DEFAULTS, ...settings };
    const specs = JSON.parse(new TextDecoder().decode(await fetchFile("models.json")));
    const open = async (kind) => {
      const [graph, data] = await Promise.all([specs[kind].graph, WEIGHTS].map((name) => fetchFile(`${kind}/${name}`)));
      const options = { externalData: [{ path: WEIGHTS, data }], intraOpNumThreads: all.threads, logSeverityLevel: 3 };
      const session = await ort.InferenceSession.create(graph, options);
      return async (values, shape) => {
        const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, shape) };
        return (await session.run(feeds))[session.outputNames[0]];
      };
    };
    const detector = new Detector(await open("det"), new Spec(specs.det));
    const recognizer = new Recognizer(await open("rec"), new Spec(specs.rec));
    const classifier = specs.cls && new Classifier(await open("cls"), new Spec(specs.cls), all.clsThreshold);
    return new Ocr(detector, classifier, recognizer, all);
  }

  /** @returns {width, height, lines: [{text, score, box}]}, lines in reading order, each box from its text's beginning. */
  async read(image) {
    const boxes = inReadingOrder(await this.detector.boxes(image));
    const crops = boxes.map((box) => cropBox(image, box));
    const readings = await this.recognizer.read(crops);
    if (this.classifier) await this.turn(crops, readings);
    const lines = readings.map(({ text, score, turned }, i) => {
      const begin = (isTall(boxes[i]) ? 1 : 0) + (turned ? 2 : 0);
      return { text, score, box: rolled(boxes[i], begin) };
    });
    const { dropScore } = this.settings;
    return { width: image.width, height: image.height, lines: lines.filter(({ text, score }) => text && score >= dropScore) };
  }

  /** Text upside down reads with doubt: doubtful crops are shown to the classifier, then all if one lies upside down. */
  async turn(crops, readings) {
    const indices = [...readings.keys()], isDoubtful = (i) => readings[i].score <= this.settings.doubt;
    const turned = await this.classifier.upsideDown(crops, indices.filter(isDoubtful));
    if (!turned.length) return;
    turned.push(...(await this.classifier.upsideDown(crops, indices.filter((i) => !isDoubtful(i)))));
    const again = await this.recognizer.read(turned.map((i) => turnedLeft(crops[i], 2)));
    turned.forEach((index, k) => {
      if (again[k].score > readings[index].score - MAX_SCORE_LOSS_BY_TURNING) readings[index] = { ...again[k], turned: true };
    });
  }
}
