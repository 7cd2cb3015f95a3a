#include "recognizer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

namespace ppocr {

namespace {

constexpr size_t REC_BATCH = 8, CLS_BATCH = 16;  // most crops given to a network at once
constexpr int MAX_BATCH_WIDTH = 2560;  // pixels of width in a batch: more crops at once gain no speed
constexpr int MAX_HEIGHTS = 60;        // crops longer than this many heights are cut between characters …
constexpr int MIN_LONG_HEIGHT = 3;     // … unless they are lower, in pixels: a hairline holds no text
constexpr int SEEN_HEIGHTS = 6;        // of a crop: its beginning, so long, is what the classifier sees
constexpr int WIDTH_STEP = 32;         // pixels; widths are rounded up to a multiple at least
constexpr int RIGHT_MARGIN = 32;       // pixels; recognisers read the end better with some emptiness after it

/// Width of a crop scaled to `height` with its aspect ratio kept.
int natural_width(const cv::Mat& image, int height) {
    return std::max(1, int(std::ceil(double(height) * image.cols / image.rows)));
}

/// The width that a crop of this natural width gets. Few different widths keep memory bounded.
int padded_width(int width) {
    width += RIGHT_MARGIN;
    int power = 1;
    while (power * 2 <= width) power *= 2;
    const int step = std::max(WIDTH_STEP, power / 4);
    return (width + step - 1) / step * step;
}

/// Scale a crop to the batch's height, map [0, 255] to [-1, 1], leave the rest of the width 0.
void put(const cv::Mat& image, bool rgb, Batch& batch, int index) {
    static const std::array<Table, 3> tables = [] {
        Table table;
        for (int value = 0; value < 256; ++value) table[value] = float(value) * float(1 / 127.5) - 1.0f;
        return std::array<Table, 3>{table, table, table};
    }();
    const int used = std::min(batch.width, natural_width(image, batch.height));
    cv::Mat resized;
    cv::resize(image, resized, cv::Size(used, batch.height), 0, 0, cv::INTER_LINEAR);
    map_bytes(resized, tables, rgb, batch, index);
}

/// Cut a crop far longer than high into pieces, each cut where least happens, so between characters.
std::vector<cv::Mat> split_long_crop(const cv::Mat& image) {
    const int height = image.rows, width = image.cols, limit = height * MAX_HEIGHTS;
    if (width <= limit) return {image};
    std::vector<int> busy(width);  // contrast of each column, three times its mean over the channels
    for (int x = 0; x < width; ++x) {
        int low = 765, high = 0;
        for (int y = 0; y < height; ++y) {
            const auto& pixel = image.at<cv::Vec3b>(y, x);
            const int sum = pixel[0] + pixel[1] + pixel[2];
            low = std::min(low, sum), high = std::max(high, sum);
        }
        busy[x] = high - low;
    }
    const int most = int(limit * 0.9), pieces = (width + most - 1) / most;  // a cut may move by a height
    std::vector<cv::Mat> parts;
    int left = 0;
    for (int k = 1; k <= pieces; ++k) {
        const int centre = int(int64_t(width) * k / pieces);
        const auto begin = busy.begin() + std::max(0, centre - height), end = busy.begin() + std::min(width, centre + height);
        const int right = k == pieces ? width : int(std::min_element(begin, end) - busy.begin());
        parts.push_back(image.colRange(left, right));
        left = right;
    }
    return parts;
}

/// One reading of a crop that was cut into pieces; the score is the mean over its characters.
Reading joined(const std::vector<Reading>& pieces) {
    if (pieces.size() == 1) return pieces[0];
    Reading whole;
    size_t count = 0;
    for (const Reading& piece : pieces) {
        const size_t characters = characters_in(piece.text);
        whole.text += piece.text;
        whole.score += characters * piece.score;
        count += characters;
    }
    whole.score = count ? whole.score / count : 0;
    return whole;
}

}  // namespace

size_t characters_in(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](unsigned char byte) { return (byte & 0xC0) != 0x80; });
}

Recognizer::Recognizer(const ModelDir& model, const Options& options)
    : path_(model.path), rgb_(model.is_rgb()), logits_(model.logits), height_(model.image_size("RecResizeImg").height) {
    const YAML::Node section = model.postprocess("CTCLabelDecode");
    characters_ = setting<std::vector<std::string>>(section, "character_dict", {});
    if (characters_.empty()) throw Error(path_ + "/inference.yml: PostProcess: has no character_dict");
    network_ = open_network(model, options);
}

std::vector<Reading> Recognizer::operator()(const std::vector<cv::Mat>& crops) const {
    std::vector<cv::Mat> parts;
    std::vector<size_t> counts;  // of parts of each crop
    for (const cv::Mat& crop : crops) {
        const bool hairline = crop.rows < MIN_LONG_HEIGHT && crop.cols > MAX_HEIGHTS * crop.rows;
        const auto pieces = hairline ? std::vector<cv::Mat>{} : split_long_crop(crop);
        parts.insert(parts.end(), pieces.begin(), pieces.end());
        counts.push_back(pieces.size());
    }
    // Crops that are padded to the same width are read together, so that what one reads as never depends on others.
    std::map<int, std::vector<int>> same;
    for (size_t i = 0; i < parts.size(); ++i) same[padded_width(natural_width(parts[i], height_))].push_back(int(i));
    std::vector<Reading> read(parts.size());
    for (const auto& [width, indices] : same) {
        const size_t most = std::min<size_t>(REC_BATCH, std::max(1, MAX_BATCH_WIDTH / width));
        for (size_t begin = 0; begin < indices.size(); begin += most) {
            const auto first = indices.begin() + begin, last = indices.begin() + std::min(begin + most, indices.size());
            read_batch(parts, {first, last}, width, read);
        }
    }
    std::vector<Reading> answers;
    auto next = read.begin();
    for (size_t count : counts) {
        answers.push_back(joined({next, next + count}));
        next += count;
    }
    return answers;
}

void Recognizer::read_batch(const std::vector<cv::Mat>& crops, const std::vector<int>& indices, int width,
                            std::vector<Reading>& answers) const {
    Batch batch(int(indices.size()), height_, width);
    for (size_t i = 0; i < indices.size(); ++i) put(crops[indices[i]], rgb_, batch, int(i));
    network_->run(batch, [&](const Output& output) {
        const size_t steps = output.shape.size() == 3 ? output.shape[1] : 0, classes = steps ? output.shape[2] : 0;
        // A list without the space at its end may mean that the space follows it, as PaddleOCR 3 stores it.
        if (classes != characters_.size() + 1 && classes != characters_.size() + 2)
            throw Error(path_ + ": the recogniser gives " + std::to_string(classes) + " classes, but its character set has " +
                        std::to_string(characters_.size()) + " characters");
        for (size_t i = 0; i < indices.size(); ++i)
            answers[indices[i]] = decode(output.values + i * steps * classes, steps, classes);
    });
}

/// Best-path CTC decoding: merge repeats, drop blanks. Of logits the probability is computed where a character is.
Reading Recognizer::decode(const float* scores, size_t steps, size_t classes) const {
    Reading reading;
    size_t last = 0, count = 0;
    for (size_t step = 0; step < steps; ++step, scores += classes) {
        float best = scores[0];
#pragma omp simd reduction(max : best)
        for (size_t i = 0; i < classes; ++i) best = std::max(best, scores[i]);
        const size_t found = std::find(scores, scores + classes, best) - scores;
        const bool begins = found != last && found != 0 && found < classes;  // NaN is found nowhere
        last = found;
        if (!begins) continue;
        double probability = best;
        if (logits_) {
            double sum = 0;
            for (size_t i = 0; i < classes; ++i) sum += std::exp(scores[i] - best);
            probability = 1 / sum;
        }
        reading.text += found <= characters_.size() ? characters_[found - 1] : " ";
        reading.score += probability;
        ++count;
    }
    reading.score = count ? reading.score / count : 0;
    return reading;
}

Classifier::Classifier(const ModelDir& model, const Options& options)
    : rgb_(model.is_rgb()), size_(model.image_size("ClsResizeImg")), threshold_(options.cls_thresh) {
    labels_ = setting<std::vector<std::string>>(model.postprocess("ClsPostProcess"), "label_list", {"0", "180"});
    network_ = open_network(model, options);
}

std::vector<int> Classifier::upside_down(const std::vector<cv::Mat>& crops, const std::vector<int>& indices) const {
    std::vector<int> found;
    for (size_t begin = 0; begin < indices.size(); begin += CLS_BATCH) {
        const size_t count = std::min(CLS_BATCH, indices.size() - begin);
        Batch batch(int(count), size_.height, size_.width);
        for (size_t i = 0; i < count; ++i) {
            const cv::Mat& crop = crops[indices[begin + i]];
            put(crop.colRange(0, std::min(crop.cols, SEEN_HEIGHTS * crop.rows)), rgb_, batch, int(i));
        }
        network_->run(batch, [&](const Output& output) {
            const size_t classes = labels_.size();
            if (output.shape.size() != 2 || output.shape[1] != classes)
                throw Error("the direction classifier does not give as many classes as its label_list has");
            for (size_t i = 0; i < count; ++i) {
                const float* row = output.values + i * classes;
                const float* best = std::max_element(row, row + classes);
                if (labels_[best - row] == "180" && *best > threshold_) found.push_back(indices[begin + i]);
            }
        });
    }
    return found;
}

}  // namespace ppocr
