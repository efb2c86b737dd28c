// SPDX-License-Identifier: Apache-2.0

// The Node client @platformatic/kafka against the broker in BOOTSTRAP: node test.js TOPIC

import { setTimeout as sleep } from 'node:timers/promises'
import {
  Admin, ConfigResourceTypes, Consumer, IncrementalAlterConfigOperationTypes, ListOffsetTimestamps, ProduceAcks,
  Producer, compressionsAlgorithms
} from '@platformatic/kafka'
import { Checks, compare, expect, makeRecord, recordCount, timestamp } from './cases.js'

const topic = process.argv[2]
const config = (process.env.TOPIC_CONFIG ?? '').split(/\s+/).filter(Boolean).map(pair => {
  const at = pair.indexOf('=')
  return { name: pair.slice(0, at), value: pair.slice(at + 1) }
})
const transient = config.some(({ name, value }) => name === 'cms.durability' && value === 'transient')
const partitions = 6
const spare = 5
const waitMs = 15000
const common = { clientId: 'compat', bootstrapBrokers: [process.env.BOOTSTRAP], timeout: waitMs, retries: 3 }
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].filter(name => {
  if (!compressionsAlgorithms[name].available) console.log(`# ${name} is left out: this version of Node has none`)
  return compressionsAlgorithms[name].available
})

const admin = new Admin(common)
// A group id must be given; no group is joined.
const consumer = new Consumer({ ...common, groupId: 'unused' })

// Sends the records from..to-1 in requests of 50 and returns the offset of the first.
async function produce(partition, from, to, compression, idempotent = false) {
  const producer = new Producer({ ...common, idempotent })
  let first, next
  try {
    for (let start = from; start < to; start += 50) {
      const messages = []
      for (let i = start; i < Math.min(to, start + 50); i++) messages.push(makeRecord(topic, partition, i))
      const { offsets } = await producer.send({ messages, idempotent, acks: ProduceAcks.ALL, compression })
      first ??= offsets[0].offset
      expect(next === undefined || offsets[0].offset === next, `offset ${offsets[0].offset} acknowledged after ${next}`)
      next = offsets[0].offset + BigInt(messages.length)
    }
  } finally {
    await producer.close()
  }
  return first
}

async function metadata() {
  return admin.metadata({ topics: [topic], forceUpdate: true })
}

// One fetch; its records with absolute offsets and times, those before the position dropped.
async function fetch(partition, offset, maxWaitTime) {
  const found = await metadata()
  const response = await consumer.fetch({
    node: found.topics.get(topic).partitions[partition].leader,
    minBytes: 1,
    maxBytes: 10_000_000,
    maxWaitTime,
    topics: [{
      topicId: found.topics.get(topic).id,
      partitions: [{
        partition, fetchOffset: offset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 200_000
      }]
    }]
  })
  const batches = response.responses.flatMap(answer => answer.partitions.flatMap(one => one.records ?? []))
  return batches.flatMap(batch => batch.records.map(record => ({
    ...record,
    offset: batch.firstOffset + BigInt(record.offsetDelta),
    timestamp: batch.firstTimestamp + record.timestampDelta
  }))).filter(record => record.offset >= offset)
}

// Reads the records from..to-1, the first at this offset; nothing may follow.
async function read(partition, offset, from, to) {
  let next = from
  const deadline = Date.now() + waitMs
  while (next < to && Date.now() < deadline) {
    for (const record of await fetch(partition, offset + BigInt(next - from), 500)) {
      expect(next < to, 'no record after the last')
      compare(record, offset + BigInt(next - from), next)
      next++
    }
  }
  expect(next === to, `${next - from} of ${to - from} records within ${waitMs} ms`)
}

async function offsetAt(partition, time) {
  const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp: time })
  return found.get(topic)[partition]
}

const beginning = partition => offsetAt(partition, ListOffsetTimestamps.EARLIEST)
const end = partition => offsetAt(partition, ListOffsetTimestamps.LATEST)

async function eventually(what, condition) {
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; await sleep(100)) {
    if (await condition()) return
  }
  throw new Error(`not within ${waitMs} ms: ${what}`)
}

async function create() {
  const [created] = await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: config })
  expect(created.name === topic && created.partitions === partitions, 'name and partitions answered')
  await eventually('the topic listed', async () => (await admin.listTopics()).includes(topic))
}

async function describe() {
  const found = await metadata()
  const described = found.topics.get(topic)
  expect(described.partitions.length === partitions, 'partitions')
  for (const partition of described.partitions) expect(partition.leader >= 0, 'every partition has a leader')
  expect(found.id && found.brokers.has(found.controllerId), 'cluster id and controller')
}

async function configured(name) {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [] }
  const [described] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: [name] }] })
  return described.configs.find(one => one.name === name)?.value
}

async function configuration() {
  for (const { name, value } of config) expect(await configured(name) === value, name)
  await admin.incrementalAlterConfigs({
    resources: [{
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: topic,
      configs: [{ name: 'retention.ms', value: '7654321',
        configOperation: IncrementalAlterConfigOperationTypes.SET }]
    }]
  })
  await eventually('retention.ms altered', async () => await configured('retention.ms') === '7654321')
}

async function codec(partition, name) {
  expect(await produce(partition, 0, recordCount, name) === 0n, 'the first offset')
  const last = await end(partition)
  expect(last === BigInt(recordCount), `the end offset is ${last}`)
  await read(partition, await beginning(partition), 0, recordCount)
}

async function fromTime(partition) {
  for (const index of [0, 1, 100, recordCount - 1]) {
    expect(await offsetAt(partition, timestamp(index) - 1n) === BigInt(index), `offset at the time of ${index}`)
  }
  await read(partition, await offsetAt(partition, timestamp(120)), 120, recordCount)
}

// A fetch that waits at the end is answered with what comes, each time.
async function fromEnd() {
  let position = await end(spare)
  for (let index = 0; index < 5; index++) {
    const waiting = fetch(spare, position, waitMs - 5000)
    await sleep(200)
    await produce(spare, index, index + 1, 'none')
    const records = await waiting
    expect(records.length === 1, `${records.length} records for the waiting fetch`)
    compare(records[0], position, index)
    position++
  }
  const waiting = fetch(spare, position, waitMs - 5000)
  await sleep(200)
  await produce(spare, 5, 50, 'lz4')
  const records = await waiting
  expect(records.length === 45, `${records.length} records for the waiting fetch`)
  records.forEach((record, i) => compare(record, position + BigInt(i), 5 + i))
}

async function idempotent() {
  const position = await end(spare)
  expect(await produce(spare, 0, recordCount, 'gzip', true) === position, 'the first offset')
  await read(spare, position, 0, recordCount)
}

async function deleteRecords() {
  const partitions = [{ partition: 1, offset: 60n }]
  const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions }] })
  expect(deleted.partitions[0].lowWatermark === 60n, 'low watermark')
  expect(await beginning(1) === 60n, 'beginning')
}

async function grow() {
  await admin.createPartitions({ topics: [{ name: topic, count: partitions + 2, assignments: null }] })
  await eventually('new partitions', async () =>
    (await metadata()).topics.get(topic).partitions.length === partitions + 2)
}

async function logDirs() {
  const found = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  expect(found.length > 0 && found[0].results.length > 0, 'a log directory')
}

async function gone() {
  await admin.deleteTopics({ topics: [topic] })
  await eventually('the topic gone', async () => !(await admin.listTopics()).includes(topic))
}

const checks = new Checks()
await checks.check('create a topic', create)
await checks.check('describe it', describe)
await checks.check('show and alter its configuration', configuration)
if (transient) {
  await checks.check('transient: a waiting consumer gets every record', fromEnd)
} else {
  for (const [partition, name] of codecs.entries()) {
    await checks.check(`produce and consume from the start, ${name}`, () => codec(partition, name))
  }
  await checks.check('consume from an offset', () => read(0, 77n, 77, recordCount))
  for (const [partition, name] of codecs.entries()) {
    await checks.check(`consume from a time, ${name}`, () => fromTime(partition))
  }
  await checks.check('consume from the end', fromEnd)
  await checks.check('idempotent producer', idempotent)
  await checks.check('delete records', deleteRecords)
  await checks.check('describe the log directories', logDirs)
}
await checks.check('more partitions', grow)
await checks.check('delete the topic', gone)
checks.finish()
