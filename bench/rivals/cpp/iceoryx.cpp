// Eclipse iceoryx: loan, fill, publish; take, copy, release; polled in a loop, as its own benchmark
// does. Nothing may be lost: a full queue blocks the publisher. Needs RouDi beside it.
#include "drive.hpp"

// Its headers do not hold up to the warnings of this project.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wstringop-overread"  // at the end of the file, where it inlines
#endif
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#pragma GCC diagnostic pop
#include <unistd.h>

namespace millrace::rivals {

namespace {

namespace popo = iox::popo;

class IceoryxSender {
 public:
  IceoryxSender(std::unique_ptr<popo::UntypedPublisher> publisher, std::size_t bytes)
      : publisher_(std::move(publisher)), bytes_(static_cast<std::uint32_t>(bytes)) {}

  void send(const std::byte* message) {
    publisher_->loan(bytes_)
        .and_then([&](void* payload) {
          std::memcpy(payload, message, bytes_);
          publisher_->publish(payload);
        })
        .or_else([](auto&) { give_up("iceoryx: RouDi's pools have no chunk left"); });
  }

 private:
  std::unique_ptr<popo::UntypedPublisher> publisher_;
  std::uint32_t bytes_;
};

class IceoryxReceiver {
 public:
  IceoryxReceiver(std::unique_ptr<popo::UntypedSubscriber> subscriber, std::size_t bytes)
      : subscriber_(std::move(subscriber)), bytes_(bytes) {}

  bool take(std::byte* out) {
    bool came = false;
    subscriber_->take().and_then([&](const void* payload) {
      std::memcpy(out, payload, bytes_);
      subscriber_->release(payload);
      came = true;
    });
    return came;
  }

  void take_asleep(std::byte* out) {
    if (!waits_) {
      waits_ = std::make_unique<popo::WaitSet<1>>();
      waits_->attachState(*subscriber_, popo::SubscriberState::HAS_DATA).or_else([](auto&) {
        give_up("iceoryx: the wait set refuses the subscriber");
      });
    }
    while (!take(out))
      (void)waits_->wait();
  }

 private:
  std::unique_ptr<popo::UntypedSubscriber> subscriber_;
  std::unique_ptr<popo::WaitSet<1>> waits_;
  std::size_t bytes_;
};

iox::capro::IdString_t id_of(const std::string& text) {
  return {iox::cxx::TruncateToCapacity, text.c_str()};
}

class IceoryxRival {
 public:
  explicit IceoryxRival(const Setup& setup) : setup_(setup) {
    const std::string name = setup.scope + "-" + std::to_string(getpid());
    iox::runtime::PoshRuntime::initRuntime({iox::cxx::TruncateToCapacity, name.c_str()});
  }

  IceoryxSender sender(const std::string& name) {
    popo::PublisherOptions options;
    options.subscriberTooSlowPolicy = popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
    auto publisher = std::make_unique<popo::UntypedPublisher>(service(name), options);
    while (!publisher->hasSubscribers())
      usleep(1000);
    return {std::move(publisher), setup_.bytes};
  }

  IceoryxReceiver receiver(const std::string& name) {
    popo::SubscriberOptions options;
    // RouDi's default pool has 200 chunks of 128 KiB, for all who use it.
    options.queueCapacity = setup_.bytes > 16384 ? 32 : 256;
    options.queueFullPolicy = popo::QueueFullPolicy::BLOCK_PRODUCER;
    auto subscriber = std::make_unique<popo::UntypedSubscriber>(service(name), options);
    while (subscriber->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED)
      usleep(1000);
    return {std::move(subscriber), setup_.bytes};
  }

 private:
  [[nodiscard]] iox::capro::ServiceDescription service(const std::string& name) const {
    return {id_of("rivals"), id_of(setup_.scope), id_of(name)};
  }

  Setup setup_;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::IceoryxRival>(argc, argv);
}
