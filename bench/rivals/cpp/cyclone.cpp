// Cyclone DDS on the loopback interface: reliable, keeps all; takes, and waits in a wait set when
// there is nothing, as its own round-trip example does. Its receive threads do the work: who polls
// instead takes the processor away from them. Unicast discovery on this machine alone.
#include "cyclone_payload.h"
#include "drive.hpp"

#include <cstdlib>
#include <dds/dds.h>
#include <unistd.h>

namespace millrace::rivals {

namespace {

constexpr const char* kConfiguration =
    "<CycloneDDS><Domain><General><Interfaces><NetworkInterface address=\"127.0.0.1\"/>"
    "</Interfaces><AllowMulticast>false</AllowMulticast></General><Discovery>"
    "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>40"
    "</MaxAutoParticipantIndex><Peers><Peer address=\"127.0.0.1\"/></Peers></Discovery>"
    "</Domain></CycloneDDS>";

dds_entity_t must(dds_return_t result, const char* what) {
  if (result < 0) give_up(std::string("cyclone: ") + what + ": " + dds_strretcode(result));
  return result;
}

const dds_topic_descriptor_t* type_of(std::size_t bytes) {
  if (bytes == 32) return &rival_Bytes32_desc;
  if (bytes == 1024) return &rival_Bytes1024_desc;
  if (bytes == 65536) return &rival_Bytes65536_desc;
  give_up("cyclone: payloads of 32, 1024 or 65536 bytes are compiled in");
}

class CycloneSender {
 public:
  explicit CycloneSender(dds_entity_t writer) : writer_(writer) {}

  void send(const std::byte* message) { must(dds_write(writer_, message), "write"); }

 private:
  dds_entity_t writer_;
};

class CycloneReceiver {
 public:
  CycloneReceiver(dds_entity_t participant, dds_entity_t reader) : reader_(reader) {
    must(dds_set_status_mask(reader_, DDS_DATA_AVAILABLE_STATUS), "watch");
    waits_ = must(dds_create_waitset(participant), "make a wait set");
    must(dds_waitset_attach(waits_, reader_, 0), "attach");
  }

  bool take(std::byte* out) {
    while (!look(out))
      must(dds_waitset_wait(waits_, nullptr, 0, DDS_INFINITY), "wait");
    return true;
  }

  void take_asleep(std::byte* out) { (void)take(out); }

 private:
  bool look(std::byte* out) {
    void* sample = out;
    dds_sample_info_t info{};
    return must(dds_take(reader_, &sample, &info, 1, 1), "take") > 0 && info.valid_data;
  }

  dds_entity_t reader_;
  dds_entity_t waits_ = 0;
};

class CycloneRival {
 public:
  explicit CycloneRival(const Setup& setup) : setup_(setup) {
    setenv("CYCLONEDDS_URI", kConfiguration, 1);
    participant_ = must(dds_create_participant(DDS_DOMAIN_DEFAULT, nullptr, nullptr), "join");
    qos_ = dds_create_qos();
    dds_qset_reliability(qos_, DDS_RELIABILITY_RELIABLE, DDS_INFINITY);
    dds_qset_history(qos_, DDS_HISTORY_KEEP_ALL, 0);
  }

  CycloneSender sender(const std::string& name) {
    const dds_entity_t writer =
        must(dds_create_writer(participant_, topic(name), qos_, nullptr), "make a writer");
    const std::size_t wanted = setup_.pattern == Pattern::broadcast ? setup_.receivers : 1;
    dds_publication_matched_status_t matched{};
    do {
      usleep(1000);
      must(dds_get_publication_matched_status(writer, &matched), "match");
    } while (matched.current_count < wanted);
    return CycloneSender(writer);
  }

  CycloneReceiver receiver(const std::string& name) {
    const dds_entity_t reader =
        must(dds_create_reader(participant_, topic(name), qos_, nullptr), "make a reader");
    dds_subscription_matched_status_t matched{};
    do {
      usleep(1000);
      must(dds_get_subscription_matched_status(reader, &matched), "match");
    } while (matched.current_count == 0);
    return {participant_, reader};
  }

 private:
  dds_entity_t topic(const std::string& name) {
    const std::string full = setup_.scope + "_" + name;
    return must(dds_create_topic(participant_, type_of(setup_.bytes), full.c_str(), qos_, nullptr),
                "make a topic");
  }

  Setup setup_;
  dds_entity_t participant_ = 0;
  dds_qos_t* qos_ = nullptr;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::CycloneRival>(argc, argv);
}
