// SPDX-License-Identifier: Apache-2.0

// Groups of the Go client Sarama against the broker in BOOTSTRAP.
package main

import (
	"context"
	"os"
	"sync"

	"cms.test/groups/cases"
	"github.com/IBM/sarama"
)

type adapter struct {
	addresses []string
	admin     sarama.ClusterAdmin
	producer  sarama.SyncProducer
}

func config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func (a *adapter) Protocols() []string { return []string{"classic"} }

func (a *adapter) Create(topic string, partitions int32) error {
	return a.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
}

func (a *adapter) Delete(topic string) error { return a.admin.DeleteTopic(topic) }

func (a *adapter) Produce(topic string, partition int32, values []string) error {
	var messages []*sarama.ProducerMessage
	for _, value := range values {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: topic, Partition: partition, Value: sarama.StringEncoder(value)})
	}
	return a.producer.SendMessages(messages)
}

func (a *adapter) Committed(group, topic string, partitions int32) (int64, error) {
	var all []int32
	for partition := int32(0); partition < partitions; partition++ {
		all = append(all, partition)
	}
	found, err := a.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: all})
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, block := range found.Blocks[topic] {
		sum += block.Offset
	}
	return sum, nil
}

type member struct {
	group  sarama.ConsumerGroup
	read   func(int32, string)
	cancel context.CancelFunc
	done   chan struct{}
	mutex  sync.Mutex
	owned  []int32
}

func (m *member) own(partitions []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned = partitions
}

func (m *member) Owned() []int32 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.owned
}

// Setup, Cleanup and ConsumeClaim are Sarama's ConsumerGroupHandler.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	for _, partitions := range session.Claims() {
		m.own(partitions)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.own(nil)
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.read(message.Partition, string(message.Value))
		session.MarkMessage(message, "")
	}
	return nil
}

func (m *member) Leave() error {
	m.cancel()
	<-m.done
	return m.group.Close()
}

func (a *adapter) Join(name, topic, _ string, read func(int32, string)) (cases.Member, error) {
	group, err := sarama.NewConsumerGroup(a.addresses, name, config())
	if err != nil {
		return nil, err
	}
	session, cancel := context.WithCancel(context.Background())
	m := &member{group: group, read: read, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for session.Err() == nil {
			// Returns at each rebalance.
			if err := group.Consume(session, []string{topic}, m); err != nil {
				return
			}
		}
	}()
	return m, nil
}

func main() {
	a := &adapter{addresses: []string{os.Getenv("BOOTSTRAP")}}
	var err error
	if a.admin, err = sarama.NewClusterAdmin(a.addresses, config()); err != nil {
		panic(err)
	}
	if a.producer, err = sarama.NewSyncProducer(a.addresses, config()); err != nil {
		panic(err)
	}
	cases.Run("sarama", a)
}
