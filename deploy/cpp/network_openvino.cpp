// The engine OpenVINO. Another engine is another file with its own `open_network`.
#include <mutex>
#include <openvino/openvino.hpp>
#include <thread>

#include "model.h"

namespace ppocr {

namespace {

constexpr int KERNELS_PER_SHAPE = 150;  // that the largest of our networks has for an input shape

class OpenVinoNetwork : public Network {
public:
    OpenVinoNetwork(const ModelDir& model, const Options& options, int kept_shapes) : path_(model.graph) {
        static ov::Core core;
        const int cores = std::max(1u, std::thread::hardware_concurrency()), runs = std::max(1, options.pages_at_once);
        const int threads = options.threads > 0 ? options.threads : std::max(1, cores / runs);
        ov::AnyMap settings{
            ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
            ov::num_streams(ov::streams::Num(runs)),
            ov::inference_num_threads(threads * runs),
            ov::hint::inference_precision(ov::element::f32),
            ov::hint::enable_cpu_pinning(false),  // two networks of one thread each would be put on the same core
        };
        if (kept_shapes) settings["CPU_RUNTIME_CACHE_CAPACITY"] = kept_shapes * KERNELS_PER_SHAPE;
        if (!options.cache.empty()) settings.insert(ov::cache_dir(options.cache));
        try {
            network_ = core.compile_model(path_, "CPU", settings);
        } catch (const std::exception& error) {
            throw Error(path_ + ": OpenVINO cannot load it: " + error.what());
        }
    }

    void run(Batch& batch, const std::function<void(const Output&)>& use) override {
        ov::InferRequest request = take();
        const ov::Shape shape{size_t(batch.count), 3, size_t(batch.height), size_t(batch.width)};
        try {
            request.set_input_tensor(ov::Tensor(ov::element::f32, shape, batch.values.data()));
            request.infer();
        } catch (const std::exception& error) {
            throw Error(path_ + ": failed on an input of " + shape.to_string() + ": " + error.what());
        }
        const ov::Tensor output = request.get_output_tensor(0);
        use({output.get_shape(), output.data<const float>()});
        const std::lock_guard<std::mutex> guard(lock_);
        idle_.push_back(request);
    }

private:
    /// A request that no thread uses; it holds the buffers of one run.
    ov::InferRequest take() {
        const std::lock_guard<std::mutex> guard(lock_);
        if (idle_.empty()) return network_.create_infer_request();
        ov::InferRequest request = idle_.back();
        idle_.pop_back();
        return request;
    }

    std::string path_;
    ov::CompiledModel network_;
    std::mutex lock_;
    std::vector<ov::InferRequest> idle_;
};

}  // namespace

std::unique_ptr<Network> open_network(const ModelDir& model, const Options& options, int kept_shapes) {
    return std::make_unique<OpenVinoNetwork>(model, options, kept_shapes);
}

}  // namespace ppocr
