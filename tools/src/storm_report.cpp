#include "storm_report.hpp"

#include "duration_argument.hpp"
#include "run_figures.hpp"
#include "size_argument.hpp"
#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

namespace millrace::tools {
namespace {

std::string time_text(std::uint64_t ns) {
  return format_duration(std::chrono::nanoseconds(ns));
}

void add_row(Table& table, const std::string& what, const StormTimes& times) {
  if (times.ns.empty()) {
    table.add({what, "0", "-", "-", "-"});
    return;
  }
  table.add({what, grouped(times.ns.size()), time_text(times.percentile(50)),
             time_text(times.percentile(99)), time_text(times.ns.back())});
}

std::string recovery_text(const StormFigures& figures) {
  Table table({"recovery", "times", "p50", "p99", "max"});
  add_row(table, "kill -> lock free", figures.lock_free);
  add_row(table, "the same, fat", figures.fat_lock_free);
  add_row(table, "lock free -> detected", figures.both.detect);
  add_row(table, "detected -> repaired", figures.both.repair);
  add_row(table, "repaired -> next message", figures.both.message);
  add_row(table, "lock free -> next message", figures.both.whole);
  add_row(table, "  of lanes continued", figures.named.whole);
  add_row(table, "  of new lanes", figures.unnamed.whole);
  add_row(table, "while nobody else was away", figures.alone.whole);
  add_row(table, "  lock free -> detected", figures.alone.detect);
  add_row(table, "  detected -> repaired", figures.alone.repair);
  add_row(table, "  repaired -> next message", figures.alone.message);
  add_row(table, "lock free -> waiting publisher on", figures.readers);
  return table.text("  ");
}

std::string availability_text(const StormFigures& figures) {
  Table table({"subscriber", "policy", "outages", "down", "A", "95 % from", "to"});
  for (const StormAvailability& one : figures.availability) {
    const auto number = [](double value) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), "%.5f", value);
      return std::string(text.data());
    };
    const std::uint64_t down_ns = static_cast<std::uint64_t>(one.down_seconds * 1e9);
    table.add({std::to_string(one.subscriber), one.policy, grouped(one.outages), time_text(down_ns),
               number(one.availability), number(one.low), number(one.high)});
  }
  return table.text("  ");
}

std::string counts_text(const StormReport& report) {
  const StormCourse& course = report.course;
  const StormFigures& figures = report.figures;
  const auto three = [](const std::array<std::uint64_t, kStormRoles>& counts) {
    const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    return grouped(all) + ": " + grouped(counts[0]) + " publishers, " + grouped(counts[1]) +
           " subscribers, " + grouped(counts[2]) + " cleaners";
  };
  std::string text = "kills     " + three(course.kills) + "\n";
  text += "          at " + grouped(course.points.distinct()) + " distinct points, " +
          grouped(course.points.distinct_running()) + " of them in running code\n";
  text += "          " + grouped(course.killed_parked) + " parked, " +
          grouped(course.killed_stopped) + " stopped, " + grouped(course.killed_fat) + " fat, " +
          grouped(course.killed_joining) + " before they had their place, " +
          grouped(course.killed_twice) + " in the midst of a take-over\n";
  text += "stops     " + three(course.stops) + "\n";
  text += "came, went " + grouped(course.added) + ", " + grouped(course.left) + "; lives " +
          grouped(figures.lives) + "\n";
  text += "recovered " + grouped(figures.both.whole.ns.size()) + " publishers, " +
          grouped(figures.rejoined) + " subscribers, " + grouped(figures.readers.ns.size()) +
          " publishers that waited for a dead subscriber\n";
  text += "published " + grouped(figures.published) + ", given up " + grouped(figures.aborted) +
          "; checked " + grouped(figures.messages) + "; told as lost where it may be " +
          grouped(figures.told_lost) + ", evictions " + grouped(figures.evictions) + "\n";
  return text;
}

nlohmann::json times_json(const StormTimes& times) {
  if (times.ns.empty()) return {{"count", 0}, {"p50", nullptr}, {"p99", nullptr}, {"max", nullptr}};
  return {{"count", times.ns.size()},
          {"p50", times.percentile(50)},
          {"p99", times.percentile(99)},
          {"max", times.ns.back()}};
}

nlohmann::json roles_json(const std::array<std::uint64_t, kStormRoles>& counts) {
  nlohmann::json object;
  for (std::uint32_t role = 0; role < kStormRoles; ++role)
    object[to_string(static_cast<StormRole>(role))] = counts[role];
  object["all"] = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  return object;
}

nlohmann::json recovery_json(const StormFigures& figures) {
  return {{"kill_to_lock_free", times_json(figures.lock_free)},
          {"kill_to_lock_free_fat", times_json(figures.fat_lock_free)},
          {"lock_free_to_detected", times_json(figures.both.detect)},
          {"detected_to_repaired", times_json(figures.both.repair)},
          {"repaired_to_next_message", times_json(figures.both.message)},
          {"lock_free_to_next_message", times_json(figures.both.whole)},
          {"lane_continued", times_json(figures.named.whole)},
          {"lane_begun", times_json(figures.unnamed.whole)},
          {"alone",
           {{"lock_free_to_detected", times_json(figures.alone.detect)},
            {"detected_to_repaired", times_json(figures.alone.repair)},
            {"repaired_to_next_message", times_json(figures.alone.message)},
            {"lock_free_to_next_message", times_json(figures.alone.whole)}}},
          {"waiting_publisher_goes_on", times_json(figures.readers)}};
}

nlohmann::json availability_json(const StormFigures& figures) {
  nlohmann::json all = nlohmann::json::array();
  for (const StormAvailability& one : figures.availability) {
    all.push_back({{"subscriber", one.subscriber},
                   {"policy", one.policy},
                   {"outages", one.outages},
                   {"down_seconds", one.down_seconds},
                   {"seconds", one.seconds},
                   {"availability", one.availability},
                   {"low", one.low},
                   {"high", one.high}});
  }
  return all;
}

}  // namespace

std::string to_text(const StormReport& report) {
  std::string text = counts_text(report);
  if (!report.no_fat.empty()) text += "no fat    " + report.no_fat + "\n";
  text += recovery_text(report.figures);
  text += "  an idle spinner was kept from running for up to " + time_text(report.noise_before_ns) +
          " before the storm, " + time_text(report.noise_after_ns) + " after it\n";
  text += availability_text(report.figures);
  for (const std::string& violation : report.violations)
    text += "VIOLATED  " + violation + "\n";
  if (report.course.out_of_lives) text += "the storm ended early: all of its lives were lived\n";
  text += report.ok() ? "OK: nothing was lost, torn, doubled or left waiting\n" : "NOT OK\n";
  return text;
}

nlohmann::json to_json(const StormReport& report) {
  const StormCourse& course = report.course;
  const StormFigures& figures = report.figures;
  nlohmann::json whole = {
      {"ok", report.ok()},
      {"seed", report.options.seed},
      {"order", to_string(report.options.order)},
      {"seconds", static_cast<double>(course.ended_ns - course.began_ns) / 1e9},
      {"interrupted", course.interrupted},
      {"out_of_lives", course.out_of_lives},
      {"kills", roles_json(course.kills)},
      {"kill_points", course.points.distinct()},
      {"kill_points_running", course.points.distinct_running()},
      {"kill_points_unknown", course.points.unknown()},
      {"killed_parked", course.killed_parked},
      {"killed_stopped", course.killed_stopped},
      {"killed_fat", course.killed_fat},
      {"killed_joining", course.killed_joining},
      {"killed_twice", course.killed_twice},
      {"stops", roles_json(course.stops)},
      {"added", course.added},
      {"left", course.left},
      {"lives", figures.lives},
      {"recoveries", figures.both.whole.ns.size() + figures.readers.ns.size()},
      {"rejoined", figures.rejoined},
      {"recovery_ns", recovery_json(figures)},
      {"noise_floor_ns", {{"before", report.noise_before_ns}, {"after", report.noise_after_ns}}},
      {"availability", availability_json(figures)},
      {"published", figures.published},
      {"aborted", figures.aborted},
      {"messages_checked", figures.messages},
      {"told_lost", figures.told_lost},
      {"evictions", figures.evictions},
      {"retries", figures.retries},
      {"fat_bytes", report.fat_bytes},
      {"no_fat", report.no_fat},
      {"losses", report.violations.size()},
      {"violations", report.violations}};
  if (report.options.points) whole["points"] = course.points.names();
  return whole;
}

}  // namespace millrace::tools
