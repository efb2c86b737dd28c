// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reader consumes one partition, assigned by hand.
type reader struct {
	client  *kgo.Client
	fetches atomic.Int64
	taken   []*kgo.Record
}

// OnBrokerRead counts the answers to fetches.
func (r *reader) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == int16(kmsg.Fetch) && err == nil {
		r.fetches.Add(1)
	}
}

func openReader(topic string, partition int32, position kgo.Offset) (*reader, error) {
	r := &reader{}
	var err error
	r.client, err = kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: position}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(200*time.Millisecond),
		kgo.WithHooks(r),
	)
	return r, err
}

// waitForFetch returns when the broker has answered a fetch, so that the next one waits there.
func (r *reader) waitForFetch() error {
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if r.fetches.Load() > 0 {
			return nil
		}
	}
	return fmt.Errorf("no answer to a fetch within %v", wait)
}

// next gives the next record, or nil if none comes in time.
func (r *reader) next(limit time.Duration) (*kgo.Record, error) {
	deadline := time.Now().Add(limit)
	for len(r.taken) == 0 && time.Now().Before(deadline) {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		fetches := r.client.PollFetches(ctx)
		cancel()
		if err := fetches.Err0(); err != nil && ctx.Err() == nil {
			return nil, err
		}
		for _, fault := range fetches.Errors() {
			if fault.Err != context.DeadlineExceeded {
				return nil, fault.Err
			}
		}
		r.taken = append(r.taken, fetches.Records()...)
	}
	if len(r.taken) == 0 {
		return nil, nil
	}
	record := r.taken[0]
	r.taken = r.taken[1:]
	return record, nil
}

// take expects the records from..to-1, the first at this offset.
func (r *reader) take(offset int64, from, to int) error {
	for index := from; index < to; index++ {
		record, err := r.next(wait)
		if err != nil {
			return err
		}
		if record == nil {
			return fmt.Errorf("%d of %d records within %v", index-from, to-from, wait)
		}
		if err := compare(record, offset+int64(index-from), index); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) nothingMore() error {
	record, err := r.next(300 * time.Millisecond)
	if err == nil && record != nil {
		return fmt.Errorf("a record after the last, at offset %d", record.Offset)
	}
	return err
}

// readExactly reads the records from..to-1 from a position, and checks that nothing follows.
func readExactly(topic string, partition int32, position kgo.Offset, offset int64, from, to int) error {
	r, err := openReader(topic, partition, position)
	if err != nil {
		return err
	}
	defer r.client.Close()
	if err := r.take(offset, from, to); err != nil {
		return err
	}
	return r.nothingMore()
}
