// Depthwise convolution, and batch normalisation with activation, for training on a CPU. Maps are float[N][C][H][W].
//
// Everything is written as long loops over neighbouring numbers, which compilers turn into vector instructions. What
// Python calls returns 0, or 1 where there is no memory.

#include <math.h>
#include <stdlib.h>
#include <string.h>

static long smaller(long a, long b) { return a < b ? a : b; }
static long larger(long a, long b) { return a > b ? a : b; }

// --- Depthwise convolution -------------------------------------------------------------------------------------------
//
// A map is copied between zeros into a plane, so that no tap asks whether it is outside. A step of s > 1 reads every
// s-th pixel; so that these lie side by side, pixels are sorted by their remainders (row % step, column % step) into
// sheets. Then what tap (i, j) reads for all output pixels is one stretch of the plane, shifted by a constant: the
// convolution adds up the stretches of all taps, weighed, and both gradients are the same loop with roles exchanged.

typedef struct {
    long images, channels, height, width, out_height, out_width;
    long kernel_height, kernel_width, step_y, step_x, spread_y, spread_x, top, left;
} Convolution;

typedef struct {
    long rows, pitch;  // of each sheet; an output is laid out with the same pitch
    long area, span;   // pixels of all sheets; from the first to the last pixel of an output
} Layout;

enum { CHUNK = 2048, MOST_TAPS = 256, NO_TAP = -1 };  // so many pixels at a time stay in the nearest cache

static Layout layout_of(const Convolution *c) {
    long rows = larger((c->top + c->height - 1) / c->step_y + 1,
                       c->out_height + (c->kernel_height - 1) * c->spread_y / c->step_y);
    long pitch = larger((c->left + c->width - 1) / c->step_x + 1,
                        c->out_width + (c->kernel_width - 1) * c->spread_x / c->step_x);
    return (Layout){rows, pitch, c->step_y * c->step_x * rows * pitch, (c->out_height - 1) * pitch + c->out_width};
}

// Where pixel (y, x) of the padded map lies in the plane.
static long place(const Convolution *c, Layout layout, long y, long x) {
    long sheet = y % c->step_y * c->step_x + x % c->step_x;
    return (sheet * layout.rows + y / c->step_y) * layout.pitch + x / c->step_x;
}

static void copy(float *restrict to, long to_step, const float *restrict from, long from_step, long count) {
    if (to_step == 1 && from_step == 1)
        memcpy(to, from, count * sizeof(float));
    else
        for (long i = 0; i < count; i++) to[i * to_step] = from[i * from_step];
}

static void map_to_plane(const Convolution *c, Layout layout, const float *map, float *plane) {
    for (long y = 0; y < c->height; y++)
        for (long x = 0; x < smaller(c->step_x, c->width); x++)
            copy(plane + place(c, layout, c->top + y, c->left + x), 1, map + y * c->width + x, c->step_x,
                 (c->width - x - 1) / c->step_x + 1);
}

static void plane_to_map(const Convolution *c, Layout layout, const float *plane, float *map) {
    for (long y = 0; y < c->height; y++)
        for (long x = 0; x < smaller(c->step_x, c->width); x++)
            copy(map + y * c->width + x, c->step_x, plane + place(c, layout, c->top + y, c->left + x), 1,
                 (c->width - x - 1) / c->step_x + 1);
}

typedef struct {
    long count, offset[MOST_TAPS], number[MOST_TAPS];  // where what it reads begins; which tap of the kernel
    float weight[MOST_TAPS];
} Taps;

static void add_tap(Taps *taps, long offset, long number) {
    taps->offset[taps->count] = offset;
    taps->number[taps->count++] = number;
}

// Four taps are worked on at a time: those that lack read the first pixels, and count nothing.
static void fill_up(Taps *taps) {
    while (taps->count % 4) add_tap(taps, 0, NO_TAP);
}

static void set_weights(Taps *taps, const float *kernel) {
    for (long i = 0; i < taps->count; i++) taps->weight[i] = taps->number[i] == NO_TAP ? 0 : kernel[taps->number[i]];
}

static void find_taps(const Convolution *c, Layout layout, Taps *taps) {
    taps->count = 0;
    for (long i = 0; i < c->kernel_height; i++)
        for (long j = 0; j < c->kernel_width; j++)
            add_tap(taps, place(c, layout, i * c->spread_y, j * c->spread_x), i * c->kernel_width + j);
    fill_up(taps);
}

// The way back to one sheet: each of its pixels goes to the outputs whose taps read it.
static void find_taps_back(const Taps *taps, long sheet, long sheet_area, Taps *back) {
    back->count = 0;
    for (long i = 0; i < taps->count; i++)
        if (taps->number[i] != NO_TAP && taps->offset[i] / sheet_area == sheet)
            add_tap(back, -(taps->offset[i] % sheet_area), taps->number[i]);
    fill_up(back);
}

// result[i] = Σ weight · from[i + offset]
static void add_up(const float *from, const Taps *taps, float *result, long span) {
    for (long i = 0; i < span; i++) result[i] = 0;
    for (long start = 0; start < span; start += CHUNK) {
        float *restrict sums = result + start;
        long length = smaller(CHUNK, span - start);
        for (long tap = 0; tap < taps->count; tap += 4) {
            const float *w = taps->weight + tap, *f = from + start;
            const long *o = taps->offset + tap;
            const float *restrict a = f + o[0], *restrict b = f + o[1], *restrict c = f + o[2], *restrict d = f + o[3];
            float wa = w[0], wb = w[1], wc = w[2], wd = w[3];
            for (long i = 0; i < length; i++) sums[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
        }
    }
}

// totals[tap] += Σ gradient[i] · from[i + offset]
static void multiply_up(const float *from, const Taps *taps, const float *gradient, long span, double *totals) {
    for (long start = 0; start < span; start += CHUNK) {
        const float *restrict g = gradient + start;
        long length = smaller(CHUNK, span - start);
        for (long tap = 0; tap < taps->count; tap += 4) {
            const float *f = from + start;
            const long *o = taps->offset + tap;
            const float *restrict a = f + o[0], *restrict b = f + o[1], *restrict c = f + o[2], *restrict d = f + o[3];
            float ta = 0, tb = 0, tc = 0, td = 0;
            for (long i = 0; i < length; i++) {
                ta += g[i] * a[i];
                tb += g[i] * b[i];
                tc += g[i] * c[i];
                td += g[i] * d[i];
            }
            totals[tap] += ta, totals[tap + 1] += tb, totals[tap + 2] += tc, totals[tap + 3] += td;
        }
    }
}

// input[N][C][height][width], kernel[C][kernel_height][kernel_width] → output[N][C][out_height][out_width]
int depthwise_forward(const Convolution *c, const float *input, const float *kernel, float *output) {
    Layout layout = layout_of(c);
    float *plane = calloc(layout.area, sizeof(float)), *sums = malloc(layout.span * sizeof(float));
    int failed = !plane || !sums;
    Taps taps;
    find_taps(c, layout, &taps);
    for (long map = 0; !failed && map < c->images * c->channels; map++) {
        set_weights(&taps, kernel + map % c->channels * c->kernel_height * c->kernel_width);
        map_to_plane(c, layout, input + map * c->height * c->width, plane);
        add_up(plane, &taps, sums, layout.span);
        float *result = output + map * c->out_height * c->out_width;
        for (long y = 0; y < c->out_height; y++)
            copy(result + y * c->out_width, 1, sums + y * layout.pitch, 1, c->out_width);
    }
    free(plane), free(sums);
    return failed;
}

// From the gradient of the output to those of the input and of the kernel, each in the shape of what it belongs to.
int depthwise_backward(const Convolution *c, const float *input, const float *kernel, const float *output_gradient,
                       float *input_gradient, float *kernel_gradient) {
    Layout layout = layout_of(c);
    long sheets = c->step_y * c->step_x, sheet_area = layout.area / sheets, count = c->kernel_height * c->kernel_width;
    float *plane = calloc(layout.area, sizeof(float)), *plane_gradient = malloc(layout.area * sizeof(float));
    float *margin = calloc(2 * sheet_area, sizeof(float));  // the zeros before, between and behind the rows stay
    float *gradient = margin + sheet_area;
    Taps taps, *back = malloc(sheets * sizeof(Taps));
    int failed = !plane || !plane_gradient || !margin || !back;
    find_taps(c, layout, &taps);
    for (long sheet = 0; !failed && sheet < sheets; sheet++) find_taps_back(&taps, sheet, sheet_area, back + sheet);
    for (long channel = 0; !failed && channel < c->channels; channel++) {
        for (long sheet = 0; sheet < sheets; sheet++) set_weights(back + sheet, kernel + channel * count);
        double totals[MOST_TAPS] = {0};
        for (long map = channel; map < c->images * c->channels; map += c->channels) {
            const float *from = output_gradient + map * c->out_height * c->out_width;
            for (long y = 0; y < c->out_height; y++)
                copy(gradient + y * layout.pitch, 1, from + y * c->out_width, 1, c->out_width);
            map_to_plane(c, layout, input + map * c->height * c->width, plane);
            multiply_up(plane, &taps, gradient, layout.span, totals);
            for (long sheet = 0; sheet < sheets; sheet++)
                add_up(gradient, back + sheet, plane_gradient + sheet * sheet_area, sheet_area);
            plane_to_map(c, layout, plane_gradient, input_gradient + map * c->height * c->width);
        }
        for (long tap = 0; tap < count; tap++) kernel_gradient[channel * count + tap] = (float)totals[tap];
    }
    free(plane), free(plane_gradient), free(margin), free(back);
    return failed;
}

// --- Batch normalisation with activation -----------------------------------------------------------------------------
//
// Per channel, over all images and pixels: x → act(γ (x − μ) / √(σ² + ε) + β). Only x is kept for the way back: what
// lies between is computed anew, which costs less than to write and read another map.

enum { LINEAR, RELU, HARD_SWISH };

typedef struct {
    long images, channels, pixels, activation;
    float epsilon, momentum;
} Normalisation;

static float between(float low, float x, float high) { return x < low ? low : x > high ? high : x; }

// result = act(slope · x + start)
static void activate(float *restrict result, const float *restrict x, long count, long activation, float slope,
                     float start) {
    for (long i = 0; i < count; i++) result[i] = slope * x[i] + start;
    if (activation == RELU)
        for (long i = 0; i < count; i++) result[i] = result[i] > 0 ? result[i] : 0;
    if (activation == HARD_SWISH)
        for (long i = 0; i < count; i++) result[i] *= between(0, result[i] + 3, 6) / 6;
}

// result = gradient · act'(slope · x + start)
static void activate_backward(float *restrict result, const float *restrict gradient, const float *restrict x,
                              long count, long activation, float slope, float start) {
    if (activation == LINEAR)
        for (long i = 0; i < count; i++) result[i] = gradient[i];
    if (activation == RELU)
        for (long i = 0; i < count; i++) result[i] = slope * x[i] + start > 0 ? gradient[i] : 0;
    if (activation == HARD_SWISH)
        for (long i = 0; i < count; i++) {
            float value = slope * x[i] + start;
            float inside = (2 * value + 3) / 6;
            result[i] = gradient[i] * (value < -3 ? 0 : value > 3 ? 1 : inside);
        }
}

// Sums are taken in float by chunks, where rounding is small, and the chunks' in double.
static double sum(const float *x, long count) {
    double total = 0;
    for (long start = 0; start < count; start += CHUNK) {
        float part = 0;
        for (long i = start; i < smaller(start + CHUNK, count); i++) part += x[i];
        total += part;
    }
    return total;
}

// Σ (x − a) (y − b)
static double product_sum(const float *x, float a, const float *y, float b, long count) {
    double total = 0;
    for (long start = 0; start < count; start += CHUNK) {
        float part = 0;
        for (long i = start; i < smaller(start + CHUNK, count); i++) part += (x[i] - a) * (y[i] - b);
        total += part;
    }
    return total;
}

// Also writes mean and variance of the batch, and moves the running ones towards them; all float[C].
int normalise_forward(const Normalisation *n, const float *input, const float *scale, const float *shift, float *mean,
                      float *variance, float *running_mean, float *running_variance, float *output) {
    double count = (double)n->images * n->pixels;
    for (long channel = 0; channel < n->channels; channel++) {
        double total = 0, squares = 0;
        for (long map = channel; map < n->images * n->channels; map += n->channels)
            total += sum(input + map * n->pixels, n->pixels);
        float middle = (float)(total / count);
        for (long map = channel; map < n->images * n->channels; map += n->channels) {
            const float *x = input + map * n->pixels;
            squares += product_sum(x, middle, x, middle, n->pixels);
        }
        mean[channel] = middle;
        variance[channel] = (float)(squares / count);
        running_mean[channel] = n->momentum * running_mean[channel] + (1 - n->momentum) * middle;
        running_variance[channel] = n->momentum * running_variance[channel] + (1 - n->momentum) * variance[channel];
        float slope = scale[channel] / sqrtf(variance[channel] + n->epsilon);
        float start = shift[channel] - slope * middle;
        for (long map = channel; map < n->images * n->channels; map += n->channels)
            activate(output + map * n->pixels, input + map * n->pixels, n->pixels, n->activation, slope, start);
    }
    return 0;
}

// With g the gradient before the activation and z = (x − μ) / σ: γ/σ (g − mean(g) − z mean(g z)) for the input, Σ g z
// for the scale, Σ g for the shift (Ioffe and Szegedy 2015, section 3).
int normalise_backward(const Normalisation *n, const float *input, const float *scale, const float *shift,
                       const float *mean, const float *variance, const float *output_gradient, float *input_gradient,
                       float *scale_gradient, float *shift_gradient) {
    double count = (double)n->images * n->pixels;
    for (long channel = 0; channel < n->channels; channel++) {
        float middle = mean[channel], inverse = 1 / sqrtf(variance[channel] + n->epsilon);
        float slope = scale[channel] * inverse, start = shift[channel] - slope * middle;
        double total = 0, product = 0;
        for (long map = channel; map < n->images * n->channels; map += n->channels) {
            const float *x = input + map * n->pixels;
            float *g = input_gradient + map * n->pixels;
            activate_backward(g, output_gradient + map * n->pixels, x, n->pixels, n->activation, slope, start);
            total += sum(g, n->pixels);
            product += product_sum(x, middle, g, 0, n->pixels);
        }
        shift_gradient[channel] = (float)total;
        scale_gradient[channel] = (float)(product * inverse);
        // as a · g + b · x + c
        float on_x = (float)(-slope * product / count) * inverse * inverse;
        float constant = (float)(-slope * total / count) - on_x * middle;
        for (long map = channel; map < n->images * n->channels; map += n->channels) {
            const float *restrict x = input + map * n->pixels;
            float *restrict g = input_gradient + map * n->pixels;
            for (long i = 0; i < n->pixels; i++) g[i] = slope * g[i] + on_x * x[i] + constant;
        }
    }
    return 0;
}

// The same with statistics that are given and stay: x → act(γ (x − μ) / √(σ² + ε) + β).
int frozen_forward(const Normalisation *n, const float *input, const float *scale, const float *shift,
                   const float *mean, const float *variance, float *output) {
    for (long map = 0; map < n->images * n->channels; map++) {
        long channel = map % n->channels;
        float slope = scale[channel] / sqrtf(variance[channel] + n->epsilon);
        activate(output + map * n->pixels, input + map * n->pixels, n->pixels, n->activation, slope,
                 shift[channel] - slope * mean[channel]);
    }
    return 0;
}

// With g the gradient before the activation: γ/σ g for the input, Σ g (x − μ) / σ for the scale, Σ g for the shift.
int frozen_backward(const Normalisation *n, const float *input, const float *scale, const float *shift,
                    const float *mean, const float *variance, const float *output_gradient, float *input_gradient,
                    float *scale_gradient, float *shift_gradient) {
    for (long channel = 0; channel < n->channels; channel++) {
        float middle = mean[channel], inverse = 1 / sqrtf(variance[channel] + n->epsilon);
        float slope = scale[channel] * inverse, start = shift[channel] - slope * middle;
        double total = 0, product = 0;
        for (long map = channel; map < n->images * n->channels; map += n->channels)
            for (long begin = map * n->pixels; begin < (map + 1) * n->pixels; begin += CHUNK) {
                long count = smaller(CHUNK, (map + 1) * n->pixels - begin);
                float *restrict g = input_gradient + begin;
                activate_backward(g, output_gradient + begin, input + begin, count, n->activation, slope, start);
                total += sum(g, count);
                product += product_sum(input + begin, middle, g, 0, count);
                for (long i = 0; i < count; i++) g[i] *= slope;
            }
        shift_gradient[channel] = (float)total;
        scale_gradient[channel] = (float)(product * inverse);
    }
    return 0;
}
