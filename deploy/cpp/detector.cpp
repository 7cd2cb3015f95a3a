#include "detector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "boxes.h"

namespace ppocr {

namespace {

constexpr int STRIDE = 32;                 // the networks halve the page five times
constexpr double MAX_ENLARGEMENT = 1.5;    // huge letters would break apart
constexpr int MAX_TILE_PIXELS = 2000000;   // larger pages are cut into tiles …
constexpr int MAX_TILE_PIXELS_OF_LARGE_PICTURE = 800000;  // … smaller ones where the picture itself takes much memory
constexpr size_t LARGE_PICTURE_BYTES = 24000000;  // 8 megapixels
constexpr int MAX_TILE_SIDE = 8192;        // pixels
constexpr int TILE_OVERLAP = 128;          // pixels that a tile shares with the next one
constexpr int MAX_SIDE_RATIO = 3;          // pages longer than so many times their width are not shrunk to fit whole
constexpr int MIN_SIDE = 3;                // pixels of the map: a smaller shrunk region is noise

int to_stride(double length) {
    const int stride = length <= 512 ? STRIDE : 2 * STRIDE;
    return std::max(STRIDE, int(std::nearbyint(double(int(length)) / stride)) * stride);
}

int up(int length, int step) { return (length + step - 1) / step * step; }

/// A number, or a fraction written as text: `1./255.`.
double fraction(const std::string& text) {
    const size_t slash = text.find('/');
    const double below = slash == std::string::npos ? 1 : std::stod(text.substr(slash + 1));
    return std::stod(text.substr(0, slash)) / below;
}

/// Overlapping spans of one length, multiples of the stride, that cover a page's long side.
std::vector<cv::Range> tile_spans(int length, int longest) {
    if (length <= longest) return {{0, length}};
    const int fresh = longest - TILE_OVERLAP;
    const int count = (length - TILE_OVERLAP + fresh - 1) / fresh;
    const int span = up((length + (count - 1) * TILE_OVERLAP + count - 1) / count, STRIDE);
    std::vector<cv::Range> spans;
    for (int i = 0; i < count; ++i) {
        const int start = up(int(int64_t(length - span) * i / (count - 1)), STRIDE);
        spans.emplace_back(start, start + span);
    }
    return spans;
}

cv::Mat along(const cv::Mat& image, bool wide, int begin, int end) {
    return wide ? image.colRange(begin, end) : image.rowRange(begin, end);
}

/// Mean of a map over the pixels of a polygon, its border included.
double mean_inside(const cv::Mat& map, const std::vector<cv::Point2f>& outline) {
    const cv::Rect bounds = cv::boundingRect(outline) & cv::Rect({}, map.size());
    cv::Mat mask = cv::Mat::zeros(bounds.size(), CV_8U);
    std::vector<cv::Point> corners;
    for (const auto& point : outline) corners.emplace_back(int(point.x - bounds.x), int(point.y - bounds.y));
    cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{corners}, 1);
    return cv::mean(map(bounds), mask)[0];
}

}  // namespace

Detector::Detector(const ModelDir& model, const Options& options) {
    const YAML::Node resize = model.transform("DetResizeForTest"), normalize = model.transform("NormalizeImage");
    if (setting<std::vector<int>>(resize, "image_shape", {}).size())
        throw Error(model.path + "/inference.yml: DetResizeForTest.image_shape: not supported here");
    const int fixed = setting(resize, "resize_long", 0);
    limit_type_ = fixed ? "resize_long" : setting<std::string>(resize, "limit_type", "max");
    limit_side_ = fixed ? fixed : setting(resize, "limit_side_len", 960);
    max_side_ = setting(resize, "max_side_limit", 2000);
    max_pixels_ = setting(resize, "max_pixels", 1920000);
    if (limit_type_ != "max" && limit_type_ != "min" && limit_type_ != "resize_long")
        throw Error(model.path + "/inference.yml: limit_type: expected max, min or resize_long, came " + limit_type_);
    if (std::min(limit_side_, max_side_) < 1 || max_pixels_ < STRIDE * STRIDE)
        throw Error(model.path + "/inference.yml: DetResizeForTest: limits must be positive");
    const double scale = fraction(setting<std::string>(normalize, "scale", "1./255."));
    const auto mean = setting<std::vector<double>>(normalize, "mean", {0.485, 0.456, 0.406});
    const auto std = setting<std::vector<double>>(normalize, "std", {0.229, 0.224, 0.225});
    if (mean.size() != 3 || std.size() != 3)
        throw Error(model.path + "/inference.yml: NormalizeImage: expected a mean and a std for each of 3 channels");
    for (int c = 0; c < 3; ++c)
        for (int value = 0; value < 256; ++value)
            tables_[c][value] = float(value) * float(scale / std[c]) - float(mean[c] / std[c]);
    rgb_ = model.is_rgb();
    const YAML::Node db = model.postprocess("DBPostProcess");
    thresh_ = setting(db, "thresh", 0.3);
    box_thresh_ = setting(db, "box_thresh", 0.6);
    max_candidates_ = setting(db, "max_candidates", 1000);
    unclip_ratio_ = setting(db, "unclip_ratio", 1.5);
    dilate_ = setting(db, "use_dilation", false);
    slow_ = setting<std::string>(db, "score_mode", "fast") == "slow";
    if (setting<std::string>(db, "box_type", "quad") != "quad")
        throw Error(model.path + "/inference.yml: box_type: only quad is supported here");
    network_ = open_network(model, options, 1);
}

std::vector<Quad> Detector::operator()(const cv::Mat& image) const {
    const cv::Size size = network_size(image.size());
    cv::Mat page = image;
    if (size != image.size()) cv::resize(image, page, size, 0, 0, cv::INTER_LINEAR);
    const bool wide = page.cols > page.rows;
    const int length = wide ? page.cols : page.rows, across = wide ? page.rows : page.cols;
    const bool large = image.total() * 3 >= LARGE_PICTURE_BYTES;
    const int largest = large ? MAX_TILE_PIXELS_OF_LARGE_PICTURE : MAX_TILE_PIXELS;
    const int longest =
        std::max(std::min(largest / across, MAX_TILE_SIDE) / STRIDE, 3 * TILE_OVERLAP / STRIDE) * STRIDE;
    const auto spans = tile_spans(length, longest);
    if (spans.size() == 1) return boxes(probability(page), image.size());
    // The maps are cut in the middle of each overlap, as far as possible from both tiles' edges, where the network
    // sees padding instead of the page.
    cv::Mat joined(page.size(), CV_32F);
    int begin = 0;
    for (size_t i = 0; i < spans.size(); ++i) {
        const int end = i + 1 < spans.size() ? (spans[i].end + spans[i + 1].start) / 2 : length;
        const cv::Mat map = probability(along(page, wide, spans[i].start, spans[i].end));
        cv::Mat target = along(joined, wide, begin, end);
        along(map, wide, begin - spans[i].start, end - spans[i].start).copyTo(target);
        begin = end;
    }
    return boxes(joined, image.size());
}

/// The size at which the network sees a page. One far longer than wide would lose its text when shrunk whole: it is
/// scaled as a part of it would be.
cv::Size Detector::network_size(cv::Size page) const {
    const int across = std::min(page.height, page.width);
    const int part = std::max(MAX_SIDE_RATIO * across, 4 * STRIDE);
    if (std::max(page.height, page.width) <= part) return limited_size(page.height, page.width);
    const bool high = page.height > page.width;
    cv::Size scaled = high ? limited_size(part, page.width) : limited_size(page.height, part);
    int& side = high ? scaled.height : scaled.width;
    const double whole = double(high ? page.height : page.width) * side / part / STRIDE;
    side = std::max(side, int(std::nearbyint(whole)) * STRIDE);
    return scaled;
}

cv::Size Detector::limited_size(double height, double width) const {
    const double longer = std::max(height, width), shorter = std::min(height, width);
    double ratio = limit_side_ / longer;
    if (limit_type_ == "max") ratio = std::min(1.0, ratio);
    if (limit_type_ == "min") ratio = std::min(std::max(1.0, limit_side_ / shorter), MAX_ENLARGEMENT);
    ratio = std::min({ratio, max_side_ / longer, std::sqrt(max_pixels_ / (longer * shorter))});
    return {to_stride(width * ratio), to_stride(height * ratio)};
}

cv::Mat Detector::probability(const cv::Mat& page) const {
    Batch batch(1, page.rows, page.cols);
    map_bytes(page, tables_, rgb_, batch, 0);
    cv::Mat map;
    network_->run(batch, [&](const Output& output) {
        if (output.shape.size() != 4 || output.shape[2] * output.shape[3] == 0)
            throw Error("the detector's output is no map: a model for another task?");
        cv::Mat(int(output.shape[2]), int(output.shape[3]), CV_32F, const_cast<float*>(output.values)).copyTo(map);
    });
    return map;
}

/// Binarise, find the shrunk regions, score them, and grow them back (Liao et al. 2020, section 3.4).
std::vector<Quad> Detector::boxes(const cv::Mat& map, cv::Size page) const {
    const float to_x = float(double(page.width) / map.cols), to_y = float(double(page.height) / map.rows);
    std::vector<Quad> found;
    for (const auto& contour : contours(map)) {
        cv::RotatedRect rectangle = cv::minAreaRect(contour);
        if (std::min(rectangle.size.width, rectangle.size.height) < MIN_SIDE) continue;
        std::vector<cv::Point2f> outline(4);
        if (slow_) outline.assign(contour.begin(), contour.end());
        else rectangle.points(outline.data());
        if (!(mean_inside(map, outline) >= box_thresh_)) continue;  // a network that gives no numbers finds nothing
        // Area · ratio / perimeter undoes the shrinking of training (equation 10). The smallest rectangle around an
        // offset rectangle is itself with its sides moved: no clipper needed.
        const double w = rectangle.size.width, h = rectangle.size.height;
        const double distance = w * h * unclip_ratio_ / (2 * (w + h));
        rectangle.size = cv::Size2f(float(w + 2 * distance), float(h + 2 * distance));
        if (std::min(rectangle.size.width, rectangle.size.height) < MIN_SIDE + 2) continue;
        Quad box;
        rectangle.points(box.data());
        for (auto& point : box) {
            point.x = std::clamp(std::nearbyint(point.x * to_x), 0.0f, float(page.width));
            point.y = std::clamp(std::nearbyint(point.y * to_y), 0.0f, float(page.height));
        }
        const cv::Size size = crop_size(box);  // of what the page's borders have left of it
        if (std::min(size.width, size.height) > MIN_SIDE) found.push_back(order_corners(box));
    }
    return found;
}

/// Outlines of the binary map, the largest `max_candidates`, in the order they were found.
std::vector<std::vector<cv::Point>> Detector::contours(const cv::Mat& map) const {
    cv::Mat binary = map > thresh_;
    if (dilate_) cv::dilate(binary, binary, cv::Mat::ones(2, 2, CV_8U));
    std::vector<std::vector<cv::Point>> all;
    cv::findContours(binary, all, cv::RETR_LIST, cv::CHAIN_APPROX_SIMPLE);
    all.erase(std::remove_if(all.begin(), all.end(), [](auto& contour) { return contour.size() < 3; }), all.end());
    if (int(all.size()) <= max_candidates_) return all;
    std::vector<std::pair<double, size_t>> ranked;
    for (size_t i = 0; i < all.size(); ++i) ranked.emplace_back(-cv::contourArea(all[i]), i);
    std::sort(ranked.begin(), ranked.end());  // equal areas by number, so that they are chosen alike each time
    std::vector<size_t> chosen;
    for (int i = 0; i < max_candidates_; ++i) chosen.push_back(ranked[i].second);
    std::sort(chosen.begin(), chosen.end());
    std::vector<std::vector<cv::Point>> largest;
    for (size_t i : chosen) largest.push_back(std::move(all[i]));
    return largest;
}

}  // namespace ppocr
