#include "fio.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

namespace millrace::bench {

namespace {

struct CloseStream {
  void operator()(std::FILE* stream) const noexcept { (void)pclose(stream); }
};

// What a command prints; empty if it fails.
std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, CloseStream> stream(popen(command.c_str(), "re"));
  if (!stream) return {};
  std::string text;
  std::array<char, 4096> part{};
  for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), stream.get())) > 0;) {
    text.append(part.data(), got);
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string command_of(const FioPlan& plan) {
  std::string command = "fio --name=millrace --output-format=json --ioengine=io_uring --direct=1";
  command += " --fixedbufs=1 --registerfiles=1 --thread --time_based=1 --group_reporting=1";
  command += std::string(" --rw=") + (plan.read ? "read" : "write") + " --overwrite=1";
  command += " --filename=" + quoted(plan.directory + "/fio-baseline");
  command += " --size=" + std::to_string(plan.file_bytes);
  command += " --bs=" + std::to_string(plan.block_bytes);
  command += " --iodepth=" + std::to_string(plan.depth);
  command += " --runtime=" + std::to_string(plan.seconds);
  if (!plan.read && plan.durable) command += " --sync=dsync";
  if (plan.rate_iops > 0) {
    command += " --rate_iops=" + std::to_string(static_cast<std::uint64_t>(plan.rate_iops));
  }
  return command + " 2>/dev/null";
}

// fio prints warnings before its JSON.
Result<FioFigures> parse(const std::string& text, bool read) {
  const std::size_t brace = text.find('{');
  const auto json = brace == std::string::npos
                        ? nlohmann::json()
                        : nlohmann::json::parse(text.substr(brace), nullptr, false);
  if (!json.is_object() || !json.contains("jobs") || json["jobs"].empty()) {
    return fail(Errc::system, "fio did not say what it measured; run it by hand to see why");
  }
  const auto& side = json["jobs"][0][read ? "read" : "write"];
  FioFigures figures;
  figures.bytes_per_second = side.value("bw_bytes", 0.0);
  const auto& latency = side["clat_ns"];
  if (latency.contains("percentile")) {
    figures.p50_ns = latency["percentile"].value("50.000000", 0.0);
    figures.p99_ns = latency["percentile"].value("99.000000", 0.0);
  }
  if (figures.bytes_per_second <= 0) return fail(Errc::system, "fio wrote nothing");
  return figures;
}

}  // namespace

std::string why_no_fio() {
  static const std::string version = output_of("fio --version 2>/dev/null");
  return version.empty() ? "fio is not installed (apt-get install fio)" : "";
}

Result<FioFigures> run_fio(const FioPlan& plan) {
  if (const std::string why = why_no_fio(); !why.empty()) {
    return fail(Errc::unsupported, "%s", why.c_str());
  }
  FioPlan run = plan;
  std::error_code ignored;
  // Unwritten blocks cost a metadata write each: the file is written once before it is measured.
  if (std::filesystem::file_size(plan.directory + "/fio-baseline", ignored) != plan.file_bytes) {
    FioPlan lay = plan;
    lay.read = false;
    lay.durable = false;
    lay.block_bytes = 1 << 20;
    lay.depth = 4;
    std::string command = command_of(lay);
    command.replace(command.find(" --time_based=1"), 15, "");
    command.replace(command.find(" --overwrite=1"), 14, "");
    (void)output_of(command);
  }
  return parse(output_of(command_of(run)), run.read);
}

}  // namespace millrace::bench
