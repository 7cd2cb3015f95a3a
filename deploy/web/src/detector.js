// Text detection: a page in, boxes out. The same steps as ppocr/infer/detector.py and ppocr/postprocess/db.py.
import { clamp, cropSize, minAreaRect, orderCorners, rectangleCorners, rounded } from "./geometry.js";
import { cut, resize, toPlanes } from "./pixels.js";

const STRIDE = 32; // the networks halve the page five times
const MAX_ENLARGEMENT = 1.5;
const MAX_TILE_PIXELS = 2e6, MAX_TILE_SIDE = 8192, TILE_OVERLAP = 128;
const MAX_SIDE_RATIO = 3; // pages longer than so many times their width are not shrunk to fit whole
const MIN_SIDE = 3; // pixels of the map: a smaller shrunk region is noise

export class Detector {
  constructor(network, spec) {
    const resizing = spec.transform("DetResizeForTest"), normalize = spec.transform("NormalizeImage");
    this.network = network;
    this.order = spec.channelOrder();
    this.limits = { limit_side_len: 960, limit_type: "max", max_side_limit: 2000, max_pixels: 1_920_000, ...resizing };
    if (resizing.image_shape) throw new Error("DetResizeForTest.image_shape is not supported");
    this.settings = { thresh: 0.3, box_thresh: 0.6, unclip_ratio: 1.5, max_candidates: 1000, ...spec.postprocess("DBPostProcess") };
    const [above, below] = String(normalize.scale ?? 1 / 255).split("/").map(Number);
    const scale = above / (below ?? 1), { mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] } = normalize;
    this.tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, value) =>
      Math.fround(value * Math.fround(scale / std[c])) - Math.fround(m / std[c])));
  }

  /** Boxes of a page, in no order. */
  async boxes(image) {
    const [width, height] = this.networkSize(image.width, image.height);
    const map = await this.probability(resize(image, width, height));
    return this.regions(map, image);
  }

  networkSize(width, height) {
    const across = Math.min(width, height), part = Math.max(MAX_SIDE_RATIO * across, 4 * STRIDE);
    if (Math.max(width, height) <= part) return this.limitedSize(width, height);
    // One far longer than wide would lose its text when shrunk whole: it is scaled as a part of it would be.
    const scaled = height > width ? this.limitedSize(width, part) : this.limitedSize(part, height);
    const side = height > width ? 1 : 0;
    const whole = rounded((Math.max(width, height) * scaled[side]) / part / STRIDE) * STRIDE;
    scaled[side] = Math.max(scaled[side], whole);
    return scaled;
  }

  limitedSize(width, height) {
    const { limit_side_len, limit_type, max_side_limit, max_pixels } = this.limits;
    const long = Math.max(width, height), short = Math.min(width, height);
    let ratio = limit_side_len / long;
    if (limit_type === "max") ratio = Math.min(1, ratio);
    else if (limit_type === "min") ratio = Math.min(Math.max(1, limit_side_len / short), MAX_ENLARGEMENT);
    ratio = Math.min(ratio, max_side_limit / long, Math.sqrt(max_pixels / (long * short)));
    return [toStride(width * ratio), toStride(height * ratio)];
  }

  /** The map of a page; a long one is read in overlapping tiles, cut in the middle of each overlap. */
  async probability(page) {
    const wide = page.width > page.height, length = wide ? page.width : page.height;
    const across = wide ? page.height : page.width;
    const most = Math.min(Math.floor(MAX_TILE_PIXELS / across), MAX_TILE_SIDE);
    const spans = tileSpans(length, Math.max(Math.floor(most / STRIDE), (3 * TILE_OVERLAP) / STRIDE) * STRIDE);
    if (spans.length === 1) return this.run(page);
    const joined = { width: page.width, height: page.height, data: new Float32Array(page.width * page.height) };
    let begin = 0;
    for (const [i, [start, stop]] of spans.entries()) {
      const end = i + 1 < spans.length ? Math.floor((stop + spans[i + 1][0]) / 2) : length;
      const tile = wide ? cut(page, start, 0, stop - start, page.height) : cut(page, 0, start, page.width, stop - start);
      const map = await this.run(tile);
      for (let y = wide ? 0 : begin; y < (wide ? page.height : end); ++y) {
        const from = (wide ? y : y - start) * map.width + (wide ? begin - start : 0);
        joined.data.set(map.data.subarray(from, from + (wide ? end - begin : map.width)), y * page.width + (wide ? begin : 0));
      }
      begin = end;
    }
    return joined;
  }

  async run(page) {
    const plane = page.width * page.height, values = new Float32Array(3 * plane);
    toPlanes(page, this.tables, this.order, values, 0, page.width, plane);
    const { data, dims } = await this.network(values, [1, 3, page.height, page.width]);
    return { width: dims[3], height: dims[2], data };
  }

  /** Binarise, find the shrunk regions, score them, and grow them back (Liao et al. 2020, section 3.4). */
  regions(map, page) {
    const { thresh, box_thresh, unclip_ratio, max_candidates } = this.settings;
    const toX = page.width / map.width, toY = page.height / map.height, boxes = [];
    let components = connected(map, thresh);
    if (components.length > max_candidates)
      components = components.sort((a, b) => b.pixels - a.pixels).slice(0, max_candidates);
    for (const { points } of components) {
      const rectangle = minAreaRect(points);
      if (!rectangle || Math.min(rectangle.width, rectangle.height) < MIN_SIDE) continue;
      if (!(meanInside(map, rectangleCorners(rectangle)) >= box_thresh)) continue;
      // Area · ratio / perimeter undoes the shrinking of training; the smallest rectangle around an offset rectangle is
      // itself with its sides moved.
      const { width, height } = rectangle, growth = (width * height * unclip_ratio) / (2 * (width + height));
      if (Math.min(width, height) + 2 * growth < MIN_SIDE + 2) continue;
      const box = rectangleCorners(rectangle, growth).map(([x, y]) => [
        clamp(rounded(Math.fround(Math.fround(x) * Math.fround(toX))), 0, page.width),
        clamp(rounded(Math.fround(Math.fround(y) * Math.fround(toY))), 0, page.height),
      ]);
      if (Math.min(...cropSize(box)) > MIN_SIDE) boxes.push(orderCorners(box));
    }
    return boxes;
  }
}

const roundUp = (length, step) => Math.ceil(length / step) * step;

function toStride(length) {
  const stride = length <= 512 ? STRIDE : 2 * STRIDE;
  return Math.max(STRIDE, rounded(Math.floor(length) / stride) * stride);
}

function tileSpans(length, longest) {
  if (length <= longest) return [[0, length]];
  const count = Math.ceil((length - TILE_OVERLAP) / (longest - TILE_OVERLAP));
  const span = roundUp(Math.ceil((length + (count - 1) * TILE_OVERLAP) / count), STRIDE);
  return Array.from({ length: count }, (_, i) => {
    const start = roundUp(Math.floor(((length - span) * i) / (count - 1)), STRIDE);
    return [start, start + span];
  });
}

/** Regions of neighbouring pixels (eight each) above a threshold: of each row the first and the last one. */
function connected(map, thresh) {
  const { width, height, data } = map, seen = new Uint8Array(data.length), found = [];
  for (let start = 0; start < data.length; ++start) {
    if (seen[start] || !(data[start] > thresh)) continue;
    const rows = new Map(), stack = [start];
    let pixels = 0;
    seen[start] = 1;
    while (stack.length) {
      const at = stack.pop(), y = Math.floor(at / width), x = at - y * width, row = rows.get(y);
      ++pixels;
      if (!row) rows.set(y, [x, x]);
      else if (x < row[0]) row[0] = x;
      else if (x > row[1]) row[1] = x;
      for (let j = Math.max(y - 1, 0); j <= Math.min(y + 1, height - 1); ++j)
        for (let i = Math.max(x - 1, 0); i <= Math.min(x + 1, width - 1); ++i) {
          const next = j * width + i;
          if (seen[next] || !(data[next] > thresh)) continue;
          seen[next] = 1;
          stack.push(next);
        }
    }
    const ordered = [...rows].sort((a, b) => a[0] - b[0]);
    const points = ordered.flatMap(([y, [low, high]]) => (low === high ? [[low, y]] : [[low, y], [high, y]]));
    found.push({ points, pixels });
  }
  return found;
}

/** Mean of a map over the pixels of a convex polygon, its border included. */
function meanInside(map, corners) {
  const points = corners.map(([x, y]) => [Math.trunc(x), Math.trunc(y)]);
  const ys = points.map((p) => p[1]);
  let sum = 0, count = 0;
  for (let y = Math.max(0, Math.min(...ys)); y <= Math.min(map.height - 1, Math.max(...ys)); ++y) {
    let low = Infinity, high = -Infinity;
    points.forEach((a, i) => {
      let b = points[(i + 1) % points.length];
      if (a[1] > b[1]) [a, b] = [b, a];
      if (y < a[1] || y > b[1]) return;
      // What a drawn edge covers in this row reaches half a row up and down.
      const at = (v) => (a[1] === b[1] ? null : a[0] + ((b[0] - a[0]) * (clamp(v, a[1], b[1]) - a[1])) / (b[1] - a[1]));
      for (const x of a[1] === b[1] ? [a[0], b[0]] : [at(y - 0.5), at(y + 0.5)]) low = Math.min(low, x), high = Math.max(high, x);
    });
    const right = Math.min(map.width - 1, Math.round(high));
    for (let x = Math.max(0, Math.round(low)); x <= right; ++x) sum += map.data[y * map.width + x], ++count;
  }
  return count ? sum / count : 0;
}
