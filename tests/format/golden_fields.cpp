// Written out by hand, on purpose: an offset or a fingerprint that moves must fail here.
#include "golden_files.hpp"

namespace millrace::format_test {

namespace {

using Fields = std::vector<GoldenField>;

// The layout fingerprints of format 1.0. The histogram lies in no file of its own: its fingerprint
// goes into the files that carry one, and is pinned by golden_test.cpp.
constexpr std::uint64_t kParticipant = 0xa3ee'ac89'5f2d'b7ec;
constexpr std::uint64_t kMeta = 0xbfe8'a3be'c82a'164e;
constexpr std::uint64_t kLane = 0x1ecb'81c7'c747'da57;
constexpr std::uint64_t kOrder = 0xb92c'cffc'6b6c'c7c7;
constexpr std::uint64_t kJournal = 0xe9c7'09e6'd8bc'f373;
constexpr std::uint64_t kReader = 0x8c2f'0c18'9d97'8fa3;
constexpr std::uint64_t kRemembered = 0x08be'e0c2'3d69'013e;
constexpr std::uint64_t kDoorbell = 0x868d'40af'44be'aa36;
constexpr std::uint64_t kClock = 0xe87a'9d36'0fc5'3cec;
constexpr std::uint64_t kStamps = 0x45d8'2056'b6f6'99ce;

void add_header(Fields& fields, std::uint64_t kind, std::uint64_t fingerprint,
                std::uint64_t file_bytes, std::uint64_t data_bytes = 0,
                std::uint64_t page_bytes = 4096) {
  const char* const in = "SegmentHeader";
  const Fields header = {{in, "magic", 0, 8, 0x4543'4152'4c4c'494d},
                         {in, "format_major", 8, 2, 1},
                         {in, "format_minor", 10, 2, 0},
                         {in, "endianness", 12, 4, 0x0102'0304},
                         {in, "fingerprint", 16, 8, fingerprint},
                         {in, "kind", 24, 4, kind},
                         {in, "page_bytes", 28, 4, page_bytes},
                         {in, "file_bytes", 32, 8, file_bytes},
                         {in, "data_bytes", 40, 8, data_bytes},
                         {in, "features_read", 48, 8, 0},
                         {in, "features_write", 56, 8, 0},
                         {in, "features_info", 64, 8, 0x8000'0000'0000'0000},
                         {in, "boot_id", 72, 8, 0xb7b6'b5b4'b3b2'b1b0},
                         {in, "created_wall_ns", 88, 8, 1'340'280'000'000'000'000},
                         {in, "creator_incarnation", 96, 8, 0x00c0'ffee'1234'5678}};
  fields.insert(fields.end(), header.begin(), header.end());
}

Fields participant() {
  const char* const in = "ParticipantFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "pid", 128, 4, 4711},
                   {in, "flags", 132, 4, 1},
                   {in, "start_ticks", 136, 8, 0x1122'3344'5566'7788},
                   {in, "incarnation", 144, 8, 0x00c0'ffee'1234'5678},
                   {in, "id", 152, 4, 17},
                   {in, "uid", 156, 4, 1000},
                   {in, "pid_ns", 160, 8, 0xeff0'0001},
                   {in, "left", 168, 8, 1},
                   {in, "repairs", 176, 8, 7},
                   {in, "probe_errors", 184, 8, 2},
                   {in, "name", 192, 6, 0x6e65'646c'6f67},  // "golden"
                   {in, "scratch", 4096, 1, 0x5c}};
  add_header(fields, 1, kParticipant, 8192);
  return fields;
}

Fields meta() {
  const char* const in = "MetaFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "uuid", 128, 8, 0x1716'1514'1312'1110},
                   {in, "kind", 144, 4, 1},
                   {in, "order", 148, 4, 0},
                   {in, "policy", 152, 4, 1},
                   {in, "lanes_max", 156, 4, 8},
                   {in, "ring_bytes", 160, 8, 4096},
                   {in, "page_kind", 168, 4, 0},
                   {in, "placement_kind", 172, 4, 2},
                   {in, "placement_node", 176, 4, 3},
                   {in, "lock", 180, 4, 1},
                   {in, "prefault", 184, 4, 1},
                   {in, "require_readers", 188, 4, 1},
                   {in, "mode", 192, 4, 0640},
                   {in, "group", 196, 4, 0xffff'ffff},
                   {in, "durable", 200, 4, 1},
                   {in, "when_journal_fails", 204, 4, 1},
                   {in, "schema", 208, 8, 0xabcd'ef01'2345'6789},
                   {in, "schema_name", 216, 8, 0x3176'2e65'746f'7571},  // "quote.v1"
                   {in, "huge_dir", 280, 4, 0x7665'642f},               // "/dev"
                   {in, "journal", 536, 4, 0x7261'762f},                // "/var"
                   {in, "stamps", 792, 4, 1},
                   {in, "stamp_every", 796, 4, 1024},
                   {in, "stamp_records", 800, 4, 4096},
                   {in, "tags", 4096, 8, 0x0000'0005'0000'7001}};
  add_header(fields, 2, kMeta, 8192);
  return fields;
}

Fields lane_control() {
  const char* const in = "LaneControl";
  return {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
          {in, "producer_name", 128, 6, 0x6e65'646c'6f67},  // "golden"
          {in, "owner_incarnation", 192, 8, 0x00c0'ffee'1234'5678},
          {in, "owner_id", 200, 4, 17},
          {in, "lane", 204, 4, 5},
          {in, "epoch", 208, 8, 0x0e0e'0001'0002'0003},
          {in, "life", 216, 8, 2},
          {in, "state", 224, 4, 1},
          {in, "fencing", 228, 4, 1},
          {in, "data_offset", 232, 8, 4096},
          {in, "asked_kind", 240, 4, 2},
          {in, "asked_node", 244, 4, 3},
          {in, "honoured", 248, 4, 1},
          {in, "page_kind", 252, 4, 0},
          {in, "limit", 256, 8, 4352},
          {in, "proposed", 264, 8, 4608},
          {in, "first_sequence", 272, 8, 280},
          {in, "version", 384, 8, 34},
          {in, "blocked_reader", 512, 8, 0x00c0'ffee'0000'0001},
          {in, "blocked_position", 520, 8, 256},
          {in, "refused", 640, 8, 101},
          {in, "aborted", 648, 8, 102},
          {in, "unheard", 656, 8, 103},
          {in, "evictions", 664, 8, 104},
          {in, "blocks", 672, 8, 105},
          {in, "blocked_ns", 680, 8, 106},
          {in, "wakes", 688, 8, 107},
          {in, "probe_errors", 696, 8, 108},
          {in, "waits_for", 704, 8, 0x00c0'ffee'0000'0001},
          {in, "waits_for_id", 712, 8, 0x0000'0001'0000'0012},
          {in, "waits_since", 720, 8, 123'456'789},
          {in, "unjournaled", 728, 8, 109},
          {in, "unjournaled_end", 736, 8, 290},
          {in, "evicted_count", 768, 8, 1},
          {in, "evicted", 1024, 8, 0x00c0'ffee'0000'0002},
          {in, "checkpoints", 2048 + 2 * 16, 8, 4096},
          {in, "checkpoints", 2048 + 2 * 16 + 8, 8, 300},
          {in, "ordinals", 2560 + 2 * 8, 8, 291}};
}

Fields lane() {
  const char* const in = "record";
  Fields fields = lane_control();
  const Fields records = {{in, "message", 4096, 8, 0x1234'002c'1000'0005},
                          {in, "pad", 4112, 8, 0x0000'0000'2000'0018},
                          {in, "aborted", 4144, 8, 0x0000'002d'3000'0008},
                          {in, "empty_message", 4160, 8, 0xffff'002e'1000'0000},
                          {in, "skippable", 4168, 8, 0x0001'002f'b000'0003},
                          {in, "end", 4184, 8, 0}};
  fields.insert(fields.end(), records.begin(), records.end());
  add_header(fields, 3, kLane, 8192, 4096);
  return fields;
}

Fields reader() {
  const char* in = "ReaderFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "incarnation", 128, 8, 0x00c0'ffee'1234'5678},
                   {in, "id", 136, 4, 17},
                   {in, "number", 140, 4, 3},
                   {in, "kind", 144, 4, 1},
                   {in, "mode", 148, 4, 1},
                   {in, "state", 152, 4, 2},
                   {in, "fencing", 156, 4, 1},
                   {in, "lanes", 160, 4, 8},
                   {in, "node", 164, 4, 2},
                   {in, "overruns", 168, 8, 201},
                   {in, "evictions", 176, 8, 202},
                   {in, "parks", 184, 8, 203},
                   {in, "caught_up", 192, 8, 204},
                   {in, "rewinds", 200, 8, 205}};
  in = "ReaderSlot";
  constexpr std::size_t kSlot = 512 + 5 * 128;
  const Fields slot = {
      {in, "position", kSlot, 8, 4096},     {in, "lane_epoch", kSlot + 8, 8, 0x0e0e'0001'0002'0003},
      {in, "sequence", kSlot + 16, 8, 300}, {in, "received", kSlot + 24, 8, 290},
      {in, "lost", kSlot + 32, 8, 4},       {in, "skipped", kSlot + 40, 8, 5},
      {in, "unknown", kSlot + 48, 8, 1},    {in, "left", kSlot + 56, 8, 1},
      {in, "joins", kSlot + 64, 8, 2}};
  fields.insert(fields.end(), slot.begin(), slot.end());
  add_header(fields, 4, kReader, 4096);
  return fields;
}

Fields doorbell() {
  const char* const in = "DoorbellFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "reader_generation", 128, 8, 31},
                   {in, "lane_generation", 256, 8, 32},
                   {in, "needs_fence", 384, 8, 1},
                   {"DoorbellSlot", "asleep_at", 512 + 5 * 128, 8, 4097}};
  add_header(fields, 5, kDoorbell, 4096);
  return fields;
}

Fields clock() {
  const char* const in = "ClockFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "source", 128, 4, 2},
                   {in, "shift", 132, 4, 32},
                   {in, "mult", 136, 8, 0x5555'5555},
                   {in, "base_ticks", 144, 8, 301},
                   {in, "base_monotonic_ns", 152, 8, 302},
                   {in, "base_wall_ns", 160, 8, 303},
                   {in, "base_boot_ns", 168, 8, 304},
                   {in, "uncertainty_ns", 176, 8, 305},
                   {in, "uncertainty_ppb", 184, 8, 306},
                   {in, "interval_ns", 192, 8, 307},
                   {in, "granularity_ps", 200, 8, 308},
                   {in, "stamp_cost_ps", 208, 8, 309},
                   {in, "time_ns", 216, 8, 310},
                   {in, "rate_from", 224, 4, 2}};
  add_header(fields, 6, kClock, 256);
  return fields;
}

Fields journal() {
  const char* in = "ChannelJournalFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "log_uuid", 128, 8, 0x2726'2524'2322'2120},
                   {in, "channel", 144, 8, 0x3736'3534'3332'3130},
                   {in, "epoch", 160, 8, 501},
                   {in, "incarnation", 168, 8, 0x00c0'ffee'1234'5678},
                   {in, "id", 176, 4, 17},
                   {in, "state", 180, 4, 2},
                   {in, "error", 184, 4, 28},
                   {in, "attaches", 188, 4, 502},
                   {in, "beat", 192, 8, 503},
                   {in, "bytes", 200, 8, 504},
                   {in, "detaches", 208, 4, 505}};
  in = "JournalSlot";
  constexpr std::size_t kSlot = 512 + 5 * 128;
  const Fields slot = {{in, "lane_epoch", kSlot, 8, 0x0e0e'0001'0002'0003},
                       {in, "turn", kSlot + 8, 8, 601},
                       {in, "points", kSlot + 16 + 16, 8, 4096},
                       {in, "points", kSlot + 16 + 24, 8, 300},
                       {in, "advanced", kSlot + 48, 4, 602},
                       {in, "refused", kSlot + 52, 4, 1},
                       {in, "gaps", kSlot + 56, 8, 603},
                       {in, "gap_first", kSlot + 64, 8, 280},
                       {in, "gap_end", kSlot + 72, 8, 290},
                       {in, "stands_at", kSlot + 80, 8, 4104},
                       {in, "detaches", kSlot + 88, 4, 604}};
  fields.insert(fields.end(), slot.begin(), slot.end());
  add_header(fields, 8, kJournal, 4096);
  return fields;
}

Fields remembered() {
  const char* in = "RememberedFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "name", 128, 6, 0x6e65'646c'6f67},  // "golden"
                   {in, "incarnation", 192, 8, 0x00c0'ffee'1234'5678},
                   {in, "id", 200, 4, 17},
                   {in, "lanes", 204, 4, 8},
                   {in, "opens", 208, 4, 2}};
  in = "RememberedSlot";
  constexpr std::size_t kSlot = 512 + 5 * 128;
  fields.push_back({in, "lane_epoch", kSlot, 8, 0x0e0e'0001'0002'0003});
  fields.push_back({in, "sequence", kSlot + 8, 8, 300});
  add_header(fields, 9, kRemembered, 4096);
  return fields;
}

Fields lane_data() {
  Fields fields;
  add_header(fields, 7, kLane, 4 << 20, 2 << 20, 2 << 20);
  return fields;
}

Fields order() {
  const char* in = "OrderFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "words", 128, 8, 64},
                   {in, "hint", 256, 8, 67}};
  in = "word";
  const Fields words = {{in, "lone", 4096, 8, 0x0024'0000'0000'0002},
                        {in, "batch_of_256", 4104, 8, 0xff28'0000'0000'0002},
                        {in, "batch_of_2", 4112, 8, 0x01fc'0000'0000'0002},
                        {in, "free", 4120, 8, 0},
                        {in, "messages_before_64", 4096 + 64 * 8, 8, 500}};
  fields.insert(fields.end(), words.begin(), words.end());
  add_header(fields, 10, kOrder, 8192, 512);
  return fields;
}

Fields stamps() {
  const char* in = "StampFile";
  Fields fields = {{in, "header", 0, 8, 0x4543'4152'4c4c'494d},
                   {in, "incarnation", 128, 8, 0x00c0'ffee'1234'5678},
                   {in, "id", 136, 4, 17},
                   {in, "number", 140, 4, 3},
                   {in, "role", 144, 4, 1},
                   {in, "clock", 148, 4, 2},
                   {in, "slots", 152, 4, 64},
                   {in, "shift", 156, 4, 10},
                   {in, "left", 160, 8, 1}};
  in = "StampSlot";
  const Fields slots = {{in, "version", 512, 8, 2 * 64 + 2},
                        {in, "sequence", 520, 8, 1064},
                        {in, "lane", 528, 4, 5},
                        {in, "length", 532, 4, 32},
                        {in, "epoch", 536, 8, 0x0e0e'0001'0002'0003},
                        {in, "stamps", 544, 8, 701},
                        {in, "stamps", 568, 8, 704},
                        {in, "version", 576, 8, 2 * 65 + 1},
                        {in, "version", 640, 8, 2 * 2 + 2},
                        {in, "sequence", 648, 8, 1002}};
  fields.insert(fields.end(), slots.begin(), slots.end());
  add_header(fields, 11, kStamps, 8192);
  return fields;
}

Fields histogram() {
  const char* const in = "HistogramBytes";
  return {{in, "sum_ns", 0, 8, 401},
          {in, "max_ns", 8, 8, 402},
          {in, "min_complement", 16, 8, 0xffff'ffff'ffff'fe6c},
          {in, "cells", 128, 8, 404},
          {in, "cells", 128 + 3584 * 8, 8, 405}};
}

}  // namespace

std::vector<GoldenField> golden_fields(const std::string& name) {
  if (name == "participant") return participant();
  if (name == "meta") return meta();
  if (name == "lane") return lane();
  if (name == "reader") return reader();
  if (name == "doorbell") return doorbell();
  if (name == "clock") return clock();
  if (name == "lane_data") return lane_data();
  if (name == "journal") return journal();
  if (name == "remembered") return remembered();
  if (name == "order") return order();
  if (name == "stamps") return stamps();
  if (name == "histogram") return histogram();
  return {};
}

}  // namespace millrace::format_test
