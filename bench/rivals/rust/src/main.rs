//! The driver of rivals in Rust: iceoryx2, and the null rival. Started by the conductor:
//!   rival-rust RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE DIRECTORY

mod bare;
mod iceoryx2_ends;
mod loops;
mod page;

use iceoryx2_ends::Rival;
use page::{answer, give_up, wait_for_baton, Page, FAN_OUT, ROUND_TRIP, STREAM, WAKE};

struct Setup {
    role: String,
    pair: bool,
    bytes: usize,
    receivers: usize,
    scope: String,
    directory: String,
}

fn run_leader(page: &Page, rival: &Rival, setup: &Setup) -> ! {
    page.name_thread(true);
    let sender = setup.pair.then(|| rival.sender("there"));
    let receivers: Vec<_> = (0..setup.receivers).map(|_| rival.receiver("back")).collect();
    loop {
        answer();
        wait_for_baton();
        match (page.kind(), &sender) {
            (ROUND_TRIP, Some(sender)) => {
                loops::lead_round_trips(page, sender, &receivers[0], setup.bytes)
            }
            (STREAM, _) => loops::lead_stream(page, &receivers[0], setup.bytes),
            (FAN_OUT, _) => loops::lead_fan_out(page, &receivers, setup.bytes),
            (WAKE, _) => loops::lead_wake(page, &receivers[0], setup.bytes),
            _ => give_up("this leader does not know the order"),
        }
    }
}

fn run_follower(page: &Page, rival: &Rival, setup: &Setup) -> ! {
    page.name_thread(false);
    let receiver = setup.pair.then(|| rival.receiver("there"));
    let sender = rival.sender("back");
    loop {
        answer();
        wait_for_baton();
        match (page.kind(), &receiver) {
            (ROUND_TRIP, Some(receiver)) => {
                loops::follow_round_trips(page, &sender, receiver, setup.bytes)
            }
            (STREAM, _) => loops::follow_stream(page, &sender, setup.bytes),
            (FAN_OUT, _) => loops::follow_fan_out(page, &sender, setup.bytes),
            (WAKE, _) => loops::follow_wake(page, &sender, setup.bytes),
            _ => give_up("this follower does not know the order"),
        }
    }
}

fn run_iceoryx2(page: &Page, setup: &Setup) -> ! {
    let rival = Rival::new(&setup.scope, &setup.directory, setup.bytes, setup.receivers);
    match setup.role.as_str() {
        "leader" => run_leader(page, &rival, setup),
        "follower" => run_follower(page, &rival, setup),
        "publisher" => {
            let sender = rival.sender("back");
            answer();
            wait_for_baton();
            loops::publish_until_killed(page, &sender, setup.bytes)
        }
        "consumer" | "victim" => {
            let receiver = rival.receiver("back");
            answer();
            wait_for_baton();
            loops::consume(page, &rival, &receiver, setup.bytes, setup.role == "victim")
        }
        other => give_up(&format!("no such role: {other}")),
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_else(|_| give_up(&format!("no number: {word}")))
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.len() != 9 {
        give_up("usage: rival-rust RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE DIRECTORY");
    }
    let page = Page::map(&words[2]);
    let setup = Setup {
        role: words[3].clone(),
        pair: words[4] == "pair",
        bytes: number(&words[5]),
        receivers: number(&words[6]),
        scope: words[7].clone(),
        directory: words[8].clone(),
    };
    match words[1].as_str() {
        "bare-rust" => bare::run(&page, &setup.role),
        "iceoryx2" => run_iceoryx2(&page, &setup),
        other => give_up(&format!("this driver does not speak for {other}")),
    }
}
