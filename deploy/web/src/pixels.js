// Pictures: { width, height, data }, data being RGBA bytes as a canvas gives them. What OpenCV computes in fixed point
// is computed alike here, so that networks see the same pixels as in Python.
import { clamp, cropSize, isTall, rounded } from "./geometry.js";

const COEFFICIENT_BITS = 11; // of OpenCV's bilinear weights
const TABLE_SIZE = 32; // OpenCV's parts of a pixel in a warp
const MAX_CROP_PIXELS = 50e6;

export const picture = (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) });

/** Positions and weights of a bilinear resize along one side. */
function weights(from, to) {
  const scale = from / to, places = new Int32Array(to), first = new Int32Array(to), second = new Int32Array(to);
  for (let i = 0; i < to; ++i) {
    let place = Math.fround((i + 0.5) * scale - 0.5), low = Math.floor(place), rest = Math.fround(place - low);
    if (low < 0) low = 0, rest = 0;
    if (low >= from - 1) low = from - 1, rest = 0;
    places[i] = low;
    first[i] = rounded((1 - rest) * (1 << COEFFICIENT_BITS));
    second[i] = rounded(rest * (1 << COEFFICIENT_BITS));
  }
  return { places, first, second };
}

/** A picture at another size, bilinear as OpenCV's INTER_LINEAR. */
export function resize(image, width, height) {
  if (image.width === width && image.height === height) return image;
  if (image.width === 2 * width && image.height === 2 * height) return halved(image);
  const out = picture(width, height), across = weights(image.width, width), down = weights(image.height, height);
  const row = (y) => {
    const values = new Int32Array(3 * width), base = y * image.width;
    for (let x = 0, k = 0; x < width; ++x) {
      const left = 4 * (base + across.places[x]), right = across.places[x] + 1 < image.width ? left + 4 : left;
      for (let c = 0; c < 3; ++c)
        values[k++] = image.data[left + c] * across.first[x] + image.data[right + c] * across.second[x];
    }
    return values;
  };
  let kept = new Map();
  for (let y = 0; y < height; ++y) {
    const top = down.places[y], bottom = Math.min(top + 1, image.height - 1);
    kept = new Map([top, bottom].map((number) => [number, kept.get(number) ?? row(number)]));
    const upper = kept.get(top), lower = kept.get(bottom), a = down.first[y], b = down.second[y];
    for (let x = 0, k = 0, at = 4 * y * width; x < width; ++x, ++at)
      for (let c = 0; c < 3; ++c, ++k, ++at)
        out.data[at] = (((a * (upper[k] >> 4)) >> 16) + ((b * (lower[k] >> 4)) >> 16) + 2) >> 2;
  }
  return out;
}

/** Half the size: OpenCV averages four pixels then, also where it was asked for bilinear. */
function halved(image) {
  const out = picture(image.width / 2, image.height / 2), step = 4 * image.width;
  for (let y = 0, at = 0; y < out.height; ++y)
    for (let x = 0; x < out.width; ++x, ++at)
      for (let c = 0; c < 3; ++c, ++at) {
        const k = 2 * y * step + 8 * x + c;
        out.data[at] = (image.data[k] + image.data[k + 4] + image.data[k + step] + image.data[k + step + 4] + 2) >> 2;
      }
  return out;
}

/** A part of a picture. */
export function cut(image, left, top, width, height) {
  const out = picture(width, height);
  for (let y = 0; y < height; ++y) {
    const begin = 4 * ((top + y) * image.width + left);
    out.data.set(image.data.subarray(begin, begin + 4 * width), 4 * y * width);
  }
  return out;
}

/** A picture turned by quarters to the left. */
export function turnedLeft(image, quarters) {
  const { width, height } = image, odd = quarters % 2 === 1;
  const from = new Uint32Array(image.data.buffer, image.data.byteOffset, width * height);
  const out = odd ? picture(height, width) : picture(width, height);
  const to = new Uint32Array(out.data.buffer);
  for (let y = 0, k = 0; y < out.height; ++y)
    for (let x = 0; x < out.width; ++x, ++k) {
      if (quarters === 1) to[k] = from[x * width + (width - 1 - y)];
      else if (quarters === 2) to[k] = from[(height - 1 - y) * width + (width - 1 - x)];
      else to[k] = from[(height - 1 - x) * width + y];
    }
  return out;
}

/** Cut a box out of a page and straighten it; tall crops are turned a quarter to the left. */
export function cropBox(image, box) {
  const [width, height] = cropSize(box), [[left, top]] = box;
  const target = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]];
  const upright = box.every(([x, y], i) => x === target[i][0] && y === target[i][1] && x === Math.round(x) && y === Math.round(y));
  const inside = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (width * height > MAX_CROP_PIXELS) throw new Error(`a line of ${width} x ${height} pixels is too large`);
  const crop = upright && inside ? cut(image, left, top, width, height) : straightened(image, box, width, height);
  return isTall(box) ? turnedLeft(crop, 1) : crop;
}

/** Perspective transform of a box to a rectangle, cubic and with a repeated border, as OpenCV's warpPerspective. */
function straightened(image, box, width, height) {
  const m = perspective([[0, 0], [width, 0], [width, height], [0, height]], box);
  const out = picture(width, height), { data } = image;
  for (let y = 0, at = 0; y < height; ++y)
    for (let x = 0; x < width; ++x, at += 4) {
      const w = TABLE_SIZE / (m[6] * x + m[7] * y + 1);
      const px = rounded((m[0] * x + m[1] * y + m[2]) * w), py = rounded((m[3] * x + m[4] * y + m[5]) * w);
      const left = (px >> 5) - 1, top = (py >> 5) - 1, across = CUBIC[px & 31], down = CUBIC[py & 31];
      let red = 0, green = 0, blue = 0;
      for (let j = 0; j < 4; ++j) {
        const row = clamp(top + j, 0, image.height - 1) * image.width;
        for (let i = 0; i < 4; ++i) {
          const k = 4 * (row + clamp(left + i, 0, image.width - 1)), weight = down[j] * across[i];
          red += data[k] * weight, green += data[k + 1] * weight, blue += data[k + 2] * weight;
        }
      }
      out.data[at] = red, out.data[at + 1] = green, out.data[at + 2] = blue; // clamped and rounded by the array
    }
  return out;
}

/** Weights of four neighbours for each part of a pixel (Keys 1981, a = -0.75 as in OpenCV). */
const CUBIC = Array.from({ length: TABLE_SIZE }, (_, part) => {
  const x = part / TABLE_SIZE, a = -0.75;
  const first = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
  const second = ((a + 2) * x - (a + 3)) * x * x + 1;
  const third = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
  return [first, second, third, 1 - first - second - third];
});

/** The eight numbers of the perspective transform that takes four points to four others (Gaussian elimination). */
function perspective(from, to) {
  const rows = from.flatMap(([x, y], i) => {
    const [u, v] = to[i];
    return [[x, y, 1, 0, 0, 0, -x * u, -y * u, u], [0, 0, 0, x, y, 1, -x * v, -y * v, v]];
  });
  for (let c = 0; c < 8; ++c) {
    let pivot = c;
    for (let r = c + 1; r < 8; ++r) if (Math.abs(rows[r][c]) > Math.abs(rows[pivot][c])) pivot = r;
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let r = 0; r < 8; ++r) {
      if (r === c) continue;
      const factor = rows[r][c] / rows[c][c];
      for (let k = c; k < 9; ++k) rows[r][k] -= factor * rows[c][k];
    }
  }
  return rows.map((row, i) => row[8] / row[i]);
}

/**
 * Write a picture's channels into planes of a batch: table lookups, since a byte has 256 values only.
 * @param order of the channels, [2, 1, 0] for BGR. @param begin of the picture in `out`. @param stride of its rows.
 */
export function toPlanes(image, tables, order, out, begin, stride, plane) {
  for (let c = 0; c < 3; ++c)
    for (let y = 0, k = order[c]; y < image.height; ++y) {
      let at = begin + c * plane + y * stride;
      for (let x = 0; x < image.width; ++x, k += 4) out[at++] = tables[c][image.data[k]];
    }
}
