//! The loops around the rival, as driver/loops.hpp: 17 parts of equal count, the first not timed.

use crate::iceoryx2_ends::{Receiver, Rival, Sender};
use crate::page::{median, now_ns, Page, Parts, BURST, PARTS};
use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::time::Duration;

const ALL_PARTS: u64 = PARTS as u64 + 1;

fn put(message: &mut [u8], count: u64, sent_at_ns: u64) {
    message[..8].copy_from_slice(&count.to_ne_bytes());
    message[8..16].copy_from_slice(&sent_at_ns.to_ne_bytes());
}

fn word(message: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(message[at..at + 8].try_into().unwrap())
}

fn take_one(receiver: &Receiver, input: &mut [u8]) {
    while !receiver.take(input) {}
    black_box(&input);
}

pub fn lead_round_trips(page: &Page, sender: &Sender, receiver: &Receiver, bytes: usize) {
    let (mut out, mut input) = (vec![0; bytes], vec![0; bytes]);
    let mut parts = Parts::default();
    let (each, mut count) = (page.part(), 0);
    page.meet(true);
    for part in 0..=PARTS {
        let began = now_ns();
        for _ in 0..each {
            count += 1;
            put(&mut out, count, 0);
            sender.send(&out);
            take_one(receiver, &mut input);
            parts.expect(word(&input, 0), count);
        }
        if part != 0 {
            parts.add(began, each);
        }
    }
    parts.write(page);
}

pub fn follow_round_trips(page: &Page, sender: &Sender, receiver: &Receiver, bytes: usize) {
    let mut buffer = vec![0; bytes];
    let all = page.part() * ALL_PARTS;
    page.meet(false);
    for _ in 0..all {
        take_one(receiver, &mut buffer);
        sender.send(&buffer);
    }
}

pub fn lead_stream(page: &Page, receiver: &Receiver, bytes: usize) {
    let mut input = vec![0; bytes];
    let mut parts = Parts::default();
    let (each, mut count) = (page.part(), 0);
    page.meet(true);
    for part in 0..=PARTS {
        let began = now_ns();
        for _ in 0..each {
            count += 1;
            take_one(receiver, &mut input);
            parts.expect(word(&input, 0), count);
        }
        if part != 0 {
            parts.add(began, each);
        }
    }
    parts.write(page);
}

pub fn follow_stream(page: &Page, sender: &Sender, bytes: usize) {
    let mut out = vec![0; bytes];
    let all = page.part() * ALL_PARTS;
    page.meet(false);
    for count in 1..=all {
        put(&mut out, count, 0);
        sender.send(&out);
    }
}

pub fn lead_fan_out(page: &Page, receivers: &[Receiver], bytes: usize) {
    let mut input = vec![0; bytes];
    let mut parts = Parts::default();
    let (each, mut count) = (page.part(), 0);
    page.drained().store(0, Ordering::Relaxed);
    page.meet(true);
    for part in 0..=PARTS {
        let began = now_ns();
        for _ in 0..each {
            for receiver in receivers {
                for i in 1..=BURST {
                    take_one(receiver, &mut input);
                    parts.expect(word(&input, 0), count + i);
                }
            }
            count += BURST;
            page.drained().store(count, Ordering::Release);
        }
        if part != 0 {
            parts.add(began, each * BURST);
        }
    }
    parts.write(page);
}

pub fn follow_fan_out(page: &Page, sender: &Sender, bytes: usize) {
    let mut out = vec![0; bytes];
    let mut took = Vec::new();
    let (all, mut count) = (page.part() * ALL_PARTS, 0);
    page.meet(false);
    for _ in 0..all {
        let began = now_ns();
        for _ in 0..BURST {
            count += 1;
            put(&mut out, count, 0);
            sender.send(&out);
        }
        took.push((now_ns() - began) as f64 / BURST as f64);
        while page.drained().load(Ordering::Acquire) != count {
            std::thread::yield_now();
        }
    }
    page.write_publish_ns(median(&mut took));
}

pub fn lead_wake(page: &Page, receiver: &Receiver, bytes: usize) {
    let mut input = vec![0; bytes];
    let mut parts = Parts::default();
    let mut took = vec![0.0; page.part() as usize];
    let mut count = 0;
    page.meet(true);
    for part in 0..=PARTS {
        for one in took.iter_mut() {
            receiver.take_asleep(&mut input);
            *one = (now_ns() - word(&input, 8)) as f64;
            count += 1;
            parts.expect(word(&input, 0), count);
        }
        if part != 0 {
            parts.set(median(&mut took), 1.0);
        }
    }
    parts.write(page);
}

pub fn follow_wake(page: &Page, sender: &Sender, bytes: usize) {
    let mut out = vec![0; bytes];
    let all = page.part() * ALL_PARTS;
    page.meet(false);
    for count in 1..=all {
        std::thread::sleep(Duration::from_nanos(page.pause_ns()));
        put(&mut out, count, now_ns());
        sender.send(&out);
        sender.notify();
    }
}

/// Kill: floods until the conductor ends the process.
pub fn publish_until_killed(page: &Page, sender: &Sender, bytes: usize) -> ! {
    let mut out = vec![0; bytes];
    let mut count = 0;
    while !page.stop() {
        count += 1;
        put(&mut out, count, now_ns());
        sender.send(&out);
    }
    std::process::exit(0);
}

/// Kill: consumes, and says how long it went without a message, unless it is the `victim`.
pub fn consume(page: &Page, rival: &Rival, receiver: &Receiver, bytes: usize, victim: bool) -> ! {
    let mut input = vec![0; bytes];
    let (mut last_ns, mut looked_ns) = (0u64, now_ns());
    while !page.stop() {
        if !receiver.take(&mut input) {
            std::thread::yield_now();
            if now_ns() - looked_ns > 10_000_000 {
                rival.clean_up_after_the_dead();
                looked_ns = now_ns();
            }
            continue;
        }
        looked_ns = now_ns();
        if victim {
            continue;
        }
        page.received().fetch_add(1, Ordering::Relaxed);
        let killed = page.killed_at_ns();
        if killed != 0 && word(&input, 8) <= killed {
            continue; // proves nothing about the survivors
        }
        let since = last_ns.max(killed);
        let gap = if since == 0 { 0 } else { looked_ns - since };
        let longest = if killed == 0 { page.quiet_gap_ns() } else { page.gap_ns() };
        longest.fetch_max(gap, Ordering::Relaxed);
        last_ns = looked_ns;
        page.last_ns().store(looked_ns, Ordering::Relaxed);
    }
    std::process::exit(0);
}
