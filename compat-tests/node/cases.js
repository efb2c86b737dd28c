// SPDX-License-Identifier: Apache-2.0

// The records of the cases and the counting of results.

export const recordCount = 200
export const firstTimestamp = BigInt(Date.now()) - 1000n * BigInt(recordCount)

export function timestamp(index) {
  return firstTimestamp + 1000n * BigInt(index)
}

// The same index gives the same record. This client's producer has no null headers and no repeated header names.
export function makeRecord(topic, partition, index) {
  const value = Buffer.alloc((index * 37) % 3000)
  for (let i = 0; i < value.length; i++) value[i] = (index * 31 + (i >> 3) * 17) & 255
  return {
    topic,
    partition,
    timestamp: timestamp(index),
    key: index % 7 === 0 ? undefined : Buffer.from(`key-${index}`),
    value: index % 10 === 3 ? undefined : index % 10 === 4 ? Buffer.alloc(0) : value,
    headers: new Map([
      [Buffer.from('name'), Buffer.from(`header of ${index}`)],
      [Buffer.from('binary'), Buffer.from([0, 255, 10, 13])],
      [Buffer.from('empty'), Buffer.alloc(0)]
    ])
  }
}

export function expect(condition, what) {
  if (!condition) throw new Error(`not as expected: ${what}`)
}

function same(one, other) {
  return one === null || other === null ? one === other : one.equals(other)
}

export function compare(record, offset, index) {
  const wanted = makeRecord('', 0, index)
  expect(record.offset === offset, `offset ${record.offset} of record ${index}, not ${offset}`)
  expect(same(record.key, wanted.key ?? null), `key of record ${index}`)
  expect(same(record.value, wanted.value ?? null), `value of record ${index}`)
  expect(record.timestamp === wanted.timestamp, `timestamp of record ${index}`)
  const headers = [...wanted.headers]
  expect(record.headers.length === headers.length, `number of headers of record ${index}`)
  for (let i = 0; i < headers.length; i++) {
    expect(same(record.headers[i][0], headers[i][0]), `header name of record ${index}`)
    expect(same(record.headers[i][1], headers[i][1]), `header of record ${index}`)
  }
}

function bounded(promise, milliseconds) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${milliseconds} ms`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// The whole of an error: this client wraps the broker's in others.
function reason(error) {
  const inner = error.errors ?? (error.cause ? [error.cause] : [])
  return [String(error.message ?? error), ...inner.map(reason)].join(': ').replaceAll('\n', ' ')
}

export class Checks {
  passed = 0
  failed = 0

  async check(name, tested) {
    try {
      await bounded(tested(), 30000)
      this.passed++
      console.log(`ok - ${name}`)
    } catch (error) {
      this.failed++
      console.log(`not ok - ${name}: ${reason(error)}`)
    }
  }

  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    process.exit(this.failed > 0 ? 1 : 0)
  }
}
