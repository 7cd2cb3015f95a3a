// ppocr-cpp IMAGE… --models DIR: one line of JSON a picture, as `ppocr ocr --format jsonl` writes it.
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "ppocr.h"

namespace {

using Json = nlohmann::ordered_json;

const char USAGE[] =
    "usage: ppocr-cpp IMAGE... --models DIR [options]\n"
    "  --models DIR        a folder with det, rec and perhaps cls\n"
    "  --output FILE       instead of standard output\n"
    "  --threads N         threads of one run of a network (default: all cores)\n"
    "  --pages-at-once N   pages read at the same time (default: 1)\n"
    "  --cache DIR         keep compiled networks there: later starts are faster\n"
    "  --drop-score X      leave out lines with a lower score (default: 0.5)\n"
    "  --no-turn           read pages as they lie\n";

struct Arguments {
    std::vector<std::string> images;
    std::string models, output;
    ppocr::Options options;
};

/// @throws ppocr::Error an option is unknown, or its value missing or no number.
Arguments parse(int argc, char** argv) {
    Arguments arguments;
    bool only_paths = false;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (only_paths || name.rfind("--", 0) != 0) {
            arguments.images.push_back(name);
            continue;
        }
        const auto value = [&]() -> std::string {
            if (++i >= argc) throw ppocr::Error(name + ": needs a value");
            return argv[i];
        };
        const auto number = [&](double most) {
            const std::string text = value();
            size_t end = 0;
            double found = -1;
            try {
                found = std::stod(text, &end);
            } catch (const std::exception&) {
            }
            if (end != text.size() || !(found >= 0 && found <= most)) throw ppocr::Error(name + ": not usable: " + text);
            return found;
        };
        if (name == "--") only_paths = true;
        else if (name == "--models") arguments.models = value();
        else if (name == "--output") arguments.output = value();
        else if (name == "--threads") arguments.options.threads = int(number(1024));
        else if (name == "--pages-at-once") arguments.options.pages_at_once = std::max(1, int(number(256)));
        else if (name == "--cache") arguments.options.cache = value();
        else if (name == "--drop-score") arguments.options.drop_score = number(1);
        else if (name == "--no-turn") arguments.options.turn_pages = false;
        else throw ppocr::Error(name + ": no such option");
    }
    if (arguments.images.empty() || arguments.models.empty()) throw ppocr::Error("needs IMAGE and --models DIR");
    return arguments;
}

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

std::string json_line(const std::string& file, const ppocr::Page& page, double seconds) {
    Json lines = Json::array();
    for (const ppocr::Line& line : page.lines) {
        Json box = Json::array();
        for (const auto& point : line.box) box.push_back({rounded(point.x, 0.5), rounded(point.y, 0.5)});
        lines.push_back({{"text", line.text}, {"score", std::round(line.score * 1e4) / 1e4}, {"box", box}});
    }
    const Json record{{"file", file}, {"page", 0}, {"width", page.width}, {"height", page.height},
                      {"angle", page.angle}, {"seconds", std::round(seconds * 1e4) / 1e4}, {"lines", lines}};
    return record.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// What becomes of one picture: a line of JSON, or why it cannot be read.
struct Outcome {
    std::string line, problem;
};

Outcome read(const ppocr::Ocr& ocr, const std::string& path) {
    try {
        const cv::Mat image = ppocr::decode_picture(ppocr::read_file(path));
        const auto begin = std::chrono::steady_clock::now();
        const ppocr::Page page = ocr.read(image);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        return {json_line(path, page, seconds.count()), ""};
    } catch (const std::exception& error) {  // std::bad_alloc and OpenCV's errors too: of one picture, not of all
        return {"", path + ": " + error.what()};
    }
}

/// Hands out the outcomes in the order of the pictures; several threads read.
class InOrder {
public:
    InOrder(const ppocr::Ocr& ocr, const std::vector<std::string>& paths, size_t threads) : ocr_(ocr), paths_(paths) {
        for (size_t i = 0; i < std::min(threads, paths.size()); ++i) workers_.emplace_back([this, threads] { work(2 * threads); });
    }

    ~InOrder() {
        for (auto& worker : workers_) worker.join();
    }

    Outcome next() {
        std::unique_lock<std::mutex> guard(lock_);
        changed_.wait(guard, [&] { return finished_.count(handed_out_); });
        Outcome outcome = std::move(finished_[handed_out_]);
        finished_.erase(handed_out_++);
        changed_.notify_all();
        return outcome;
    }

private:
    void work(size_t ahead) {
        std::unique_lock<std::mutex> guard(lock_);
        while (taken_ < paths_.size()) {
            const size_t number = taken_++;
            changed_.wait(guard, [&] { return number < handed_out_ + ahead; });  // a slow page holds up few results
            guard.unlock();
            Outcome outcome = read(ocr_, paths_[number]);
            guard.lock();
            finished_[number] = std::move(outcome);
            changed_.notify_all();
        }
    }

    const ppocr::Ocr& ocr_;
    const std::vector<std::string>& paths_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::map<size_t, Outcome> finished_;
    size_t taken_ = 0, handed_out_ = 0;
    std::vector<std::thread> workers_;
};

int run(const Arguments& arguments) {
    const ppocr::Ocr ocr(arguments.models, arguments.options);
    std::ofstream file;
    if (!arguments.output.empty()) file.open(arguments.output, std::ios::binary);
    std::ostream& out = arguments.output.empty() ? std::cout : file;
    bool failed = false;
    InOrder outcomes(ocr, arguments.images, size_t(arguments.options.pages_at_once));
    for (size_t i = 0; i < arguments.images.size(); ++i) {
        const Outcome outcome = outcomes.next();
        failed = failed || !outcome.problem.empty();
        if (outcome.problem.empty()) out << outcome.line << std::endl;
        else std::cerr << "ppocr-cpp: " << outcome.problem << std::endl;
    }
    if (!out) std::cerr << "ppocr-cpp: the output cannot be written" << std::endl;
    return failed || !out ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        if (std::string(argv[i]) == "--help") return std::cout << USAGE, 0;
    try {
        return run(parse(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "ppocr-cpp: " << error.what() << "\n" << (argc < 2 ? USAGE : "");
        return 2;
    }
}
