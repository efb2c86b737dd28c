// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// batch gives an uncompressed record batch with three records: plain, with a header and an empty value, null value.
func batch() []byte {
	var records []byte
	for i, record := range []kmsg.Record{
		{Key: []byte("key"), Value: []byte("value")},
		{Value: []byte{}, Headers: []kmsg.Header{{Key: "header", Value: []byte("of the second")}}},
		{Key: []byte("tombstone")},
	} {
		record.OffsetDelta = int32(i)
		record.TimestampDelta64 = int64(i)
		body := record.AppendTo(nil)[1:] // Length is still 0, one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	now := time.Now().UnixMilli()
	whole := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: 2, FirstTimestamp: now, MaxTimestamp: now + 2,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 3, Records: records,
	}
	bytes := whole.AppendTo(nil)
	binary.BigEndian.PutUint32(bytes[8:], uint32(len(bytes)-12))
	binary.BigEndian.PutUint32(bytes[17:], crc32.Checksum(bytes[21:], crc32.MakeTable(crc32.Castagnoli)))
	return bytes
}
