#include "contest.hpp"

namespace millrace::bench {

namespace {

ContestPointer make(const Arena& arena, Subject subject) {
  switch (info(subject).kind) {
    case Kind::publish: return make_fan_out(arena, subject);
    case Kind::wake: return make_wake(arena, subject);
    case Kind::latency: return make_latency(arena, subject);
    case Kind::stream:
      if (info(subject).bracket == Subject::lanes_1) return make_lanes(arena, subject);
      return info(subject).size >= kKilo ? make_long_stream(arena, subject)
                                         : make_stream(arena, subject);
    case Kind::round_trip: break;
  }
  const bool bare = subject <= Subject::bare_null;
  return bare ? make_bare(arena, subject) : make_round_trip(arena, subject);
}

}  // namespace

Contests make_contests(const Arena& arena, const SubjectSet& subjects) {
  Contests contests;
  for (const SubjectInfo& one : kSubjectInfo) {
    const std::size_t at = index(one.subject);
    if (subjects[at]) contests[at] = make(arena, one.subject);
  }
  return contests;
}

}  // namespace millrace::bench
