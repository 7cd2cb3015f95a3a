#include "boxes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

namespace ppocr {

namespace {

constexpr double MAX_WARP_SIDE = 32000;        // pixels; OpenCV refuses pictures of 32,767 and more
constexpr double MAX_CROP_PIXELS = 50000000;   // a crop of more is made smaller
constexpr double MIN_TALL_RATIO = 1.5;         // a crop this many times higher than wide holds turned text
constexpr int RECENT = 3;                      // boxes of a row, and rows, that a further box is compared with

double distance(const cv::Point2f& a, const cv::Point2f& b) {
    return std::hypot(double(a.x) - b.x, double(a.y) - b.y);
}

/// Cosine of the angle between an edge and (1, 0).
double rightward(const cv::Point2f& begin, const cv::Point2f& end) {
    return (double(end.x) - begin.x) / std::max(distance(begin, end), 1e-6);
}

/// Median direction of the boxes' upper edges in radians, long boxes counting more; 0 when they disagree.
double slant(const std::vector<Quad>& quads) {
    std::vector<std::pair<double, double>> edges;  // angle and length
    for (const Quad& quad : quads) {
        const double x = double(quad[1].x) - quad[0].x, y = double(quad[1].y) - quad[0].y, angle = std::atan2(y, x);
        // Vertical and wildly turned text says nothing about the page.
        if (std::abs(angle) < CV_PI / 6) edges.emplace_back(angle, std::hypot(x, y));
    }
    if (edges.empty()) return 0;
    std::stable_sort(edges.begin(), edges.end(), [](auto& a, auto& b) { return a.first < b.first; });
    double total = 0, sum = 0, agreeing = 0, median = edges.back().first;
    for (const auto& edge : edges) total += edge.second;
    for (const auto& edge : edges) {
        sum += edge.second;
        if (sum >= total / 2) {
            median = edge.first;
            break;
        }
    }
    // Only if most text agrees within 5°: on a page with text in all directions any angle would be wrong.
    for (const auto& edge : edges)
        if (std::abs(edge.first - median) < CV_PI / 36) agreeing += edge.second;
    return agreeing > 0.6 * total ? median : 0;
}

struct Extent {
    double top = 1e30, bottom = -1e30, left = 1e30;
    double centre() const { return (top + bottom) / 2; }
};

/// Whether a box overlaps the latest boxes of a row by half a height; long rows may drift, so not the first ones.
bool same_row(const Extent& box, const std::vector<int>& row, const std::vector<Extent>& extents) {
    const size_t count = std::min<size_t>(RECENT, row.size());
    double top = 0, bottom = 0;
    for (size_t i = row.size() - count; i < row.size(); ++i) {
        top += extents[row[i]].top / count;
        bottom += extents[row[i]].bottom / count;
    }
    const double shared = std::min(bottom, box.bottom) - std::max(top, box.top);
    return shared > 0.5 * std::min(bottom - top, box.bottom - box.top);
}

cv::Mat straightened(const cv::Mat& image, const Quad& quad, cv::Size size);

/// The crop of a picture that is shrunk first.
cv::Mat crop_smaller(const cv::Mat& image, const Quad& quad, double scale) {
    cv::Mat smaller;
    const cv::Size size(std::max(1, int(image.cols * scale)), std::max(1, int(image.rows * scale)));
    cv::resize(image, smaller, size, 0, 0, cv::INTER_AREA);
    Quad scaled = quad;
    for (auto& point : scaled) point *= float(scale);
    return straightened(smaller, scaled, crop_size(scaled));
}

cv::Mat straightened(const cv::Mat& image, const Quad& quad, cv::Size size) {
    // Only the surroundings of the quad: OpenCV refuses sources of 32,767 pixels and more a side. Three pixels more
    // on each side, since the cubic interpolation looks two pixels beyond the point.
    const cv::Rect bounds = cv::boundingRect(std::vector<cv::Point2f>(quad.begin(), quad.end()));
    const cv::Rect part = (bounds + cv::Size(6, 6) - cv::Point(3, 3)) & cv::Rect({}, image.size());
    const cv::Mat around = image(part);
    Quad moved = quad;
    for (auto& point : moved) point -= cv::Point2f(part.tl());
    const int longest = std::max({around.rows, around.cols, size.width, size.height});
    const double pixels = double(size.width) * size.height;
    const double scale = std::min(MAX_WARP_SIDE / longest, std::sqrt(MAX_CROP_PIXELS / pixels));
    if (scale < 1) return crop_smaller(around, moved, 0.999 * scale);
    const float w = float(size.width), h = float(size.height);
    const Quad target{cv::Point2f{0, 0}, {w, 0}, {w, h}, {0, h}};
    cv::Mat crop;
    // Cubic and with a repeated border, as PaddleOCR cuts its crops: official recognisers were trained on such.
    cv::warpPerspective(around, crop, cv::getPerspectiveTransform(moved.data(), target.data()), size, cv::INTER_CUBIC,
                        cv::BORDER_REPLICATE);
    return crop;
}

}  // namespace

Quad order_corners(const Quad& quad) {
    double x = 0, y = 0;
    for (const auto& point : quad) x += point.x / 4.0, y += point.y / 4.0;
    Quad points = quad;
    const auto angle = [&](const cv::Point2f& point) { return std::atan2(point.y - y, point.x - x); };
    std::stable_sort(points.begin(), points.end(), [&](auto& a, auto& b) { return angle(a) < angle(b); });
    int begin = 0;
    double best = -2;
    for (int i = 0; i < 4; ++i) {
        const double value = rightward(points[i], points[(i + 1) % 4]);
        if (value > best) best = value, begin = i;
    }
    std::rotate(points.begin(), points.begin() + begin, points.end());
    return points;
}

cv::Size crop_size(const Quad& q) {
    const double width = std::max(distance(q[0], q[1]), distance(q[2], q[3]));
    const double height = std::max(distance(q[1], q[2]), distance(q[3], q[0]));
    return {std::max(1, int(width)), std::max(1, int(height))};
}

bool is_tall(const Quad& quad) {
    const cv::Size size = crop_size(quad);
    return size.height >= MIN_TALL_RATIO * size.width;
}

cv::Mat crop_quad(const cv::Mat& image, const Quad& quad) {
    const cv::Size size = crop_size(quad);
    const cv::Point2f corner = quad[0];
    const float w = float(size.width), h = float(size.height);
    const Quad target{corner, corner + cv::Point2f(w, 0), corner + cv::Point2f(w, h), corner + cv::Point2f(0, h)};
    const bool whole = corner.x == std::nearbyint(corner.x) && corner.y == std::nearbyint(corner.y);
    const bool inside = corner.x >= 0 && corner.y >= 0 && corner.x + w <= image.cols && corner.y + h <= image.rows;
    // An upright box on whole pixels is a part of the page, without resampling.
    const cv::Mat crop = quad == target && whole && inside
                             ? image(cv::Rect(int(corner.x), int(corner.y), size.width, size.height))
                             : straightened(image, quad, size);
    return is_tall(quad) ? turned_left(crop, 1) : crop;
}

std::vector<int> reading_order(const std::vector<Quad>& quads) {
    const double angle = -slant(quads), c = std::cos(angle), s = std::sin(angle);
    std::vector<Extent> extents(quads.size());
    for (size_t i = 0; i < quads.size(); ++i)
        for (const auto& point : quads[i]) {
            const double x = c * point.x - s * point.y, y = s * point.x + c * point.y;
            extents[i].left = std::min(extents[i].left, x);
            extents[i].top = std::min(extents[i].top, y);
            extents[i].bottom = std::max(extents[i].bottom, y);
        }
    std::vector<int> places(quads.size());
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(),
                     [&](int a, int b) { return extents[a].centre() < extents[b].centre(); });
    std::vector<std::vector<int>> rows;
    for (int index : places) {  // from top to bottom, so a box can only join one of the latest rows
        const auto end = rows.rbegin() + std::min<size_t>(RECENT, rows.size());
        const auto row = std::find_if(rows.rbegin(), end,
                                      [&](const auto& row) { return same_row(extents[index], row, extents); });
        if (row == end) rows.push_back({index});
        else row->push_back(index);
    }
    std::vector<int> order;
    for (auto& row : rows) {
        std::stable_sort(row.begin(), row.end(), [&](int a, int b) {
            return std::make_pair(extents[a].left, extents[a].centre()) <
                   std::make_pair(extents[b].left, extents[b].centre());
        });
        order.insert(order.end(), row.begin(), row.end());
    }
    return order;
}

cv::Mat turned_left(const cv::Mat& image, int quarters) {
    static const int codes[] = {0, cv::ROTATE_90_COUNTERCLOCKWISE, cv::ROTATE_180, cv::ROTATE_90_CLOCKWISE};
    if (quarters % 4 == 0) return image;
    cv::Mat out;
    cv::rotate(image, out, codes[quarters % 4]);
    return out;
}

}  // namespace ppocr
