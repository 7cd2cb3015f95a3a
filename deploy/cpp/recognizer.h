// Crops in, texts out; and which crops lie upside down.
#pragma once

#include "model.h"

namespace ppocr {

/// What a crop says, how sure that is, and whether it had to be turned by 180° for that.
struct Reading {
    std::string text;
    double score = 0;
    bool turned = false;
};

/// Number of code points of a UTF-8 text.
size_t characters_in(const std::string& text);

class Recognizer {
public:
    Recognizer(const ModelDir& model, const Options& options);

    /// What each crop (CV_8UC3, BGR) says.
    std::vector<Reading> operator()(const std::vector<cv::Mat>& crops) const;

private:
    void read_batch(const std::vector<cv::Mat>& crops, const std::vector<int>& indices, int width,
                    std::vector<Reading>& answers) const;
    Reading decode(const float* scores, size_t steps, size_t classes) const;

    std::string path_;
    std::vector<std::string> characters_;  // of the classes from 1 on
    bool rgb_, logits_;
    int height_;
    std::unique_ptr<Network> network_;
};

class Classifier {
public:
    Classifier(const ModelDir& model, const Options& options);

    /// Those of `indices` whose crops lie upside down, beyond the threshold.
    std::vector<int> upside_down(const std::vector<cv::Mat>& crops, const std::vector<int>& indices) const;

private:
    std::vector<std::string> labels_;
    bool rgb_;
    cv::Size size_;
    double threshold_;
    std::unique_ptr<Network> network_;
};

}  // namespace ppocr
