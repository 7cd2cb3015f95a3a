// Bytes of a picture file → an upright BGR picture. The header is judged before a pixel is decoded, so that a
// decompression bomb costs nothing.
#include <fstream>
#include <numeric>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "ppocr.h"

namespace ppocr {

namespace {

constexpr int64_t MAX_FILE_BYTES = 1000000000;
constexpr int64_t MAX_FRAME_BYTES = 700000000;  // for decoding; grows with `max_pixels`
constexpr int64_t MAX_SIDE = 65535;             // pixels
constexpr int PLAIN_BYTES = 6, ALPHA_BYTES = 16;  // of memory for a pixel

struct Header {
    int64_t width = 0, height = 0;
    bool plain = true;  // opaque, 8 bits
};

/// Bytes of a file as numbers; 0 beyond its end.
struct Bytes {
    const std::string& data;
    int64_t at(size_t i) const { return i < data.size() ? uint8_t(data[i]) : 0; }
    int64_t big(size_t i, int count) const {
        int64_t value = 0;
        for (int k = 0; k < count; ++k) value = value << 8 | at(i + k);
        return value;
    }
    int64_t little(size_t i, int count) const {
        int64_t value = 0;
        for (int k = count - 1; k >= 0; --k) value = value << 8 | at(i + k);
        return value;
    }
    bool holds(size_t i, const char* text) const { return data.compare(i, std::char_traits<char>::length(text), text) == 0; }
};

/// From the frame header (ITU T.81, B.2.2); the picture must have its end marker, since a decoder fills up what is missing.
Header jpeg_header(const Bytes& bytes) {
    Header header;
    for (size_t i = 2; i + 4 <= bytes.data.size();) {
        const int64_t marker = bytes.at(i + 1);
        if (bytes.at(i) != 0xFF) throw Error("the picture is damaged (no marker where one should be)");
        if (marker == 0xFF) {
            ++i;  // a fill byte
            continue;
        }
        const bool is_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (is_frame) header = {bytes.big(i + 7, 2), bytes.big(i + 5, 2), true};
        if (marker == 0xDA) {
            if (bytes.data.find("\xFF\xD9", i) == std::string::npos) throw Error("the picture is truncated");
            return header;
        }
        i += 2 + std::max<int64_t>(2, bytes.big(i + 2, 2));
    }
    throw Error("the picture is truncated");
}

Header webp_header(const Bytes& bytes) {
    if (8 + bytes.little(4, 4) > int64_t(bytes.data.size())) throw Error("the picture is truncated");
    if (bytes.holds(12, "VP8X")) return {bytes.little(24, 3) + 1, bytes.little(27, 3) + 1, false};
    if (bytes.holds(12, "VP8L")) {
        const int64_t bits = bytes.little(21, 4);
        return {(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, false};
    }
    return {bytes.little(26, 2) & 0x3FFF, bytes.little(28, 2) & 0x3FFF, true};
}

Header read_header(const Bytes& bytes) {
    if (bytes.data.empty()) throw Error("the file is empty");
    if (bytes.holds(0, "\x89PNG\r\n\x1a\n"))
        return {bytes.big(16, 4), bytes.big(20, 4), bytes.at(24) <= 8 && (bytes.at(25) == 0 || bytes.at(25) == 2)};
    if (bytes.holds(0, "\xFF\xD8\xFF")) return jpeg_header(bytes);
    if (bytes.holds(0, "RIFF") && bytes.holds(8, "WEBP")) return webp_header(bytes);
    if (bytes.holds(0, "BM")) {
        if (bytes.little(14, 4) == 12) return {bytes.little(18, 2), bytes.little(20, 2), true};
        return {int32_t(bytes.little(18, 4)), std::abs(int64_t(int32_t(bytes.little(22, 4)))), true};
    }
    throw Error("not a picture (PNG, JPEG, BMP or WebP)");
}

void check_size(const Header& header, int64_t max_pixels) {
    const std::string size = std::to_string(header.width) + " x " + std::to_string(header.height) + " pixels";
    if (std::min(header.width, header.height) < 1) throw Error("the picture is damaged (" + size + ")");
    if (std::max(header.width, header.height) > MAX_SIDE)
        throw Error(size + ": a side exceeds the limit of " + std::to_string(MAX_SIDE));
    const double growth = std::max(1.0, double(max_pixels) / 200e6);
    const int64_t limit = std::min<int64_t>(
        max_pixels, int64_t(growth * MAX_FRAME_BYTES / (header.plain ? PLAIN_BYTES : ALPHA_BYTES)));
    if (header.width * header.height > limit)
        throw Error(size + " exceed the limit of " + std::to_string(limit / 1000000) + " million");
}

/// The plain background on which the visible parts of a transparent picture stand out most: white, black or grey.
int contrasting_background(const cv::Mat& image, const cv::Mat& alpha) {
    double strongest;
    cv::minMaxLoc(alpha, nullptr, &strongest);
    if (strongest == 0) return 255;
    // Where visible meets invisible a glyph must differ from what it lies on: only the brightness there counts.
    const cv::Mat visible = (alpha >= (int(strongest) + 1) / 2) / 255;
    cv::Mat edges, grey;
    cv::dilate(1 - visible, edges, cv::Mat::ones(5, 5, CV_8U));
    cv::bitwise_and(visible, edges, edges);
    if (!cv::countNonZero(edges)) edges = visible;
    cv::cvtColor(image, grey, cv::COLOR_BGRA2GRAY);
    std::array<double, 256> histogram{};
    for (int y = 0; y < grey.rows; ++y)
        for (int x = 0; x < grey.cols; ++x) histogram[grey.at<uchar>(y, x)] += edges.at<uchar>(y, x);
    const double tenth = 0.1 * std::accumulate(histogram.begin(), histogram.end(), 0.0);
    int best = 255, most = -1;
    for (int background : {255, 0, 128}) {
        std::array<double, 256> by_contrast{};
        for (int value = 0; value < 256; ++value) by_contrast[std::abs(value - background)] += histogram[value];
        double sum = 0;
        int contrast = 0;  // that nine tenths of the edge reach
        while (contrast < 255 && (sum += by_contrast[contrast]) < tenth) ++contrast;
        if (contrast > most) most = contrast, best = background;
    }
    return best;
}

cv::Mat composite(const cv::Mat& image) {
    cv::Mat alpha, out(image.size(), CV_8UC3);
    cv::extractChannel(image, alpha, 3);
    const int background = contrasting_background(image, alpha);
    for (int y = 0; y < image.rows; ++y)
        for (int x = 0; x < image.cols; ++x) {
            const auto& pixel = image.at<cv::Vec4b>(y, x);
            for (int c = 0; c < 3; ++c)
                out.at<cv::Vec3b>(y, x)[c] = uchar((pixel[c] * pixel[3] + background * (255 - pixel[3]) + 127) / 255);
        }
    return out;
}

/// 16 bits to 8. Scanners store 10, 12 or 14 bits in 16: the full scale is the smallest such power that holds the brightest.
cv::Mat to_8_bits(const cv::Mat& image) {
    double top = 0, full = 65535;
    cv::minMaxLoc(image.reshape(1), nullptr, &top);
    if (image.channels() == 1)
        for (double scale : {65535., 16383., 4095., 1023., 255.})
            if (top <= scale) full = scale;
    cv::Mat out;
    image.convertTo(out, CV_8U, 255 / full);
    return out;
}

}  // namespace

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error("cannot be opened");
    std::string data, block(1 << 20, '\0');
    while (file.read(block.data(), std::streamsize(block.size())) || file.gcount()) {
        data.append(block, 0, size_t(file.gcount()));
        if (int64_t(data.size()) > MAX_FILE_BYTES) throw Error("larger than a gigabyte");
    }
    if (file.bad()) throw Error("cannot be read");
    return data;
}

cv::Mat decode_picture(const std::string& data, int64_t max_pixels) {
    const Header header = read_header({data});
    check_size(header, max_pixels);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    const cv::Mat bytes(1, int(data.size()), CV_8U, const_cast<char*>(data.data()));
    cv::Mat image;
    try {
        // JPEG: EXIF rotation is applied. Others may have an alpha channel or 16 bits, which is looked at below.
        image = cv::imdecode(bytes, header.plain ? cv::IMREAD_COLOR : cv::IMREAD_UNCHANGED);
    } catch (const cv::Exception& error) {
        throw Error("the picture is damaged (" + error.err + ")");
    }
    const int64_t sides[] = {image.cols, image.rows, header.height, header.width};
    const bool same = (sides[0] == header.width && sides[1] == header.height) || (sides[0] == sides[2] && sides[1] == sides[3]);
    if (image.empty() || !same) throw Error("the picture is damaged or truncated");
    if (image.depth() == CV_16U) image = to_8_bits(image);
    if (image.channels() == 4) image = composite(image);
    if (image.channels() == 1) cv::cvtColor(image, image, cv::COLOR_GRAY2BGR);
    if (image.type() != CV_8UC3) throw Error("a picture of another kind than 8 or 16 bits");
    return image;
}

}  // namespace ppocr
