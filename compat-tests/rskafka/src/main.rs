// SPDX-License-Identifier: Apache-2.0

//! The Rust client rskafka, which has no groups, against the broker in BOOTSTRAP: compat-rskafka TOPIC. Prints a line per
//! case and the totals.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use tokio::time::timeout;

type Outcome = Result<(), Box<dyn Error>>;

const PARTITIONS: i32 = 4;
const RECORDS: usize = 200;
const WAIT_MS: i32 = 5000;
const SPARE: i32 = 3; // the partition of the waiting consumer

struct Cases {
    client: Client,
    topic: String,
    first: DateTime<Utc>,
}

fn expect<T: PartialEq + std::fmt::Debug>(actual: T, wanted: T, what: &str) -> Outcome {
    if actual == wanted {
        return Ok(());
    }
    Err(format!("{what}: {actual:?} instead of {wanted:?}").chars().take(300).collect::<String>().into())
}

impl Cases {
    fn record(&self, index: usize) -> Record {
        let value = (0..index * 37 % 3000).map(|i| (index * 31 + i / 8 * 17) as u8).collect();
        Record {
            key: (index % 7 != 0).then(|| format!("key-{index}").into_bytes()),
            value: (index % 10 != 3).then_some(value),
            headers: BTreeMap::from([("name".to_owned(), format!("header of {index}").into_bytes())]),
            timestamp: self.first + TimeDelta::seconds(index as i64),
        }
    }

    async fn partition(&self, partition: i32) -> Result<PartitionClient, Box<dyn Error>> {
        Ok(self.client.partition_client(self.topic.clone(), partition, UnknownTopicHandling::Retry).await?)
    }

    async fn create(&self) -> Outcome {
        self.client.controller_client()?.create_topic(self.topic.clone(), PARTITIONS, 1, WAIT_MS).await?;
        for partition in 0..PARTITIONS {
            self.partition(partition).await?;
        }
        let topics = self.client.list_topics().await?;
        let found = topics.iter().find(|topic| topic.name == self.topic).ok_or("it is not listed")?;
        expect(found.partitions.len(), PARTITIONS as usize, "partitions")
    }

    async fn read(&self, partition: i32, first: i64, wanted: &[Record]) -> Outcome {
        let client = self.partition(partition).await?;
        let mut next = first;
        while next < first + wanted.len() as i64 {
            let (records, end) = client.fetch_records(next, 1..1_000_000, WAIT_MS).await?;
            if records.is_empty() {
                return Err(format!("nothing at offset {next} before the end {end}").into());
            }
            for found in records {
                expect(found.offset, next, "offset")?;
                expect(&found.record, &wanted[(next - first) as usize], "record")?;
                next += 1;
            }
        }
        Ok(())
    }

    async fn codec(&self, partition: i32, compression: Compression) -> Outcome {
        let client = self.partition(partition).await?;
        let records: Vec<Record> = (0..RECORDS).map(|index| self.record(index)).collect();
        let offsets = client.produce(records.clone(), compression).await?;
        expect(offsets.into_iter().map(|offset| offset as usize).collect(), (0..RECORDS).collect::<Vec<_>>(), "offsets")?;
        expect(client.get_offset(OffsetAt::Latest).await?, RECORDS as i64, "end")?;
        self.read(partition, 0, &records).await?;
        self.read(partition, 77, &records[77..]).await
    }

    async fn times(&self) -> Outcome {
        let client = self.partition(0).await?;
        for index in [0, 1, 100, RECORDS - 1] {
            let at = OffsetAt::Timestamp(self.record(index).timestamp);
            expect(client.get_offset(at).await?, index as i64, "offset at a time")?;
        }
        Ok(())
    }

    /// A fetch that waits is answered when a record comes.
    async fn waiting(&self) -> Outcome {
        let reader = self.partition(SPARE).await?;
        let writer = self.partition(SPARE).await?;
        for index in 0..10 {
            let wanted = self.record(index);
            let write = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                writer.produce(vec![wanted.clone()], Compression::NoCompression).await
            };
            let (fetched, written) = tokio::join!(reader.fetch_records(index as i64, 1..1_000_000, 2 * WAIT_MS), write);
            expect(written?, vec![index as i64], "offset")?;
            let (records, _) = fetched?;
            expect(records.len(), 1, "records for the waiting fetch")?;
            expect(&records[0].record, &wanted, "record")?;
        }
        Ok(())
    }

    async fn delete_records(&self) -> Outcome {
        let client = self.partition(1).await?;
        client.delete_records(60, WAIT_MS).await?;
        expect(client.get_offset(OffsetAt::Earliest).await?, 60, "start")
    }

    async fn delete(&self) -> Outcome {
        self.client.controller_client()?.delete_topic(self.topic.clone(), WAIT_MS).await?;
        for _ in 0..100 {
            if self.client.list_topics().await?.iter().all(|topic| topic.name != self.topic) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("it is still listed".into())
    }
}

#[derive(Default)]
struct Totals {
    passed: u32,
    failed: u32,
}

impl Totals {
    async fn check(&mut self, name: &str, case: impl std::future::Future<Output = Outcome>) {
        let outcome = timeout(Duration::from_secs(60), case).await.unwrap_or_else(|_| Err("it takes over 60 s".into()));
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("ok - {name}");
            }
            Err(why) => {
                self.failed += 1;
                println!("not ok - {name}: {}", why.to_string().replace('\n', " "));
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let topic = std::env::args().nth(1).ok_or("usage: compat-rskafka TOPIC")?;
    let client = ClientBuilder::new(vec![std::env::var("BOOTSTRAP")?]).build().await?;
    let now = DateTime::from_timestamp_millis(Utc::now().timestamp_millis()).ok_or("no time")?;
    let cases = Cases { client, topic, first: now - TimeDelta::seconds(RECORDS as i64) };
    let mut totals = Totals::default();
    totals.check("create a topic", cases.create()).await;
    totals.check("produce and consume, none", cases.codec(0, Compression::NoCompression)).await;
    totals.check("produce and consume, gzip", cases.codec(1, Compression::Gzip)).await;
    totals.check("produce and consume, lz4", cases.codec(2, Compression::Lz4)).await;
    totals.check("offsets at a time", cases.times()).await;
    totals.check("consume from the end", cases.waiting()).await;
    totals.check("delete records", cases.delete_records()).await;
    totals.check("delete the topic", cases.delete()).await;
    println!("{} passed, {} failed", totals.passed, totals.failed);
    std::process::exit(i32::from(totals.failed > 0));
}
