// SPDX-License-Identifier: Apache-2.0
//! iceoryx2 publish and subscribe between two threads, each with a node of its own: round trips while both look without
//! sleeping, round trips of an event and a message while both sleep, and how many messages a second one publisher gets to
//! one subscriber.
//!
//! Each line on standard input asks for one round, which is answered with a line of JSON for each figure and a last line
//! {"done":true}. The input's end ends it.
//!
//!     iceoryx2-peer SECONDS: of each figure in a round
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
type Service = ipc::Service;

const SIZES: [usize; 3] = [100, 1_024, 10_240];
const STREAM_DEPTH: usize = 256;
const SAMPLES_MAX: usize = 1 << 22;

/// One end: what it publishes to, what it hears, and the events that wake it and the other.
struct End {
    publisher: Publisher<Service, [u8], ()>,
    subscriber: Subscriber<Service, [u8], ()>,
    bell: Option<(Notifier<Service>, Listener<Service>)>,
    buffer: Vec<u8>,
}

fn topic(
    node: &Node<Service>,
    name: &str,
    depth: usize,
) -> Fallible<iceoryx2::service::port_factory::publish_subscribe::PortFactory<Service, [u8], ()>> {
    Ok(node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .history_size(0)
        .subscriber_max_buffer_size(depth)
        .max_publishers(1)
        .max_subscribers(1)
        .open_or_create()?)
}

impl End {
    fn open(node: &Node<Service>, out: &str, heard: &str, size: usize, depth: usize, sleeps: bool) -> Fallible<End> {
        let bell = if sleeps {
            let ring = node.service_builder(&format!("{out}-bell")[..].try_into()?).event().open_or_create()?;
            let hear = node.service_builder(&format!("{heard}-bell")[..].try_into()?).event().open_or_create()?;
            Some((ring.notifier_builder().create()?, hear.listener_builder().create()?))
        } else {
            None
        };
        let publisher = topic(node, out, depth)?
            .publisher_builder()
            .initial_max_slice_len(size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let subscriber = topic(node, heard, depth)?.subscriber_builder().buffer_size(depth).create()?;
        Ok(End { publisher, subscriber, bell, buffer: vec![7; size] })
    }

    fn send(&self) -> Fallible<()> {
        self.publisher.loan_slice_uninit(self.buffer.len())?.write_from_slice(&self.buffer).send()?;
        if let Some((ring, _)) = &self.bell {
            ring.notify()?;
        }
        Ok(())
    }

    /// Waits for a message and copies it out; false once `ends`.
    fn receive(&mut self, ends: &AtomicBool) -> Fallible<bool> {
        loop {
            if let Some(message) = self.subscriber.receive()? {
                self.buffer.copy_from_slice(message.payload());
                return Ok(true);
            }
            if ends.load(Ordering::Relaxed) {
                return Ok(false);
            }
            match &self.bell {
                Some((_, hear)) => {
                    hear.timed_wait(|_| {}, Duration::from_millis(100))?;
                }
                None => std::hint::spin_loop(),
            }
        }
    }
}

fn print(case: &str, figure: &str, value: f64) {
    println!("{{\"case\":\"{case}\",\"figure\":\"{figure}\",\"value\":{value:.4}}}");
}

fn round_trips(name: &str, size: usize, sleeps: bool, length: Duration) -> Fallible<()> {
    static ENDS: AtomicBool = AtomicBool::new(false);
    ENDS.store(false, Ordering::Relaxed);
    let (there, back) = (format!("cms-there-{}-{name}", std::process::id()), format!("cms-back-{}-{name}", std::process::id()));
    let node = NodeBuilder::new().create::<Service>()?;
    let mut ping = End::open(&node, &there, &back, size, 4, sleeps)?;
    let pong = std::thread::spawn(move || {
        let answer = || -> Fallible<()> {
            let node = NodeBuilder::new().create::<Service>()?;
            let mut pong = End::open(&node, &back, &there, size, 4, sleeps)?;
            while pong.receive(&ENDS)? {
                pong.send()?;
            }
            Ok(())
        };
        answer().map_err(|error| error.to_string())
    });
    // The first answer says that the other end is there; what it did not hear is sent again.
    loop {
        ping.send()?;
        std::thread::sleep(Duration::from_millis(5));
        if ping.subscriber.receive()?.is_some() {
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    while ping.subscriber.receive()?.is_some() {}
    let mut samples = Vec::with_capacity(SAMPLES_MAX);
    let begin = Instant::now();
    let mut before = begin;
    while before - begin < length && samples.len() < SAMPLES_MAX {
        ping.send()?;
        ping.receive(&ENDS)?;
        let now = Instant::now();
        samples.push((now - before).as_nanos() as f64 / 1e3);
        before = now;
    }
    ENDS.store(true, Ordering::Relaxed);
    pong.join().map_err(|_| "the answering thread failed")??;
    samples.sort_by(f64::total_cmp);
    print(name, "p50 us", samples[samples.len() / 2]);
    print(name, "p99 us", samples[samples.len() * 99 / 100]);
    Ok(())
}

fn rate(size: usize, length: Duration) -> Fallible<()> {
    static ENDS: AtomicBool = AtomicBool::new(false);
    ENDS.store(false, Ordering::Relaxed);
    let name = format!("cms-stream-{}-{size}", std::process::id());
    let node = NodeBuilder::new().create::<Service>()?;
    let subscriber = topic(&node, &name, STREAM_DEPTH)?.subscriber_builder().buffer_size(STREAM_DEPTH).create()?;
    let source = std::thread::spawn(move || {
        let publish = || -> Fallible<()> {
            let node = NodeBuilder::new().create::<Service>()?;
            let publisher = topic(&node, &name, STREAM_DEPTH)?
                .publisher_builder()
                .initial_max_slice_len(size)
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create()?;
            let buffer = vec![7; size];
            while !ENDS.load(Ordering::Relaxed) {
                publisher.loan_slice_uninit(size)?.write_from_slice(&buffer).send()?;
            }
            Ok(())
        };
        publish().map_err(|error| error.to_string())
    });
    let mut copy = vec![0; size];
    let (begin, mut count) = (Instant::now(), 0u64);
    while begin.elapsed() < length {
        for _ in 0..1_000 {
            if let Some(message) = subscriber.receive()? {
                copy.copy_from_slice(message.payload());
                count += 1;
            }
        }
    }
    let elapsed = begin.elapsed().as_secs_f64();
    ENDS.store(true, Ordering::Relaxed);
    while !source.is_finished() {
        while subscriber.receive()?.is_some() {} // makes room, so that its last send ends
    }
    source.join().map_err(|_| "the publishing thread failed")??;
    print(&format!("rate {size}"), "1000 msg/s", count as f64 / elapsed / 1e3);
    Ok(())
}

fn main() -> Fallible<()> {
    set_log_level(LogLevel::Error);
    let length = Duration::from_secs_f64(std::env::args().nth(1).ok_or("SECONDS is missing")?.parse()?);
    println!("{{\"done\":true}}");
    for line in std::io::stdin().lock().lines() {
        line?;
        for size in SIZES {
            round_trips(&format!("spinning {size}"), size, false, length)?;
        }
        round_trips(&format!("asleep {}", SIZES[0]), SIZES[0], true, length)?;
        rate(SIZES[0], length)?;
        rate(SIZES[1], length)?;
        println!("{{\"done\":true}}");
    }
    Ok(())
}
