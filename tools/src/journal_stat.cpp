// millrace journal stat: one journal, its disk, its segments and who holds it.
#include "journal_argument.hpp"
#include "journal_verbs.hpp"
#include "millrace/persist/survey.hpp"
#include "record_lines.hpp"
#include "report.hpp"
#include "run_figures.hpp"
#include "size_argument.hpp"
#include "table.hpp"
#include "time_argument.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

struct StatArguments {
  JournalArgument journal;
  bool segments = false;
};

std::string uuid_text(const Uuid& uuid) {
  std::string text;
  for (const auto byte : uuid) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(byte));
    text += two;
  }
  return text;
}

std::uint64_t bytes_of(const JournalSurvey& survey) {
  std::uint64_t bytes = 0;
  for (const SurveyedSegment& segment : survey.segments)
    bytes += segment.bytes;
  return bytes;
}

std::string holder_text(const JournalSurvey& survey) {
  if (!survey.holder) return "nobody has it open for writing";
  const JournalHolder& holder = *survey.holder;
  const std::string who = holder.pid == 0
                              ? std::string("a process that has not said who it is")
                              : "pid " + std::to_string(holder.pid) + " (" + holder.name + ")";
  return holder.alive ? who : who + ", which is gone: its last writes are still on their way";
}

nlohmann::json facts_of(const DeviceFacts& device) {
  return {{"name", device.name},
          {"number", device.number},
          {"write_cache", device.write_cache},
          {"fua", device.fua ? nlohmann::json(*device.fua) : nlohmann::json(nullptr)},
          {"physical_block", device.physical_block},
          {"interrupt_cpus", device.interrupt_cpus}};
}

nlohmann::json all_of(const StatArguments& arguments, const JournalSurvey& survey) {
  nlohmann::json object = {{"ok", true},
                           {"journal", arguments.journal.directory},
                           {"log", uuid_text(survey.log)},
                           {"created_ns", survey.created_ns},
                           {"generation", survey.generation},
                           {"epoch", survey.epoch},
                           {"boots", survey.boots},
                           {"depth", survey.depth},
                           {"segment_bytes", survey.segment_bytes},
                           {"item_bytes", survey.item_bytes},
                           {"block_bytes", survey.block_bytes},
                           {"durability", to_string(survey.durability)},
                           {"clean", survey.clean},
                           {"last_item", survey.end},
                           {"unproven_bytes", survey.unproven_bytes},
                           {"bytes", bytes_of(survey)},
                           {"spares", survey.spares},
                           {"unprepared", survey.unprepared},
                           {"unreadable", survey.unreadable},
                           {"tombstones", survey.tombstones},
                           {"free_bytes", survey.free_bytes},
                           {"disk", to_json(survey.disk)},
                           {"device", nullptr},
                           {"holder", nullptr},
                           {"segments", nlohmann::json::array()}};
  if (survey.device) object["device"] = facts_of(*survey.device);
  if (survey.holder) {
    object["holder"] = {{"pid", survey.holder->pid},
                        {"name", survey.holder->name},
                        {"alive", survey.holder->alive}};
  }
  for (const SurveyedSegment& segment : survey.segments) {
    object["segments"].push_back({{"segment", segment.segment},
                                  {"slot", segment.slot},
                                  {"first_item", segment.first_item},
                                  {"last_item", segment.last_item},
                                  {"bytes", segment.bytes},
                                  {"newest_ns", segment.wall_ns}});
  }
  return object;
}

void print_segments(const JournalSurvey& survey) {
  Table table({"SEGMENT", "SLOT", "FIRST ITEM", "LAST ITEM", "BYTES", "NEWEST"});
  for (const SurveyedSegment& segment : survey.segments) {
    table.add({std::to_string(segment.segment), std::to_string(segment.slot),
               std::to_string(segment.first_item), std::to_string(segment.last_item),
               std::to_string(segment.bytes),
               segment.wall_ns == 0 ? "-" : format_moment(segment.wall_ns)});
  }
  std::printf("\n%s", table.text().c_str());
}

void print_text(const StatArguments& arguments, const JournalSurvey& survey) {
  std::printf("journal   %s, log %s\n", arguments.journal.directory.c_str(),
              uuid_text(survey.log).c_str());
  std::printf("made      %s; opened %s times, in %u boots; manifest of generation %s\n",
              format_moment(survey.created_ns).c_str(), grouped(survey.epoch).c_str(), survey.boots,
              grouped(survey.generation).c_str());
  std::printf("holder    %s\n", holder_text(survey).c_str());
  std::printf(
      "end       item %s, %s%s\n", grouped(survey.end).c_str(),
      survey.clean ? "closed in good order" : "not closed",
      survey.unproven_bytes == 0 || survey.clean
          ? ""
          : (", " + format_size(survey.unproven_bytes) + " behind it not yet proven durable")
                .c_str());
  std::printf("segments  %zu of %s, %s in use; %s spare, %s to be prepared again, %s unreadable\n",
              survey.segments.size(), format_size(survey.segment_bytes).c_str(),
              format_size(bytes_of(survey)).c_str(), grouped(survey.spares).c_str(),
              grouped(survey.unprepared).c_str(), grouped(survey.unreadable).c_str());
  std::printf("writes    depth %u, batches up to %s\n", survey.depth,
              format_size(survey.item_bytes).c_str());
  if (survey.tombstones != 0) {
    std::printf("given up  %u damaged places, by repair\n", survey.tombstones);
  }
  std::printf("disk      %s; %s free\n", describe(survey.disk).c_str(),
              format_size(survey.free_bytes).c_str());
  if (survey.device) std::printf("device    %s\n", describe(*survey.device).c_str());
  if (arguments.segments) print_segments(survey);
}

int run_stat(const StatArguments& arguments) {
  const auto survey = survey_journal(arguments.journal.directory);
  if (!survey) return report(survey.error(), arguments.journal.json);
  if (arguments.journal.json) {
    print_json(all_of(arguments, *survey));
  } else {
    print_text(arguments, *survey);
  }
  return kGood;
}

}  // namespace

void add_journal_stat(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<StatArguments>();
  CLI::App& verb =
      *journal.add_subcommand("stat", "Show a journal: its disk, its segments, who holds it");
  add_journal_argument(verb, arguments->journal);
  verb.add_flag("--segments", arguments->segments, "List the segments too");
  verb.footer(
      "It only reads, also beside a recorder.\n"
      "Exit codes: 0 good, 2 bad usage or environment, or the journal is damaged.");
  verb.callback([arguments, &exit_code] { exit_code = run_stat(*arguments); });
}

}  // namespace millrace::tools
