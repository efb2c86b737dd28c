// SPDX-License-Identifier: Apache-2.0

// A file into a partition and back, for the main job:
//
//	copy write TOPIC PARTITION FILE lines|chunks
//	copy read TOPIC PARTITION COUNT FILE lines|chunks start|end
//
// A record is a line without its end, or 10,000 bytes. A reader at the end prints "ready" when it waits there.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	chunkBytes = 10000
	wait       = 60 * time.Second
)

func split(content []byte, lines bool) [][]byte {
	if lines {
		return bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
	}
	var pieces [][]byte
	for len(content) > 0 {
		size := min(len(content), chunkBytes)
		pieces = append(pieces, content[:size])
		content = content[size:]
	}
	return pieces
}

func write(ctx context.Context, topic string, partition int32, file, form string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("BOOTSTRAP")),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, piece := range split(content, form == "lines") {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: piece})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

// announcer prints "ready" at the first answer to a fetch.
type announcer struct{ once sync.Once }

func (a *announcer) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == int16(kmsg.Fetch) && err == nil {
		a.once.Do(func() { fmt.Println("ready") })
	}
}

func read(ctx context.Context, topic string, partition int32, count int, file, form, from string) error {
	position := kgo.NewOffset().AtStart()
	if from == "end" {
		position = kgo.NewOffset().AtEnd()
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("BOOTSTRAP")),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: position}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(200*time.Millisecond),
		kgo.WithHooks(&announcer{}),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	output, err := os.Create(file)
	if err != nil {
		return err
	}
	defer output.Close()
	buffered := bufio.NewWriter(output)
	for count > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%d records missing: %w", count, err)
		}
		for _, record := range fetches.Records() {
			buffered.Write(record.Value)
			if form == "lines" {
				buffered.WriteByte('\n')
			}
			count--
		}
	}
	return buffered.Flush()
}

func run(arguments []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	partition, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	if arguments[0] == "write" {
		return write(ctx, arguments[1], int32(partition), arguments[3], arguments[4])
	}
	count, err := strconv.Atoi(arguments[3])
	if err != nil {
		return err
	}
	return read(ctx, arguments[1], int32(partition), count, arguments[4], arguments[5], arguments[6])
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
