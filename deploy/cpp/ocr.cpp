// The chain, and pages that lie upside down or on their side.
#include <algorithm>
#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "boxes.h"
#include "detector.h"
#include "recognizer.h"

namespace ppocr {

namespace {

constexpr double MAX_SCORE_LOSS_BY_TURNING = 0.1;  // then a crop was right as it lay, whatever the classifier said
constexpr size_t MIN_LINES = 3;       // a page with fewer has no order that could be wrong
constexpr double MIN_CHARACTERS = 12;
constexpr double SUSPECT_SHARE = 0.4; // of all characters that lie one way: a second look decides
constexpr double MIN_SHARE = 0.6;     // the same, for the page that was turned to stand so
constexpr double MAX_LOSS = 0.1;      // of the characters' scores: a page that reads worse when turned stays as it was
constexpr size_t SAMPLE = 16;         // characters that are looked at one by one …
constexpr double MARGIN = 0.1;        // … with so much around them, of their size

using Votes = std::array<double, 4>;

/// A page as it was read one way up: boxes in reading order, and what their crops say.
struct Attempt {
    std::vector<Quad> boxes;
    std::vector<Reading> readings;

    /// Characters, weighted by score, whose lines lie at 0, 90, 180 and 270 degrees.
    Votes votes(double drop_score) const {
        Votes found{};
        for (size_t i = 0; i < boxes.size(); ++i) {
            const size_t length = characters_in(readings[i].text);
            if (length > 1 && readings[i].score >= drop_score)  // one character is as high as it is wide
                found[is_tall(boxes[i]) + 2 * readings[i].turned] += length * readings[i].score;
        }
        return found;
    }

    Page page(cv::Size size, double drop_score) const {
        Page page{size.width, size.height, 0, {}};
        for (size_t i = 0; i < boxes.size(); ++i) {
            if (readings[i].text.empty() || readings[i].score < drop_score) continue;
            Quad box = boxes[i];  // begins where the text does: tall crops were turned a quarter, others by half
            std::rotate(box.begin(), box.begin() + is_tall(box) + 2 * readings[i].turned, box.end());
            page.lines.push_back({readings[i].text, readings[i].score, box});
        }
        return page;
    }
};

double sum(const Votes& votes) { return votes[0] + votes[1] + votes[2] + votes[3]; }

/// Quarters by which most of a page seems to be turned; 0 where little speaks for that.
int suspected_quarters(const Votes& votes, size_t lines) {
    const auto best = std::max_element(votes.begin(), votes.end());
    const double all = sum(votes);
    return lines < MIN_LINES || all < MIN_CHARACTERS || *best < SUSPECT_SHARE * all ? 0 : int(best - votes.begin());
}

struct Character {
    std::string text;
    bool wide;  // Chinese, Japanese, Korean and full-width forms
};

std::vector<Character> characters_of(const std::string& text) {
    std::vector<Character> found;
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
        end = begin + 1;
        while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
        const auto byte = [&](size_t i) { return i < end ? uint32_t(uint8_t(text[i])) : 0; };
        const uint32_t code = end - begin == 3 ? (byte(begin) & 15) << 12 | (byte(begin + 1) & 63) << 6 | (byte(begin + 2) & 63)
                                               : (end - begin) * 0x10000;  // of four bytes: beyond the first plane
        const bool wide = (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xAC00 && code <= 0xD7A3) ||
                          (code >= 0xF900 && code <= 0xFAFF) || (code >= 0xFE30 && code <= 0xFE6F) ||
                          (code >= 0xFF00 && code <= 0xFF60) || code == 0x40000;
        found.push_back({text.substr(begin, end - begin), wide});
    }
    return found;
}

/// Crops of wide characters, by their usual place along the lines; none if most characters of the page are narrow.
std::vector<cv::Mat> wide_characters(const cv::Mat& image, const Page& page) {
    std::vector<cv::Rect> rectangles;
    size_t all = 0;
    for (const Line& line : page.lines) {
        const auto characters = characters_of(line.text);
        double total = 0, place = 0;
        for (const auto& character : characters) total += 1 + character.wide;
        for (const auto& character : characters) {
            const double begin = place / total, end = (place += 1 + character.wide) / total;
            all += character.text != " ";
            if (!character.wide) continue;
            const Quad& b = line.box;
            std::vector<cv::Point2f> corners;
            for (double share : {begin, end}) {
                corners.push_back(b[0] + (b[1] - b[0]) * float(share));
                corners.push_back(b[3] + (b[2] - b[3]) * float(share));
            }
            rectangles.push_back(cv::boundingRect(corners));
        }
    }
    std::vector<cv::Mat> crops;
    if (rectangles.size() * 2 < all) return crops;
    const size_t step = std::max<size_t>(1, rectangles.size() / SAMPLE);
    for (size_t i = 0; i < rectangles.size() && crops.size() < SAMPLE; i += step) {
        const cv::Rect& r = rectangles[i];
        const cv::Point margin(int(MARGIN * r.width), int(MARGIN * r.height));
        const cv::Rect grown = (r - margin + cv::Size(2 * margin)) & cv::Rect({}, image.size());
        if (!grown.empty()) crops.push_back(image(grown));
    }
    return crops;
}

double total_score(const std::vector<Reading>& readings) {
    double total = 0;
    for (const Reading& reading : readings) total += reading.text.empty() ? 0 : reading.score;
    return total;
}

/// Boxes of a page that was turned upright, in the picture as it is stored.
Page as_stored(Page page, cv::Size stored, int quarters) {
    const float w = float(stored.width), h = float(stored.height);
    for (Line& line : page.lines)
        for (auto& p : line.box) {
            if (quarters == 1) p = {w - p.y, p.x};
            else if (quarters == 2) p = {w - p.x, h - p.y};
            else p = {p.y, h - p.x};
        }
    page.width = stored.width, page.height = stored.height, page.angle = 90 * quarters;
    return page;
}

}  // namespace

struct Ocr::Parts {
    Parts(const std::string& models, const Options& options)
        : options(options),
          detector(ModelDir(models + "/det"), options),
          recognizer(ModelDir(models + "/rec"), options) {
        if (std::filesystem::is_directory(models + "/cls"))
            classifier = std::make_unique<Classifier>(ModelDir(models + "/cls"), options);
    }

    Attempt attempt(const cv::Mat& image) const {
        const std::vector<Quad> found = detector(image);
        Attempt result;
        std::vector<cv::Mat> crops;
        for (int index : reading_order(found)) {
            result.boxes.push_back(found[index]);
            crops.push_back(crop_quad(image, found[index]));
        }
        result.readings = recognizer(crops);
        if (classifier) turn_crops(crops, result.readings);
        return result;
    }

    /// Text upside down reads with doubt: doubtful crops are shown to the classifier, and all of a page where one
    /// lies upside down. Crops that it turns are read again, and that stands unless it is clearly worse.
    void turn_crops(std::vector<cv::Mat>& crops, std::vector<Reading>& readings) const {
        std::vector<int> doubtful, others;
        for (size_t i = 0; i < crops.size(); ++i)
            (readings[i].score <= options.cls_doubt ? doubtful : others).push_back(int(i));
        std::vector<int> turned = classifier->upside_down(crops, doubtful);
        if (turned.empty()) return;
        const std::vector<int> further = classifier->upside_down(crops, others);
        turned.insert(turned.end(), further.begin(), further.end());
        std::vector<cv::Mat> again;
        for (int i : turned) again.push_back(turned_left(crops[i], 2));
        const std::vector<Reading> second = recognizer(again);
        for (size_t i = 0; i < turned.size(); ++i)
            if (second[i].score > readings[turned[i]].score - MAX_SCORE_LOSS_BY_TURNING) {
                readings[turned[i]] = second[i];
                readings[turned[i]].turned = true;
            }
    }

    /// Whether a page of tall lines has its characters upright: columns of Chinese or Japanese, not a page on its side.
    bool is_vertical_writing(const cv::Mat& image, const Page& page, int quarters) const {
        const std::vector<cv::Mat> lying = wide_characters(image, page);
        std::vector<cv::Mat> turned;
        for (const cv::Mat& crop : lying) turned.push_back(turned_left(crop, quarters));
        return !lying.empty() && total_score(recognizer(lying)) > total_score(recognizer(turned));
    }

    Options options;
    Detector detector;
    Recognizer recognizer;
    std::unique_ptr<Classifier> classifier;
};

Ocr::Ocr(const std::string& models, const Options& options) : parts_(std::make_unique<Parts>(models, options)) {}

Ocr::~Ocr() = default;

Page Ocr::read(const cv::Mat& image) const {
    if (image.empty() || image.type() != CV_8UC3) throw Error("expected a picture of 8 bits in 3 channels");
    const double drop_score = parts_->options.drop_score;
    const Attempt lying = parts_->attempt(image);
    const Page page = lying.page(image.size(), drop_score);
    if (!parts_->options.turn_pages || !parts_->classifier) return page;
    const Votes before = lying.votes(drop_score);
    const int quarters = suspected_quarters(before, page.lines.size());
    if (!quarters || (quarters % 2 && parts_->is_vertical_writing(image, page, quarters))) return page;
    const cv::Mat upright = turned_left(image, quarters);
    const Attempt standing = parts_->attempt(upright);
    const Votes after = standing.votes(drop_score);
    // Before, only the lines that lay the page's way count: of the others, some were nonsense.
    const bool reads_as_well = sum(after) >= (1 - MAX_LOSS) * *std::max_element(before.begin(), before.end());
    if (after[0] < MIN_SHARE * sum(after) || !reads_as_well) return page;
    return as_stored(standing.page(upright.size(), drop_score), image.size(), quarters);
}

}  // namespace ppocr
