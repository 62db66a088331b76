//! The null rival in Rust: the two words of the page, plain acquire spin, as driver cpp/bare.cpp.
//! It separates what a runtime costs from what a transport costs.

use crate::page::{answer, give_up, now_ns, wait_for_baton, Page, Parts, PARTS, ROUND_TRIP};
use std::sync::atomic::Ordering;

fn lead(page: &Page) {
    let mut parts = Parts::default();
    let mut count = page.back().load(Ordering::Relaxed);
    let each = page.part();
    page.meet(true);
    for part in 0..=PARTS {
        let began = now_ns();
        for _ in 0..each {
            count += 1;
            page.there().store(count, Ordering::Release);
            while page.back().load(Ordering::Acquire) != count {}
        }
        if part != 0 {
            parts.add(began, each);
        }
    }
    parts.write(page);
}

fn follow(page: &Page) {
    let mut count = page.back().load(Ordering::Relaxed);
    let all = page.part() * (PARTS as u64 + 1);
    page.meet(false);
    for _ in 0..all {
        count += 1;
        while page.there().load(Ordering::Acquire) != count {}
        page.back().store(count, Ordering::Release);
    }
}

pub fn run(page: &Page, role: &str) -> ! {
    let leads = role == "leader";
    page.name_thread(leads);
    loop {
        answer();
        wait_for_baton();
        if page.kind() != ROUND_TRIP {
            give_up("bare words in Rust know round trips only");
        }
        if leads {
            lead(page);
        } else {
            follow(page);
        }
    }
}
