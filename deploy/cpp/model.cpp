#include "model.h"

#include <filesystem>

namespace ppocr {

namespace fs = std::filesystem;

namespace {

constexpr int MAX_SIDE = 10000;  // pixels of an input; a setting beyond is a mistake

/// Sizes, as the section `Files` states them: a damaged file would read as nonsense.
void check_sizes(const fs::path& directory, const YAML::Node& files) {
    if (!files.IsDefined() || !files.IsMap()) return;
    for (const auto& entry : files) {
        const auto name = entry.first.as<std::string>();
        if (name == "inference.yml" || !entry.second.IsMap()) continue;
        std::error_code problem;
        const auto size = fs::file_size(directory / name, problem);
        const bool is_graph = fs::path(name).extension() == ".onnx" || name == "inference.pdiparams";
        if (is_graph && (problem || size != setting<uint64_t>(entry.second, "size", size)))
            throw Error((directory / name).string() + ": missing, or not the file that was written");
    }
}

}  // namespace

ModelDir::ModelDir(const std::string& directory) : path(directory) {
    const fs::path folder(directory);
    if (!fs::is_directory(folder)) throw Error(directory + ": no such model directory");
    for (const char* name : {"inference.logits.graph.onnx", "inference.graph.onnx", "inference.onnx"}) {
        if (!fs::is_regular_file(folder / name)) continue;
        graph = (folder / name).string();
        logits = std::string(name) == "inference.logits.graph.onnx";
        break;
    }
    if (graph.empty()) throw Error(directory + ": has no ONNX graph (inference.graph.onnx or inference.onnx)");
    try {
        spec_ = YAML::LoadFile((folder / "inference.yml").string());
    } catch (const YAML::Exception& error) {
        throw Error(directory + "/inference.yml: " + error.what());
    }
    if (!spec_.IsMap()) throw Error(directory + "/inference.yml: not a mapping");
    check_sizes(folder, spec_["Files"]);
}

YAML::Node ModelDir::transform(const std::string& name) const {
    const YAML::Node pre = spec_["PreProcess"];
    const YAML::Node steps = pre.IsDefined() && pre.IsMap() ? pre["transform_ops"] : YAML::Node();
    for (const auto& step : steps)
        if (step.IsMap() && step[name].IsDefined()) return step[name];
    return YAML::Node();
}

YAML::Node ModelDir::postprocess(const std::string& name) const {
    const YAML::Node section = spec_["PostProcess"];
    const auto found = section.IsDefined() && section.IsMap() ? setting<std::string>(section, "name", "") : "";
    if (found != name)
        throw Error(path + "/inference.yml: PostProcess: expected " + name + ", came '" + found +
                    "': a model for another task?");
    return section;
}

bool ModelDir::is_rgb() const {
    return setting<std::string>(transform("DecodeImage"), "img_mode", "BGR") == "RGB";
}

cv::Size ModelDir::image_size(const std::string& name) const {
    const auto shape = setting<std::vector<int>>(transform(name), "image_shape", {3, 48, 192});
    if (shape.size() != 3 || shape[0] != 3 || std::min(shape[1], shape[2]) < 1 || std::max(shape[1], shape[2]) > MAX_SIDE)
        throw Error(path + "/inference.yml: " + name + ".image_shape: expected [3, height, width]");
    return {shape[2], shape[1]};
}

Batch::Batch(int count, int height, int width)
    : count(count), height(height), width(width), values(size_t(3) * count * height * width) {}

float* Batch::plane(int index, int channel) {
    return values.data() + (size_t(index) * 3 + channel) * height * width;
}

void map_bytes(const cv::Mat& image, const std::array<Table, 3>& tables, bool rgb, Batch& batch, int index) {
    const int first = rgb ? 2 : 0, last = 2 - first;
    float* planes[3] = {batch.plane(index, 0), batch.plane(index, 1), batch.plane(index, 2)};
    for (int y = 0; y < image.rows; ++y) {
        const uchar* row = image.ptr<uchar>(y);
        const size_t begin = size_t(y) * batch.width;
        for (int x = 0; x < image.cols; ++x, row += 3) {
            planes[0][begin + x] = tables[0][row[first]];
            planes[1][begin + x] = tables[1][row[1]];
            planes[2][begin + x] = tables[2][row[last]];
        }
    }
}

}  // namespace ppocr
