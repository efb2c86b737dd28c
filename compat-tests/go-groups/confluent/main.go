// SPDX-License-Identifier: Apache-2.0

// Groups of confluent-kafka-go, the Go client on a librdkafka of its own, on both protocols, against the broker in
// BOOTSTRAP.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"cms.test/groups/cases"
	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const wait = 30 * time.Second

type adapter struct {
	bootstrap string
	admin     *kafka.AdminClient
	producer  *kafka.Producer
}

func (a *adapter) Protocols() []string { return []string{"classic", "consumer"} }

func (a *adapter) Create(topic string, partitions int32) error {
	wanted := kafka.TopicSpecification{Topic: topic, NumPartitions: int(partitions), ReplicationFactor: 1}
	results, err := a.admin.CreateTopics(context.Background(), []kafka.TopicSpecification{wanted})
	if err == nil && results[0].Error.Code() != kafka.ErrNoError {
		err = results[0].Error
	}
	return err
}

func (a *adapter) Delete(topic string) error {
	_, err := a.admin.DeleteTopics(context.Background(), []string{topic})
	return err
}

func (a *adapter) Produce(topic string, partition int32, values []string) error {
	delivered := make(chan kafka.Event, len(values))
	for _, value := range values {
		where := kafka.TopicPartition{Topic: &topic, Partition: partition}
		if err := a.producer.Produce(&kafka.Message{TopicPartition: where, Value: []byte(value)}, delivered); err != nil {
			return err
		}
	}
	for range values {
		if err := (<-delivered).(*kafka.Message).TopicPartition.Error; err != nil {
			return err
		}
	}
	return nil
}

func (a *adapter) Committed(group, topic string, _ int32) (int64, error) {
	asked := []kafka.ConsumerGroupTopicPartitions{{Group: group}}
	found, err := a.admin.ListConsumerGroupOffsets(context.Background(), asked)
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, partition := range found.ConsumerGroupsTopicPartitions[0].Partitions {
		if *partition.Topic == topic {
			sum += int64(partition.Offset)
		}
	}
	return sum, nil
}

type member struct {
	consumer *kafka.Consumer
	read     func(int32, string)
	leaving  chan struct{}
	done     chan error
	mutex    sync.Mutex
	owned    []int32
}

func (m *member) Owned() []int32 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.owned
}

func (m *member) Leave() error {
	close(m.leaving)
	return <-m.done
}

func (m *member) showOwned() {
	assigned, err := m.consumer.Assignment()
	if err != nil {
		return
	}
	owned := []int32{}
	for _, partition := range assigned {
		owned = append(owned, partition.Partition)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned = owned
}

// Offsets are stored when a message is handed out and committed in the background, at rebalances and at the end.
func (m *member) work() {
	for {
		select {
		case <-m.leaving:
			m.done <- m.consumer.Close()
			return
		default:
		}
		if message, err := m.consumer.ReadMessage(100 * time.Millisecond); err == nil {
			m.read(message.TopicPartition.Partition, string(message.Value))
		} else if !err.(kafka.Error).IsTimeout() {
			fmt.Printf("# %v\n", err)
		}
		m.showOwned()
	}
}

func (a *adapter) Join(group, topic, protocol string, read func(int32, string)) (cases.Member, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": a.bootstrap, "group.id": group,
		"group.protocol": protocol, "auto.offset.reset": "earliest"})
	if err != nil {
		return nil, err
	}
	m := &member{consumer: consumer, read: read, leaving: make(chan struct{}), done: make(chan error)}
	if err := consumer.Subscribe(topic, nil); err != nil {
		return nil, err
	}
	go m.work()
	return m, nil
}

func main() {
	a := &adapter{bootstrap: os.Getenv("BOOTSTRAP")}
	var err error
	if a.producer, err = kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": a.bootstrap}); err != nil {
		panic(err)
	}
	if a.admin, err = kafka.NewAdminClientFromProducer(a.producer); err != nil {
		panic(err)
	}
	cases.Run("confluent-go", a)
}
