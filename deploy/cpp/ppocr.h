// Reads the text of pictures with ppocr's model directories; the same steps and the same texts as the Python package.
//
//   ppocr::Ocr ocr("models/slim");
//   for (const ppocr::Line& line : ocr.read(ppocr::decode_picture(ppocr::read_file("receipt.jpg"))).lines)
//       std::cout << line.text << "\n";
#pragma once

#include <array>
#include <memory>
#include <opencv2/core.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace ppocr {

/// Whatever is wrong with a picture, a model directory or a setting; `what()` says what, and for models where.
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

using Quad = std::array<cv::Point2f, 4>;  // clockwise from the top-left corner, pixels

struct Options {
    int threads = 0;          // of one run of a network; 0 takes all cores
    int pages_at_once = 1;    // threads of the caller that run the networks without waiting for each other
    std::string cache;        // a folder for compiled networks: a later start is faster; empty keeps none
    double drop_score = 0.5;  // lines read with a lower score are left out
    double cls_doubt = 0.9;   // crops read with no higher score are shown to the direction classifier
    double cls_thresh = 0.9;  // probability above which a crop said to be upside down is turned
    bool turn_pages = true;   // a page upside down or on its side is read as it stands upright
};

/// One line of text. `box` begins at the text's own top-left corner.
struct Line {
    std::string text;  // UTF-8
    double score;      // mean probability of its characters, [0, 1]
    Quad box;
};

/// One page; `angle` says by how many degrees it lies turned clockwise: 0, 90, 180 or 270.
struct Page {
    int width, height, angle;
    std::vector<Line> lines;  // in reading order
};

/// The chain: detect, order, crop, recognise, turning what lies upside down.
class Ocr {
public:
    /// @param models a folder with `det`, `rec` and perhaps `cls`, each a model directory with its ONNX graph.
    /// @throws Error a directory is missing, incomplete, or for another task.
    explicit Ocr(const std::string& models, const Options& options = {});
    ~Ocr();

    /// Read a page; may be called from several threads.
    /// @param image CV_8UC3, BGR, upright.
    /// @throws Error the models do not fit each other, or the engine fails.
    Page read(const cv::Mat& image) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// The content of a file.
/// @throws Error it cannot be read, or is larger than a gigabyte.
std::string read_file(const std::string& path);

/// Decode a PNG, JPEG, BMP or WebP picture to CV_8UC3, BGR, upright; its header is judged before a pixel is decoded.
/// @param data the whole file.
/// @throws Error empty, truncated, damaged, too large, or not such a picture.
cv::Mat decode_picture(const std::string& data, int64_t max_pixels = 200'000'000);

}  // namespace ppocr
