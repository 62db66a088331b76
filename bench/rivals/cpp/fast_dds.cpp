// Fast DDS over its shared-memory transport alone, reliable, keeping all. Who finds nothing waits:
// a thread of the library hears of what arrives, and needs the processor. Data sharing, which would
// spare a copy, is off: in 2.9 the writer of a full history waited for readers that saw nothing.
#include "drive.hpp"

// Its headers do not hold up to the warnings of this project.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/rtps/transport/shared_mem/SharedMemTransportDescriptor.h>
#pragma GCC diagnostic pop
#include <cstdlib>
#include <unistd.h>

namespace millrace::rivals {

namespace {

namespace dds = eprosima::fastdds::dds;
namespace rtps = eprosima::fastrtps::rtps;
using eprosima::fastrtps::types::ReturnCode_t;

constexpr int kDepth = 256;  // samples of a pool

// Bytes of a fixed size, alike in memory and on the wire behind the encapsulation.
class BytesType final : public dds::TopicDataType {
 public:
  explicit BytesType(std::size_t bytes) : bytes_(static_cast<std::uint32_t>(bytes)) {
    setName(("Bytes" + std::to_string(bytes)).c_str());
    m_typeSize = bytes_ + kEncapsulation;
    m_isGetKeyDefined = false;
  }

  bool serialize(void* data, rtps::SerializedPayload_t* payload) override {
    payload->encapsulation = CDR_LE;
    payload->length = bytes_ + kEncapsulation;
    std::memcpy(payload->data, kHeader, kEncapsulation);
    std::memcpy(payload->data + kEncapsulation, data, bytes_);
    return true;
  }

  bool deserialize(rtps::SerializedPayload_t* payload, void* data) override {
    if (payload->length < bytes_ + kEncapsulation) return false;
    std::memcpy(data, payload->data + kEncapsulation, bytes_);
    return true;
  }

  std::function<std::uint32_t()> getSerializedSizeProvider(void*) override {
    return [size = bytes_ + kEncapsulation] { return size; };
  }

  void* createData() override { return new std::byte[bytes_]; }

  void deleteData(void* data) override { delete[] static_cast<std::byte*>(data); }

  bool getKey(void*, rtps::InstanceHandle_t*, bool) override { return false; }

  bool is_bounded() const override { return true; }

  bool is_plain() const override { return true; }

  bool construct_sample(void*) const override { return true; }

 private:
  static constexpr std::uint32_t kEncapsulation = 4;
  static constexpr unsigned char kHeader[kEncapsulation] = {0, 1, 0, 0};  // CDR, little endian

  std::uint32_t bytes_;
};

class FastSender {
 public:
  explicit FastSender(dds::DataWriter* writer) : writer_(writer) {}

  void send(const std::byte* message) {
    // It takes a pointer that it might change, and does not.
    while (!writer_->write(const_cast<std::byte*>(message))) {
    }
  }

 private:
  dds::DataWriter* writer_;
};

class FastReceiver {
 public:
  explicit FastReceiver(dds::DataReader* reader) : reader_(reader) {}

  bool take(std::byte* out) {
    while (!look(out))
      reader_->wait_for_unread_message({1, 0});
    return true;
  }

  void take_asleep(std::byte* out) { (void)take(out); }

 private:
  bool look(std::byte* out) {
    dds::SampleInfo info;
    return reader_->take_next_sample(out, &info) == ReturnCode_t::RETCODE_OK && info.valid_data;
  }

  dds::DataReader* reader_;
};

template <class T>
T* must(T* made, const char* what) {
  if (made == nullptr) give_up(std::string("fast dds: cannot make ") + what);
  return made;
}

template <class Qos>
void nothing_lost(Qos& qos) {
  qos.reliability().kind = dds::RELIABLE_RELIABILITY_QOS;
  qos.reliability().max_blocking_time = {100, 0};
  qos.history().kind = dds::KEEP_ALL_HISTORY_QOS;
  qos.resource_limits().max_samples = kDepth;
  qos.resource_limits().allocated_samples = kDepth;
  qos.resource_limits().max_instances = 1;
  qos.resource_limits().max_samples_per_instance = kDepth;
}

class FastRival {
 public:
  explicit FastRival(const Setup& setup) : setup_(setup), type_(new BytesType(setup.bytes)) {
    dds::DomainParticipantQos qos;
    qos.transport().use_builtin_transports = false;
    auto memory = std::make_shared<eprosima::fastdds::rtps::SharedMemTransportDescriptor>();
    memory->segment_size(8U << 20);
    qos.transport().user_transports.push_back(memory);
    participant_ = must(dds::DomainParticipantFactory::get_instance()->create_participant(0, qos),
                        "a participant");
    leaving_ = participant_;
    std::atexit([] {
      leaving_->delete_contained_entities();
      dds::DomainParticipantFactory::get_instance()->delete_participant(leaving_);
    });
    type_.register_type(participant_);
    publisher_ = must(participant_->create_publisher(dds::PUBLISHER_QOS_DEFAULT), "a publisher");
    subscriber_ =
        must(participant_->create_subscriber(dds::SUBSCRIBER_QOS_DEFAULT), "a subscriber");
  }

  FastSender sender(const std::string& name) {
    dds::DataWriterQos qos = dds::DATAWRITER_QOS_DEFAULT;
    nothing_lost(qos);
    // As its guide to reliable mode says: room comes back with an answer to a heartbeat, and three
    // seconds between two of those are too long for a full history.
    qos.reliable_writer_qos().times.heartbeatPeriod = {0, 1'000'000};
    qos.reliable_writer_qos().times.nackResponseDelay = {0, 0};
    qos.data_sharing().off();
    dds::DataWriter* const writer =
        must(publisher_->create_datawriter(topic(name), qos), "a writer");
    const std::size_t wanted = setup_.pattern == Pattern::broadcast ? setup_.receivers : 1;
    dds::PublicationMatchedStatus matched;
    do {
      usleep(1000);
      writer->get_publication_matched_status(matched);
    } while (static_cast<std::size_t>(matched.current_count) < wanted);
    return FastSender(writer);
  }

  FastReceiver receiver(const std::string& name) {
    dds::DataReaderQos qos = dds::DATAREADER_QOS_DEFAULT;
    nothing_lost(qos);
    qos.reliable_reader_qos().times.heartbeatResponseDelay = {0, 0};
    qos.data_sharing().off();
    dds::DataReader* const reader =
        must(subscriber_->create_datareader(topic(name), qos), "a reader");
    dds::SubscriptionMatchedStatus matched;
    do {
      usleep(1000);
      reader->get_subscription_matched_status(matched);
    } while (matched.current_count == 0);
    return FastReceiver(reader);
  }

 private:
  dds::Topic* topic(const std::string& name) {
    const std::string full = setup_.scope + "_" + name;
    if (auto* const known = participant_->lookup_topicdescription(full)) {
      return static_cast<dds::Topic*>(known);
    }
    return must(participant_->create_topic(full, type_.get_type_name(), dds::TOPIC_QOS_DEFAULT),
                "a topic");
  }

  static inline dds::DomainParticipant* leaving_ = nullptr;  // its segments go with it

  Setup setup_;
  dds::TypeSupport type_;
  dds::DomainParticipant* participant_ = nullptr;
  dds::Publisher* publisher_ = nullptr;
  dds::Subscriber* subscriber_ = nullptr;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::FastRival>(argc, argv);
}
