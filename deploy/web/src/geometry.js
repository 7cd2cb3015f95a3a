// Boxes of text. A point is [x, y]; a box is four points, clockwise from the top-left corner; pixels.

const MIN_TALL_RATIO = 1.5; // a crop this many times higher than wide holds vertical or turned text
const RECENT = 3; // boxes of a row, and rows, that a further box is compared with

/** To the nearest whole number, halves to even ones, as Python and C round. */
export function rounded(value) {
  const low = Math.floor(value), rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Corners of a convex quad, clockwise on the screen from the one that begins the upper edge. */
export function orderCorners(quad) {
  const x = quad.reduce((sum, p) => sum + p[0] / 4, 0), y = quad.reduce((sum, p) => sum + p[1] / 4, 0);
  const points = [...quad].sort((a, b) => Math.atan2(a[1] - y, a[0] - x) - Math.atan2(b[1] - y, b[0] - x));
  const rightward = points.map((p, i) => {
    const next = points[(i + 1) % 4];
    return (next[0] - p[0]) / Math.max(distance(p, next), 1e-6);
  });
  return rolled(points, rightward.indexOf(Math.max(...rightward)));
}

/** The same corners, beginning with another one. */
export const rolled = (box, begin) => [...box.slice(begin), ...box.slice(0, begin)];

/** [width, height] of a straightened box: the longer of each pair of opposite sides, whole pixels, at least 1. */
export function cropSize(box) {
  const [top, right, bottom, left] = box.map((p, i) => distance(p, box[(i + 1) % 4]));
  return [Math.max(1, Math.floor(Math.max(top, bottom))), Math.max(1, Math.floor(Math.max(left, right)))];
}

export function isTall(box) {
  const [width, height] = cropSize(box);
  return height >= MIN_TALL_RATIO * width;
}

/** Convex hull (Andrew's monotone chain) of points sorted by y, then x. */
function convexHull(points) {
  const cross = (o, a, b) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (sorted) => {
    const chain = [];
    for (const point of sorted) {
      while (chain.length > 1 && cross(chain[chain.length - 2], chain[chain.length - 1], point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(points), ...half([...points].reverse())];
}

/**
 * The rectangle of least area around points that are sorted by y, then x (rotating calipers).
 * @returns {centre, along, across, width, height}: unit vectors of its sides, and their lengths.
 */
export function minAreaRect(points) {
  const hull = convexHull(points);
  let best = null;
  for (let i = 0; i < hull.length; ++i) {
    const a = hull[i], b = hull[(i + 1) % hull.length], length = distance(a, b);
    const ux = (b[0] - a[0]) / length, uy = (b[1] - a[1]) / length;
    let low = Infinity, high = -Infinity, near = Infinity, far = -Infinity;
    for (const [x, y] of hull) {
      const along = x * ux + y * uy, across = y * ux - x * uy;
      low = Math.min(low, along), high = Math.max(high, along);
      near = Math.min(near, across), far = Math.max(far, across);
    }
    const area = (high - low) * (far - near);
    if (best && area >= best.area) continue;
    const along = (low + high) / 2, across = (near + far) / 2;
    best = {
      area, width: high - low, height: far - near, along: [ux, uy], across: [-uy, ux],
      centre: [along * ux - across * uy, along * uy + across * ux],
    };
  }
  return best;
}

/** Corners of a rectangle whose sides were moved outwards by `growth`. */
export function rectangleCorners({ centre, along, across, width, height }, growth = 0) {
  const w = width / 2 + growth, h = height / 2 + growth;
  return [[-w, -h], [w, -h], [w, h], [-w, h]].map(([a, b]) => [
    centre[0] + along[0] * a + across[0] * b,
    centre[1] + along[1] * a + across[1] * b,
  ]);
}

/** Median direction of the boxes' upper edges in radians, long boxes counting more; 0 when they disagree. */
function slant(boxes) {
  const edges = boxes.map(([a, b]) => [Math.atan2(b[1] - a[1], b[0] - a[0]), distance(a, b)]);
  // Vertical and wildly turned text says nothing about the page.
  const level = edges.filter(([angle]) => Math.abs(angle) < Math.PI / 6).sort((a, b) => a[0] - b[0]);
  if (!level.length) return 0;
  const total = level.reduce((sum, edge) => sum + edge[1], 0);
  let sum = 0;
  const [median] = level.find((edge) => (sum += edge[1]) >= total / 2) ?? level[level.length - 1];
  // Only if most text agrees within 5°: on a page with text in all directions any angle would be wrong.
  const agreeing = level.filter(([angle]) => Math.abs(angle - median) < Math.PI / 36);
  return agreeing.reduce((all, edge) => all + edge[1], 0) > 0.6 * total ? median : 0;
}

/** Boxes in reading order: rows from top to bottom, each from left to right, along the page's own slant. */
export function inReadingOrder(boxes) {
  const angle = -slant(boxes), c = Math.cos(angle), s = Math.sin(angle);
  const items = boxes.map((box) => {
    const ys = box.map(([x, y]) => s * x + c * y), top = Math.min(...ys), bottom = Math.max(...ys);
    return { box, top, bottom, left: Math.min(...box.map(([x, y]) => c * x - s * y)), centre: (top + bottom) / 2 };
  });
  const rows = [];
  for (const item of items.sort((a, b) => a.centre - b.centre)) {
    const row = rows.slice(-RECENT).reverse().find((candidate) => isSameRow(item, candidate));
    if (row) row.push(item);
    else rows.push([item]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.left - b.left || a.centre - b.centre)).map((item) => item.box);
}

/** Whether a box overlaps the latest boxes of a row by half a height; long rows may drift, so not the first ones. */
function isSameRow(item, row) {
  const recent = row.slice(-RECENT);
  const top = recent.reduce((sum, other) => sum + other.top, 0) / recent.length;
  const bottom = recent.reduce((sum, other) => sum + other.bottom, 0) / recent.length;
  const shared = Math.min(bottom, item.bottom) - Math.max(top, item.top);
  return shared > 0.5 * Math.min(bottom - top, item.bottom - item.top);
}
