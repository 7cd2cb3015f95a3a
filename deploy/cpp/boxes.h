// Boxes of text: corner order, crops, reading order.
#pragma once

#include "ppocr.h"

namespace ppocr {

/// Corners of a convex quad, clockwise on the screen from the one that begins the upper edge.
Quad order_corners(const Quad& quad);

/// Size of a straightened quad: the longer of each pair of opposite sides, whole pixels, at least 1.
cv::Size crop_size(const Quad& quad);

/// Whether a quad holds vertical or turned text, so that its crop must be turned before reading.
bool is_tall(const Quad& quad);

/// Cut a quad out of a page and straighten it; tall crops are turned a quarter to the left.
cv::Mat crop_quad(const cv::Mat& image, const Quad& quad);

/// Indices of boxes: rows from top to bottom, each from left to right, along the page's own slant.
std::vector<int> reading_order(const std::vector<Quad>& quads);

/// A picture turned by quarters to the left.
cv::Mat turned_left(const cv::Mat& image, int quarters);

}  // namespace ppocr
