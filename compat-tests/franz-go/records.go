// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math/rand"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const recordCount = 200

var firstTimestamp = time.UnixMilli(time.Now().UnixMilli()).Add(-recordCount * time.Second)

func timestamp(index int) time.Time {
	return firstTimestamp.Add(time.Duration(index) * time.Second)
}

// makeRecord gives the same record for the same index.
func makeRecord(topic string, partition int32, index int) *kgo.Record {
	record := &kgo.Record{Topic: topic, Partition: partition, Timestamp: timestamp(index)}
	switch index % 7 {
	case 0:
	case 1:
		record.Key = []byte{}
	default:
		record.Key = []byte(fmt.Sprintf("key-%d", index))
	}
	size := index * 37 % 3000
	switch index % 10 {
	case 3:
	case 4:
		record.Value = []byte{}
	default:
		record.Value = make([]byte, size)
		rand.New(rand.NewSource(int64(index))).Read(record.Value[size/2:])
	}
	if index%11 != 0 {
		record.Headers = []kgo.RecordHeader{
			{Key: "name", Value: []byte(fmt.Sprintf("header of %d", index))},
			{Key: "name", Value: []byte{}},
			{Key: "null", Value: nil},
		}
	}
	return record
}

func sameBytes(one, other []byte) bool {
	return (one == nil) == (other == nil) && bytes.Equal(one, other)
}

// compare returns an error unless the record is the one of this index, at this offset.
func compare(record *kgo.Record, offset int64, index int) error {
	wanted := makeRecord(record.Topic, record.Partition, index)
	switch {
	case record.Offset != offset:
		return fmt.Errorf("record %d has offset %d, not %d", index, record.Offset, offset)
	case !sameBytes(record.Key, wanted.Key):
		return fmt.Errorf("record %d has key %q, not %q", index, record.Key, wanted.Key)
	case !sameBytes(record.Value, wanted.Value):
		return fmt.Errorf("record %d has another value, %d bytes for %d", index, len(record.Value), len(wanted.Value))
	case !record.Timestamp.Equal(wanted.Timestamp):
		return fmt.Errorf("record %d has time %v, not %v", index, record.Timestamp, wanted.Timestamp)
	case len(record.Headers) != len(wanted.Headers):
		return fmt.Errorf("record %d has %d headers", index, len(record.Headers))
	}
	for i, header := range record.Headers {
		if header.Key != wanted.Headers[i].Key || !sameBytes(header.Value, wanted.Headers[i].Value) {
			return fmt.Errorf("record %d has header %q=%q", index, header.Key, header.Value)
		}
	}
	return nil
}
