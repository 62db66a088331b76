// Any bytes as any kind of file: Segment::open, the door that everything goes through.
#include "fuzz_domain.hpp"
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/meta_layout.hpp"
#include "millrace/core/segment.hpp"
#include "valid_lane.hpp"

namespace {

using namespace millrace;

SegmentExpectation expectation(std::uint8_t choice) {
  switch (choice % 4) {
    case 0:
      return {.kind = layout::FileKind::meta,
              .fingerprint = layout::kMetaFingerprint,
              .bytes_min = sizeof(layout::MetaFile)};
    case 1:
      return {.kind = layout::FileKind::doorbell,
              .fingerprint = layout::kDoorbellFingerprint,
              .bytes_min = layout::doorbell_file_bytes(4)};
    case 2: return {.kind = layout::FileKind::lane, .fingerprint = layout::kLaneFingerprint};
    default:
      return {.kind = layout::FileKind::lane_data,
              .fingerprint = layout::kLaneFingerprint,
              .page_bytes = kHugePageBytes};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  const auto [choice, file] = fuzz::split(data, bytes);
  domain.put("", "segment", file);
  const Access access = (choice & 4) != 0 ? Access::write : Access::read;
  const auto opened = Segment::open(domain.fd(), "segment", expectation(choice), access);
  if (!opened) {
    if (opened.error().code() != Errc::format) {
      fuzz::broken_promise(std::string(opened.error().sentence()).c_str());
    }
    return 0;
  }
  if (opened->size() > file.size()) fuzz::broken_promise("more was mapped than there is");
  fuzz::touch({opened->data(), opened->size()});
  (void)opened->of_this_boot();
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  const FuzzDomain domain;
  return {join(0, domain.get("block", "meta")), join(1, domain.get("block", "doorbell")),
          join(2, valid_lanes().front()), join(6, valid_lanes().front()), join(3, Bytes(128))};
}
