// Crops in, texts out; and which crops lie upside down. As ppocr/infer/recognizer.py and classifier.py.
import { cut, resize, toPlanes } from "./pixels.js";

const REC_BATCH = 8, CLS_BATCH = 16; // most crops given to a network at once
const MAX_BATCH_WIDTH = 2560; // pixels of width in a batch
const WIDTH_STEP = 32, RIGHT_MARGIN = 32; // pixels
const MAX_HEIGHTS = 60; // crops longer than this many heights are cut into pieces
const SEEN_HEIGHTS = 6; // of a crop: its beginning, so long, is what the classifier sees
const UNIT = Float32Array.from({ length: 256 }, (_, value) => Math.fround(value * Math.fround(1 / 127.5)) - 1);

const naturalWidth = (image, height) => Math.max(1, Math.ceil((height * image.width) / image.height));

function paddedWidth(natural) {
  const width = natural + RIGHT_MARGIN, step = Math.max(WIDTH_STEP, 2 ** Math.floor(Math.log2(width)) / 4);
  return Math.ceil(width / step) * step;
}

/** Crops scaled to a height, in [-1, 1], the rest of the width 0: values of a batch. */
function batchOf(crops, width, height, order) {
  const plane = width * height, values = new Float32Array(3 * plane * crops.length);
  crops.forEach((crop, i) => {
    const scaled = resize(crop, Math.min(width, naturalWidth(crop, height)), height);
    toPlanes(scaled, [UNIT, UNIT, UNIT], order, values, 3 * plane * i, width, plane);
  });
  return values;
}

export class Recognizer {
  constructor(network, spec) {
    this.network = network;
    this.order = spec.channelOrder();
    this.logits = spec.logits;
    this.height = spec.transform("RecResizeImg").image_shape[1];
    this.characters = spec.postprocess("CTCLabelDecode").character_dict;
  }

  /** {text, score} of each crop. */
  async read(crops) {
    const pieces = crops.map((crop) => pieces_of(crop)), all = pieces.flat(), answers = new Array(all.length), same = new Map();
    all.forEach((crop, i) => {
      const width = paddedWidth(naturalWidth(crop, this.height));
      same.set(width, [...(same.get(width) ?? []), i]);
    });
    for (const [width, indices] of [...same].sort((a, b) => a[0] - b[0])) {
      const most = Math.min(REC_BATCH, Math.max(1, Math.floor(MAX_BATCH_WIDTH / width)));
      for (let begin = 0; begin < indices.length; begin += most) {
        const chosen = indices.slice(begin, begin + most);
        const values = batchOf(chosen.map((i) => all[i]), width, this.height, this.order);
        const { data, dims } = await this.network(values, [chosen.length, 3, this.height, width]);
        chosen.forEach((index, i) => (answers[index] = this.decode(data, dims[1], dims[2], i)));
      }
    }
    let next = 0;
    return pieces.map((parts) => joined(answers.slice(next, (next += parts.length))));
  }

  /** Best-path CTC decoding: merge repeats, drop blanks. */
  decode(data, steps, classes, index) {
    if (classes !== this.characters.length + 1 && classes !== this.characters.length + 2)
      throw new Error(`the recogniser gives ${classes} classes, its character set has ${this.characters.length} characters`);
    let text = "", score = 0, count = 0, last = 0;
    for (let step = 0, at = index * steps * classes; step < steps; ++step, at += classes) {
      let best = 0;
      for (let i = 1; i < classes; ++i) if (data[at + i] > data[at + best]) best = i;
      if (best && best !== last) {
        text += this.characters[best - 1] ?? " ";
        score += this.logits ? this.probability(data, at, best, classes) : data[at + best];
        ++count;
      }
      last = best;
    }
    return { text, score: count ? score / count : 0, count };
  }

  probability(data, at, best, classes) {
    let sum = 0;
    for (let i = 0; i < classes; ++i) sum += Math.exp(data[at + i] - data[at + best]);
    return 1 / sum;
  }
}

/** A crop far longer than high is cut where least happens, so between characters. */
function pieces_of(image) {
  const { width, height } = image, limit = height * MAX_HEIGHTS;
  if (width <= limit) return [image];
  if (height < 3) return [];
  const busy = Array.from({ length: width }, (_, x) => {
    let low = 765, high = 0;
    for (let y = 0, k = 4 * x; y < height; ++y, k += 4 * width) {
      const sum = image.data[k] + image.data[k + 1] + image.data[k + 2];
      low = Math.min(low, sum), high = Math.max(high, sum);
    }
    return high - low;
  });
  const count = Math.ceil(width / Math.floor(limit * 0.9)), cuts = [0];
  for (let k = 1; k < count; ++k) {
    const centre = Math.floor((width * k) / count), begin = Math.max(0, centre - height);
    const window = busy.slice(begin, centre + height);
    cuts.push(begin + window.indexOf(Math.min(...window)));
  }
  return cuts.map((left, i) => cut(image, left, 0, (cuts[i + 1] ?? width) - left, height));
}

function joined(parts) {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const score = count ? parts.reduce((sum, part) => sum + part.count * part.score, 0) / count : 0;
  return { text: parts.map((part) => part.text).join(""), score };
}

export class Classifier {
  constructor(network, spec, threshold) {
    this.network = network;
    this.order = spec.channelOrder();
    this.threshold = threshold;
    [, this.height, this.width] = spec.transform("ClsResizeImg").image_shape ?? [3, 48, 192];
    this.labels = spec.postprocess("ClsPostProcess").label_list ?? ["0", "180"];
  }

  /** Those of `indices` whose crops lie upside down. */
  async upsideDown(crops, indices) {
    const found = [];
    for (let begin = 0; begin < indices.length; begin += CLS_BATCH) {
      const chosen = indices.slice(begin, begin + CLS_BATCH);
      const seen = chosen.map((i) => cut(crops[i], 0, 0, Math.min(crops[i].width, SEEN_HEIGHTS * crops[i].height), crops[i].height));
      const { data } = await this.network(batchOf(seen, this.width, this.height, this.order), [seen.length, 3, this.height, this.width]);
      const turned = this.labels.findIndex((label) => String(label) === "180");
      chosen.forEach((index, i) => {
        const row = data.subarray(i * this.labels.length, (i + 1) * this.labels.length);
        if (Math.max(...row) === row[turned] && row[turned] > this.threshold) found.push(index);
      });
    }
    return found;
  }
}
