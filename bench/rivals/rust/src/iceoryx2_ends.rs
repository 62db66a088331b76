//! iceoryx2: loan a slice, fill it, send; receive, copy out; polled in a loop, as its own benchmark
//! does. Nothing may be lost: a full buffer is tried again until there is room. Who sleeps waits for
//! an event, which the publisher then sends with every message.

use crate::page::give_up;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use iceoryx2::service::port_factory::PortFactory as _;
use std::fmt::Debug;
use std::time::Duration;

type Service = ipc::Service;

const BUFFER: usize = 256;

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| give_up(&format!("iceoryx2: {what}: {error:?}")))
}

pub struct Rival {
    node: Node<Service>,
    scope: String,
    bytes: usize,
    receivers: usize,
}

pub struct Sender {
    publisher: Publisher<Service, [u8], ()>,
    notifier: Notifier<Service>,
}

pub struct Receiver {
    subscriber: Subscriber<Service, [u8], ()>,
    listener: Listener<Service>,
}

impl Rival {
    /// Its files lie in `directory`, its segments have names that begin with the scope: so that the
    /// conductor can take away what the killed leave behind.
    pub fn new(scope: &str, directory: &str, bytes: usize, receivers: usize) -> Rival {
        set_log_level(LogLevel::Error);
        let mut config = Config::default();
        let root = format!("{directory}/{scope}");
        config.global.set_root_path(&must(Path::new(root.as_bytes()), "name a directory"));
        config.global.prefix = must(FileName::new(format!("{scope}-").as_bytes()), "name files");
        let node = must(NodeBuilder::new().config(&config).create::<Service>(), "make a node");
        Rival { node, scope: scope.into(), bytes, receivers }
    }

    fn service(&self, channel: &str) -> PortFactory<Service, [u8], ()> {
        let name = must(format!("{}/{channel}", self.scope).as_str().try_into(), "name a service");
        let builder = self.node.service_builder(&name).publish_subscribe::<[u8]>();
        must(
            builder
                .enable_safe_overflow(false)
                .subscriber_max_buffer_size(BUFFER)
                .max_subscribers(self.receivers.max(2))
                .open_or_create(),
            "open a service",
        )
    }

    fn event(&self, channel: &str) -> iceoryx2::service::port_factory::event::PortFactory<Service> {
        let name = must(format!("{}/{channel}", self.scope).as_str().try_into(), "name an event");
        let builder = self.node.service_builder(&name).event();
        must(
            builder.max_listeners(self.receivers.max(16)).open_or_create(),
            "open an event",
        )
    }

    /// Returns once `receivers` are there.
    pub fn sender(&self, channel: &str) -> Sender {
        let service = self.service(channel);
        let publisher = must(
            service
                .publisher_builder()
                .initial_max_slice_len(self.bytes)
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create(),
            "make a publisher",
        );
        let notifier = must(self.event(channel).notifier_builder().create(), "make a notifier");
        let wanted = if channel == "there" { 1 } else { self.receivers };
        while service.dynamic_config().number_of_subscribers() < wanted {
            std::thread::sleep(Duration::from_millis(1));
        }
        Sender { publisher, notifier }
    }

    pub fn receiver(&self, channel: &str) -> Receiver {
        let service = self.service(channel);
        let subscriber = must(
            service.subscriber_builder().buffer_size(BUFFER).create(),
            "make a subscriber",
        );
        let listener = must(self.event(channel).listener_builder().create(), "make a listener");
        Receiver { subscriber, listener }
    }

    /// What its documentation asks of those who survive.
    pub fn clean_up_after_the_dead(&self) {
        self.node.try_cleanup_dead_nodes();
    }
}

impl Sender {
    pub fn send(&self, message: &[u8]) {
        let sample = must(self.publisher.loan_slice_uninit(message.len()), "loan");
        let sample = sample.write_from_slice(message);
        must(sample.send(), "send");
    }

    pub fn notify(&self) {
        must(self.notifier.notify(), "notify");
    }
}

impl Receiver {
    pub fn take(&self, out: &mut [u8]) -> bool {
        match must(self.subscriber.receive(), "receive") {
            Some(sample) => {
                out.copy_from_slice(&sample);
                true
            }
            None => false,
        }
    }

    pub fn take_asleep(&self, out: &mut [u8]) {
        while !self.take(out) {
            must(self.listener.blocking_wait(|_| {}), "wait");
        }
    }
}
