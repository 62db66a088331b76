// The command line of `millrace profile`.
#pragma once

#include "millrace/bench/profile_options.hpp"
#include "millrace/bench/profile_run.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

struct ProfileArguments {
  std::string directory;  // of the domain; empty: a scratch one
  std::string load = "poisson:rate=50k";
  std::string handler = "deadline:2us";
  std::string cpus;
  std::string length = "32";
  std::string policy = "block";
  std::string journal;
  std::string report, json, hlog, prometheus;  // files; empty: not written, "-": standard output
  std::string calibration;                     // a frozen one, read if it is there, else written
  std::string plant;                           // tests
  std::vector<std::string> slo;
  std::uint64_t ring_bytes = std::uint64_t{1} << 20;
  std::uint64_t seed = 1;
  double seconds = 0;
  bool quick = false;
  bool full = false;
  bool doctor = false;
  bool no_search = false;
  bool no_curve = false;
  bool quiet = false;
};

void add_profile_options(CLI::App& verb, ProfileArguments& arguments);

// What they ask for. Errors: bad_argument with what may be written, and those of reading a replay.
[[nodiscard]] Result<bench::ProfileOptions> profile_options(const ProfileArguments& arguments);

}  // namespace millrace::tools
