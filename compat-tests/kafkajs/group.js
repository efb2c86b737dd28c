// SPDX-License-Identifier: Apache-2.0

// Groups of KafkaJS against the broker in BOOTSTRAP.

import kafkajs from 'kafkajs'
import { runGroupCases } from './group_cases.js'

const { Kafka, logLevel } = kafkajs
const kafka = new Kafka({ clientId: 'compat', brokers: [process.env.BOOTSTRAP], logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
await admin.connect()
await producer.connect()

async function join(group, topic, protocol, onRecord) {
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 10000, heartbeatInterval: 300 })
  let owned = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { owned = payload.memberAssignment[topic] ?? [] })
  consumer.on(consumer.events.REBALANCING, () => { owned = [] })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => onRecord(partition, message.value.toString())
  })
  return {
    owned: () => owned,
    leave: () => consumer.disconnect()
  }
}

await runGroupCases({
  name: 'kafkajs',
  protocols: ['classic'],
  create: (topic, partitions) =>
    admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true }),
  delete: topic => admin.deleteTopics({ topics: [topic] }),
  produce: (topic, partition, values) =>
    producer.send({ topic, acks: -1, messages: values.map(value => ({ partition, value })) }),
  committed: async (group, topic) => {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    return found.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)
  },
  join
})
