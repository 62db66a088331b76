//! The page that the conductor shares with every driver: driver/rival_page_layout.hpp has the
//! table. Only what drivers in Rust need is named here, by its offset.

use std::fs::OpenOptions;
use std::io::{Error, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub const PARTS: usize = 16;
pub const BURST: u64 = 64;
const MAGIC: u64 = 0x31304c4156495221;
const BYTES: usize = 4096;

/// What to do; OrderKind of the table.
pub const ROUND_TRIP: u32 = 1;
pub const STREAM: u32 = 2;
pub const FAN_OUT: u32 = 3;
pub const WAKE: u32 = 4;

pub struct Page {
    base: *mut u8,
}

impl Page {
    /// Maps the file for as long as the process lives.
    pub fn map(path: &str) -> Page {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap_or_else(|error| give_up(&format!("cannot open {path}: {error}")));
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                file.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            give_up(&format!("cannot map {path}: {}", Error::last_os_error()));
        }
        let page = Page { base: base.cast() };
        if page.word(0).load(Ordering::Relaxed) != MAGIC {
            give_up(&format!("{path} is no page of a conductor"));
        }
        page
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        unsafe { &*self.base.add(offset).cast() }
    }

    fn half(&self, offset: usize) -> &AtomicU32 {
        unsafe { &*self.base.add(offset).cast() }
    }

    pub fn kind(&self) -> u32 {
        self.half(64).load(Ordering::Relaxed)
    }

    pub fn part(&self) -> u64 {
        self.word(72).load(Ordering::Relaxed)
    }

    pub fn pause_ns(&self) -> u64 {
        self.word(88).load(Ordering::Relaxed)
    }

    pub fn name_thread(&self, leads: bool) {
        let tid = unsafe { libc::gettid() } as u32;
        self.half(if leads { 384 } else { 388 }).store(tid, Ordering::Relaxed);
    }

    /// Both sides of a slice begin together.
    pub fn meet(&self, leads: bool) {
        let number = self.word(80).load(Ordering::Relaxed);
        let (own, other) = if leads { (128, 256) } else { (256, 128) };
        self.word(own).store(number, Ordering::Release);
        while self.word(other).load(Ordering::Acquire) != number {}
    }

    pub fn there(&self) -> &AtomicU64 {
        self.word(1024)
    }

    pub fn back(&self) -> &AtomicU64 {
        self.word(1280)
    }

    pub fn drained(&self) -> &AtomicU64 {
        self.word(1536)
    }

    pub fn write_publish_ns(&self, ns: f64) {
        self.word(656).store(ns.to_bits(), Ordering::Relaxed);
    }

    pub fn stop(&self) -> bool {
        self.word(2048).load(Ordering::Relaxed) != 0
    }

    pub fn killed_at_ns(&self) -> u64 {
        self.word(2056).load(Ordering::Relaxed)
    }

    pub fn received(&self) -> &AtomicU64 {
        self.word(2304)
    }

    pub fn last_ns(&self) -> &AtomicU64 {
        self.word(2312)
    }

    pub fn gap_ns(&self) -> &AtomicU64 {
        self.word(2320)
    }

    pub fn quiet_gap_ns(&self) -> &AtomicU64 {
        self.word(2328)
    }
}

/// The timed parts of a slice, written into the page at the end.
#[derive(Default)]
pub struct Parts {
    part_ns: [f64; PARTS],
    filled: usize,
    all_ns: f64,
    all: f64,
    wrong: u64,
}

impl Parts {
    /// One part of `messages`, which took from `began_ns` until now.
    pub fn add(&mut self, began_ns: u64, messages: u64) {
        let took = (now_ns() - began_ns) as f64;
        self.set(took / messages as f64, messages as f64);
    }

    /// One part whose figure is known.
    pub fn set(&mut self, ns: f64, weight: f64) {
        if self.filled < PARTS {
            self.part_ns[self.filled] = ns;
            self.filled += 1;
        }
        self.all_ns += ns * weight;
        self.all += weight;
    }

    pub fn expect(&mut self, got: u64, expected: u64) {
        self.wrong += (got != expected) as u64;
    }

    pub fn write(&self, page: &Page) {
        page.word(512).store(self.wrong, Ordering::Relaxed);
        page.word(520).store((self.all_ns / self.all).to_bits(), Ordering::Relaxed);
        for (part, ns) in self.part_ns.iter().enumerate() {
            page.word(528 + 8 * part).store(ns.to_bits(), Ordering::Relaxed);
        }
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// CLOCK_MONOTONIC: the same in every process and runtime.
pub fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The idle pair sleeps here. Leaves when the conductor has gone.
pub fn wait_for_baton() {
    let mut byte = [0u8];
    if !matches!(std::io::stdin().read(&mut byte), Ok(1)) {
        std::process::exit(0);
    }
}

/// One byte to the conductor: ready, or done.
pub fn answer() {
    let mut answers = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(3) });
    if answers.write_all(b".").is_err() {
        std::process::exit(0);
    }
}

/// Ends the process with a sentence that the conductor shows.
pub fn give_up(sentence: &str) -> ! {
    eprintln!("{sentence}");
    std::process::exit(2);
}
