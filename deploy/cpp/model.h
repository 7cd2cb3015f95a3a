// Model directories, and the engine that runs them.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>

#include "ppocr.h"

namespace ppocr {

/// A directory with an ONNX graph, `inference.pdiparams` (its weights) and `inference.yml`.
class ModelDir {
public:
    /// @throws Error it is missing, incomplete, or its files have other sizes than `inference.yml` says.
    explicit ModelDir(const std::string& path);

    /// The settings of a step of `PreProcess.transform_ops`; an empty node where it is not named.
    YAML::Node transform(const std::string& name) const;

    /// The section `PostProcess`.
    /// @throws Error it is another one: a model for another task.
    YAML::Node postprocess(const std::string& name) const;

    /// Whether the network sees RGB instead of BGR.
    bool is_rgb() const;

    /// Height and width of `image_shape` in a transform.
    cv::Size image_size(const std::string& transform_name) const;

    std::string path, graph;
    bool logits = false;  // the graph stops before the softmax over the classes

private:
    YAML::Node spec_;
};

/// A setting, or what holds where the file does not say.
/// @throws Error it has another type.
template <typename T>
T setting(const YAML::Node& section, const std::string& key, const T& otherwise) {
    if (!section.IsDefined() || !section.IsMap() || !section[key].IsDefined() || section[key].IsNull())
        return otherwise;
    try {
        return section[key].as<T>();
    } catch (const YAML::Exception& error) {
        throw Error("inference.yml: " + key + ": " + error.what());
    }
}

/// Float planes [count, 3, height, width], zero at first.
struct Batch {
    Batch(int count, int height, int width);
    float* plane(int index, int channel);

    int count, height, width;
    std::vector<float> values;
};

/// An output of a network: its shape, and values that live until the callback returns.
struct Output {
    std::vector<size_t> shape;
    const float* values;
};

/// Whatever runs a graph. `run` may be called from several threads.
class Network {
public:
    virtual ~Network() = default;
    virtual void run(Batch& batch, const std::function<void(const Output&)>& use) = 0;
};

/// @param kept_shapes for how many input shapes compiled kernels are kept; 0 for all.
/// @throws Error the engine cannot load the graph.
std::unique_ptr<Network> open_network(const ModelDir& model, const Options& options, int kept_shapes = 0);

using Table = std::array<float, 256>;

/// Look every byte of a picture up in its channel's table, channels becoming planes.
/// @param image CV_8UC3. @param rgb whether the first plane is red. @param index of the picture in `batch`.
void map_bytes(const cv::Mat& image, const std::array<Table, 3>& tables, bool rgb, Batch& batch, int index);

}  // namespace ppocr
