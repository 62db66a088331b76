// What `millrace sub` was asked for.
#pragma once

#include "domain_argument.hpp"
#include "message_print.hpp"
#include "millrace/transport/options.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace millrace::tools {

struct SubArguments {
  DomainArgument domain;
  std::string channel;
  std::uint64_t count = 0;  // 0: no end
  std::optional<OutputFormat> format;
  std::optional<From> from;
  std::chrono::nanoseconds timeout{-1};  // below 0: none
  SubscriberOptions options;

  [[nodiscard]] bool has_timeout() const { return timeout.count() >= 0; }

  [[nodiscard]] OutputFormat output() const {
    return format.value_or(domain.json ? OutputFormat::json : OutputFormat::lines);
  }
};

void add_sub_options(CLI::App& verb, SubArguments& arguments);

}  // namespace millrace::tools
