// SPDX-License-Identifier: Apache-2.0

// The Go client franz-go against the broker in BOOTSTRAP: compat TOPIC. Prints a line per case and the totals.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	partitions = 6
	spare      = 5
	wait       = 15 * time.Second
)

var (
	bootstrap = os.Getenv("BOOTSTRAP")
	codecs    = []string{"none", "gzip", "snappy", "lz4", "zstd"}
	codecOf   = map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
)

type compat struct {
	topic          string
	config         map[string]*string
	admin          *kadm.Client
	passed, failed int
}

func (c *compat) check(name string, tested func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*wait)
	defer cancel()
	if err := tested(ctx); err != nil {
		c.failed++
		fmt.Printf("not ok - %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	c.passed++
	fmt.Printf("ok - %s\n", name)
}

// produce sends the records from..to-1 and returns the offset of the first, having seen that the others follow it.
func (c *compat) produce(
	ctx context.Context, partition int32, from, to int, codec string, idempotent bool,
) (int64, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codecOf[codec]),
		kgo.ProducerBatchMaxBytes(50000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	if !idempotent {
		options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var records []*kgo.Record
	for index := from; index < to; index++ {
		records = append(records, makeRecord(c.topic, partition, index))
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return 0, err
	}
	for i, record := range records {
		if record.Offset != records[0].Offset+int64(i) {
			return 0, fmt.Errorf("offset %d acknowledged for record %d after %d", record.Offset, i, records[0].Offset)
		}
	}
	return records[0].Offset, nil
}

func (c *compat) end(ctx context.Context, partition int32) (int64, error) {
	listed, err := c.admin.ListEndOffsets(ctx, c.topic)
	if err != nil {
		return 0, err
	}
	offset, _ := listed.Lookup(c.topic, partition)
	return offset.Offset, offset.Err
}

func (c *compat) create(ctx context.Context) error {
	created, err := c.admin.CreateTopic(ctx, partitions, 1, c.config, c.topic)
	if err != nil {
		return err
	}
	if created.ID == (kadm.TopicID{}) || created.NumPartitions != partitions {
		return fmt.Errorf("id %v and %d partitions answered", created.ID, created.NumPartitions)
	}
	if _, err = c.admin.CreateTopic(ctx, partitions, 1, nil, c.topic); !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("a second creation is answered %v", err)
	}
	return c.eventually("the topic listed", func() (bool, error) {
		listed, err := c.admin.ListTopics(ctx)
		return err == nil && listed.Has(c.topic), err
	})
}

func (c *compat) describe(ctx context.Context) error {
	metadata, err := c.admin.Metadata(ctx, c.topic)
	if err != nil {
		return err
	}
	topic := metadata.Topics[c.topic]
	if topic.Err != nil || len(topic.Partitions) != partitions || topic.ID == (kadm.TopicID{}) {
		return fmt.Errorf("error %v, %d partitions, id %v", topic.Err, len(topic.Partitions), topic.ID)
	}
	for _, partition := range topic.Partitions {
		if partition.Err != nil || partition.Leader < 0 || len(partition.ISR) == 0 || partition.LeaderEpoch < 0 {
			return fmt.Errorf("partition without leader, replicas or epoch: %+v", partition)
		}
	}
	if metadata.Cluster == "" || metadata.Controller < 0 {
		return fmt.Errorf("cluster %q, controller %d", metadata.Cluster, metadata.Controller)
	}
	return nil
}

func (c *compat) configured(ctx context.Context, name string) (string, error) {
	described, err := c.admin.DescribeTopicConfigs(ctx, c.topic)
	if err != nil {
		return "", err
	}
	resource, err := described.On(c.topic, nil)
	if err == nil {
		err = resource.Err
	}
	for _, config := range resource.Configs {
		if config.Key == name {
			return config.MaybeValue(), err
		}
	}
	return "", err
}

func (c *compat) configuration(ctx context.Context) error {
	for name, value := range c.config {
		if shown, err := c.configured(ctx, name); err != nil || shown != *value {
			return fmt.Errorf("%s is %q, error %v", name, shown, err)
		}
	}
	altered, err := c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("1234567")},
	}, c.topic)
	if err == nil {
		err = altered[0].Err
	}
	if err != nil {
		return err
	}
	return c.eventually("retention.ms altered", func() (bool, error) {
		shown, err := c.configured(ctx, "retention.ms")
		return shown == "1234567", err
	})
}

func (c *compat) eventually(what string, condition func() (bool, error)) error {
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if met, err := condition(); met || err != nil {
			return err
		}
	}
	return fmt.Errorf("not within %v: %s", wait, what)
}

func (c *compat) codec(ctx context.Context, partition int32) error {
	first, err := c.produce(ctx, partition, 0, recordCount, codecs[partition], false)
	if err != nil {
		return err
	}
	if first != 0 {
		return fmt.Errorf("the first offset is %d", first)
	}
	if end, err := c.end(ctx, partition); err != nil || end != recordCount {
		return fmt.Errorf("the end offset is %d, error %v", end, err)
	}
	return readExactly(c.topic, partition, kgo.NewOffset().AtStart(), 0, 0, recordCount)
}

func (c *compat) fromOffset(context.Context) error {
	return readExactly(c.topic, 0, kgo.NewOffset().At(77), 77, 77, recordCount)
}

func (c *compat) fromTime(ctx context.Context, partition int32) error {
	for _, index := range []int{0, 1, 100, recordCount - 1} {
		listed, err := c.admin.ListOffsetsAfterMilli(ctx, timestamp(index).UnixMilli()-1, c.topic)
		if err != nil {
			return err
		}
		if found, _ := listed.Lookup(c.topic, partition); found.Err != nil || found.Offset != int64(index) {
			return fmt.Errorf("offset %d for the time of record %d, error %v", found.Offset, index, found.Err)
		}
	}
	position := kgo.NewOffset().AfterMilli(timestamp(120).UnixMilli())
	return readExactly(c.topic, partition, position, 120, 120, recordCount)
}

// fromEnd: a waiting consumer gets every record, one at a time, then in batches.
func (c *compat) fromEnd(ctx context.Context) error {
	end, err := c.end(ctx, spare)
	if err != nil {
		return err
	}
	r, err := openReader(c.topic, spare, kgo.NewOffset().AtEnd())
	if err != nil {
		return err
	}
	defer r.client.Close()
	if err := r.waitForFetch(); err != nil {
		return err
	}
	for index := 0; index < 5; index++ {
		if _, err := c.produce(ctx, spare, index, index+1, "none", false); err != nil {
			return err
		}
		if err := r.take(end+int64(index), index, index+1); err != nil {
			return err
		}
	}
	if _, err := c.produce(ctx, spare, 5, recordCount, "zstd", true); err != nil {
		return err
	}
	return r.take(end+5, 5, recordCount)
}

func (c *compat) idempotent(ctx context.Context) error {
	end, err := c.end(ctx, spare)
	if err != nil {
		return err
	}
	first, err := c.produce(ctx, spare, 0, recordCount, "lz4", true)
	if err != nil {
		return err
	}
	if first != end {
		return fmt.Errorf("the first offset is %d, the end was %d", first, end)
	}
	return readExactly(c.topic, spare, kgo.NewOffset().At(end), end, 0, recordCount)
}

func (c *compat) deleteRecords(ctx context.Context) error {
	offsets := kadm.Offsets{}
	offsets.AddOffset(c.topic, 1, 60, -1)
	deleted, err := c.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return err
	}
	if answer, _ := deleted.Lookup(c.topic, 1); answer.Err != nil || answer.LowWatermark != 60 {
		return fmt.Errorf("low watermark %d, error %v", answer.LowWatermark, answer.Err)
	}
	return readExactly(c.topic, 1, kgo.NewOffset().AtStart(), 60, 60, recordCount)
}

func (c *compat) grow(ctx context.Context) error {
	grown, err := c.admin.UpdatePartitions(ctx, partitions+2, c.topic)
	if err == nil {
		err = grown.Error()
	}
	if err != nil {
		return err
	}
	return c.eventually("new partitions shown", func() (bool, error) {
		metadata, err := c.admin.Metadata(ctx, c.topic)
		return err == nil && len(metadata.Topics[c.topic].Partitions) == partitions+2, err
	})
}

func (c *compat) logDirs(ctx context.Context) error {
	described, err := c.admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return err
	}
	for _, directories := range described {
		for _, directory := range directories {
			if _, found := directory.Topics.Lookup(c.topic, 0); found {
				return nil
			}
		}
	}
	return errors.New("the topic is in no log directory")
}

func (c *compat) delete(ctx context.Context) error {
	deleted, err := c.admin.DeleteTopics(ctx, c.topic)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		return err
	}
	return c.eventually("the topic gone", func() (bool, error) {
		listed, err := c.admin.ListTopics(ctx)
		return err == nil && !listed.Has(c.topic), err
	})
}

func (c *compat) keptCases() {
	for partition, name := range codecs {
		c.check("produce and consume from the start, "+name, func(ctx context.Context) error {
			return c.codec(ctx, int32(partition))
		})
	}
	c.check("consume from an offset", c.fromOffset)
	for partition, name := range codecs {
		c.check("consume from a time, "+name, func(ctx context.Context) error {
			return c.fromTime(ctx, int32(partition))
		})
	}
	c.check("consume from the end", c.fromEnd)
	c.check("idempotent producer", c.idempotent)
	c.check("delete records", c.deleteRecords)
	c.check("describe the log directories", c.logDirs)
}

func main() {
	c := &compat{topic: os.Args[1], config: map[string]*string{}}
	transient := false
	for _, pair := range strings.Fields(os.Getenv("TOPIC_CONFIG")) {
		name, value, _ := strings.Cut(pair, "=")
		c.config[name] = &value
		transient = transient || pair == "cms.durability=transient"
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.RequestRetries(5))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	c.admin = kadm.NewClient(client)
	c.check("create a topic", c.create)
	c.check("describe it", c.describe)
	c.check("show and alter its configuration", c.configuration)
	if transient {
		c.check("transient: a waiting consumer gets every record", c.fromEnd)
	} else {
		c.keptCases()
	}
	c.check("more partitions", c.grow)
	c.check("delete the topic", c.delete)
	client.Close()
	fmt.Printf("%d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		os.Exit(1)
	}
}
