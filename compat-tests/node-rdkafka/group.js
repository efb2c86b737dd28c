// SPDX-License-Identifier: Apache-2.0

// Groups of node-rdkafka against the broker in BOOTSTRAP.

import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import rdkafka from 'node-rdkafka'
import { runGroupCases } from './group_cases.js'

const common = { 'metadata.broker.list': process.env.BOOTSTRAP, 'client.id': 'compat' }
const connected = client => promisify(client.connect.bind(client))({})

const admin = rdkafka.AdminClient.create(common)
const producer = new rdkafka.HighLevelProducer({ ...common, 'linger.ms': 0 })
await connected(producer)

async function join(group, topic, protocol, onRecord) {
  const settings = { ...common, 'group.id': group, 'group.protocol': protocol, 'auto.commit.interval.ms': 200 }
  if (protocol === 'classic') Object.assign(settings, { 'session.timeout.ms': 10000, 'heartbeat.interval.ms': 300 })
  const consumer = new rdkafka.KafkaConsumer({ ...settings, rebalance_cb: true }, { 'auto.offset.reset': 'earliest' })
  await connected(consumer)
  let owned = []
  const look = setInterval(() => {
    owned = consumer.assignments().map(({ partition }) => partition)
  }, 20)
  consumer.on('data', ({ partition, value }) => onRecord(partition, value.toString()))
  consumer.subscribe([topic])
  consumer.consume()
  return {
    owned: () => owned,
    leave: async () => {
      clearInterval(look)
      await promisify(consumer.disconnect.bind(consumer))()
    }
  }
}

// What is produced at once is acknowledged in order, and each record by itself.
function produce(topic, partition, values) {
  const send = promisify(producer.produce.bind(producer))
  return Promise.all(values.map(value => send(topic, partition, Buffer.from(value), null, null)))
}

async function committed(group, topic, partitions) {
  const reader = new rdkafka.KafkaConsumer({ ...common, 'group.id': group }, {})
  await connected(reader)
  const asked = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const found = await promisify(reader.committed.bind(reader))(asked, 10000)
  await promisify(reader.disconnect.bind(reader))()
  return found.reduce((sum, { offset }) => sum + (offset ?? 0), 0)
}

await runGroupCases({
  name: 'node-rdkafka',
  protocols: ['classic', 'consumer'],
  create: async (topic, partitions) => {
    await promisify(admin.createTopic.bind(admin))({ topic, num_partitions: partitions, replication_factor: 1 }, 10000)
    await sleep(100)
  },
  delete: topic => promisify(admin.deleteTopic.bind(admin))(topic, 10000),
  produce,
  committed,
  join
})
