// SPDX-License-Identifier: Apache-2.0

// Groups of @platformatic/kafka, on both protocols, against the broker in BOOTSTRAP.

import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka'
import { runGroupCases } from './group_cases.js'

const common = { clientId: 'compat', bootstrapBrokers: [process.env.BOOTSTRAP] }
const admin = new Admin(common)
const producer = new Producer(common)

async function join(group, topic, protocol, onRecord) {
  const options = protocol === 'classic' ? { sessionTimeout: 10000, heartbeatInterval: 300 } : {}
  const consumer = new Consumer({ ...common, groupId: group, groupProtocol: protocol, ...options })
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: 100,
    maxWaitTime: 200
  })
  stream.on('data', message => onRecord(message.partition, message.value.toString()))
  return {
    owned: () => (consumer.assignments ?? []).flatMap(assignment => assignment.partitions),
    leave: async () => {
      await stream.close()
      await consumer.close(true)
    }
  }
}

await runGroupCases({
  name: 'platformatic',
  protocols: ['classic', 'consumer'],
  create: (topic, partitions) => admin.createTopics({ topics: [topic], partitions, replicas: 1 }),
  delete: topic => admin.deleteTopics({ topics: [topic] }),
  produce: (topic, partition, values) => producer.send({
    acks: ProduceAcks.ALL,
    messages: values.map(value => ({ topic, partition, value: Buffer.from(value) }))
  }),
  committed: async (group, topic, partitions) => {
    const consumer = new Consumer({ ...common, groupId: group })
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const found = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: all }] })
    await consumer.close()
    return Number(found.get(topic).reduce((sum, offset) => sum + offset, 0n))
  },
  join
})
