// SPDX-License-Identifier: Apache-2.0

// What a group of consumers goes through with each Node client. A client's group.js calls runGroupCases(adapter):
//
//   name, protocols      client name; of "classic" and "consumer" what it speaks
//   create(topic, partitions), delete(topic)
//   produce(topic, partition, values)    resolves when all are acknowledged
//   committed(group, topic, partitions)  resolves to the sum of the offsets committed
//   join(group, topic, protocol, onRecord)   a member, which commits what it has read, at the latest when it leaves:
//                        calls onRecord(partition, value); has owned() (partitions) and leave()

import { setTimeout as sleep } from 'node:timers/promises'

const partitions = 6
const round = 30
const waitMs = 60000

class GroupCases {
  constructor(adapter, protocol) {
    this.adapter = adapter
    this.protocol = protocol
    this.topic = `compat-group-${adapter.name}-${protocol}-${Date.now()}-${process.pid}`
    this.produced = new Set()
    this.members = []
  }

  async join() {
    const member = { read: [] }
    this.members.push(member)
    const onRecord = (partition, value) => member.read.push({ partition, value })
    Object.assign(member, await this.adapter.join(this.topic, this.topic, this.protocol, onRecord))
    return member
  }

  async produce() {
    const first = this.produced.size / partitions
    for (let partition = 0; partition < partitions; partition++) {
      const values = Array.from({ length: round }, (_, i) => `${partition}-${first + i}`)
      await this.adapter.produce(this.topic, partition, values)
      values.forEach(value => this.produced.add(value))
    }
  }

  async waitFor(what, condition) {
    for (const end = Date.now() + waitMs; !condition(); await sleep(20)) {
      if (Date.now() > end) {
        const shown = this.members.map(member => ({ owned: member.owned?.(), read: member.read.length }))
        throw new Error(`not within ${waitMs} ms: ${what}; ${JSON.stringify(shown)}`)
      }
    }
  }

  allRead() {
    const read = new Set(this.members.flatMap(member => member.read.map(record => record.value)))
    return read.size === this.produced.size
  }

  // In each partition each member has read in order; what is read again, as it was not committed, is no fault.
  inOrder() {
    for (const member of this.members) {
      const seen = new Set()
      const last = {}
      for (const { partition, value } of member.read) {
        const number = Number(value.split('-')[1])
        if (!seen.has(value) && number < last[partition]) throw new Error(`${value} after ${last[partition]}`)
        seen.add(value)
        last[partition] = number
      }
    }
  }

  async one() {
    await this.adapter.create(this.topic, partitions)
    await this.produce()
    const member = await this.join()
    await this.waitFor('one member reads all', () => this.allRead() && member.owned().length === partitions)
  }

  async two() {
    const [one] = this.members
    const other = await this.join()
    const half = partitions / 2
    await this.waitFor('each has half of the partitions', () => one.owned().length === half &&
      other.owned().length === half && !one.owned().some(partition => other.owned().includes(partition)))
    await this.produce()
    await this.waitFor('both read', () => this.allRead())
    if (other.read.length === 0) throw new Error('the second member has read nothing')
  }

  async leave() {
    await this.members[1].leave()
    await this.waitFor('the first takes over', () => this.members[0].owned().length === partitions)
    await this.produce()
    await this.waitFor('it reads all', () => this.allRead())
    this.inOrder()
  }

  async survive() {
    await this.members[0].leave()
    const committed = await this.adapter.committed(this.topic, this.topic, partitions)
    if (committed !== this.produced.size) throw new Error(`${committed} committed of ${this.produced.size}`)
    const before = new Set(this.produced)
    await this.produce()
    const successor = await this.join()
    await this.waitFor('a successor reads the rest', () => this.allRead())
    if (successor.read.some(({ value }) => before.has(value))) throw new Error('it has read what was committed')
    await successor.leave()
  }

  // Each case rests on the one before: the first that fails is the last.
  async run() {
    const steps = [['one member reads all', 'one'], ['a second member gets half', 'two'],
      ['one leaves, the other takes over', 'leave'], ['offsets survive the group', 'survive']]
    let passed = 0
    for (const [name, step] of steps) {
      try {
        await this[step]()
      } catch (error) {
        if (process.env.COMPAT_TRACE) console.log(error)
        console.log(`not ok - ${this.protocol} group: ${name}: ${String(error).replaceAll('\n', ' ').slice(0, 600)}`)
        return [passed, 1]
      }
      passed++
      console.log(`ok - ${this.protocol} group: ${name}`)
    }
    await this.adapter.delete(this.topic)
    return [passed, 0]
  }
}

export async function runGroupCases(adapter) {
  let passed = 0
  let failed = 0
  for (const protocol of adapter.protocols) {
    const result = await new GroupCases(adapter, protocol).run()
    passed += result[0]
    failed += result[1]
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}
