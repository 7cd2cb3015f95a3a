// Text detection: a page in, boxes out.
#pragma once

#include "model.h"

namespace ppocr {

class Detector {
public:
    Detector(const ModelDir& model, const Options& options);

    /// Boxes of a page (CV_8UC3, BGR), whole pixels, in no order.
    std::vector<Quad> operator()(const cv::Mat& image) const;

private:
    cv::Size network_size(cv::Size page) const;
    cv::Size limited_size(double height, double width) const;
    cv::Mat probability(const cv::Mat& page) const;
    std::vector<Quad> boxes(const cv::Mat& probability, cv::Size page) const;
    std::vector<std::vector<cv::Point>> contours(const cv::Mat& probability) const;

    std::array<Table, 3> tables_;
    bool rgb_, dilate_, slow_;
    std::string limit_type_;
    int limit_side_, max_side_, max_pixels_, max_candidates_;
    double thresh_, box_thresh_, unclip_ratio_;
    std::unique_ptr<Network> network_;
};

}  // namespace ppocr
