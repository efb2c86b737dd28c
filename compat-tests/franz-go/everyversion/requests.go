// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// asker makes the requests; each function gives the request of one API in one version, over the prepared topic.
type asker struct {
	topic   string
	topicID [16]byte
	config  map[string]string
}

// An api says how its request is made, and the error it may be answered with for good.
type api struct {
	name    string
	lowest  int16 // below it a version is only advertised
	request func(version int16) kmsg.Request
	allowed error
}

func pointer[T any](value T) *T { return &value }

// of is the topic a request of this version makes or removes.
func (a *asker) of(version int16) string { return fmt.Sprintf("%s-%d", a.topic, version) }

func (a *asker) apis() []api {
	return []api{
		{"ApiVersions", 0, a.apiVersions, nil},
		{"Metadata", 0, a.metadata, nil},
		{"DescribeCluster", 0, a.describeCluster, nil},
		{"DescribeTopicPartitions", 0, a.describeTopicPartitions, nil},
		{"CreateTopics", 0, a.createTopics, nil},
		{"CreatePartitions", 0, a.createPartitions, nil},
		{"InitProducerID", 0, a.initProducerID, nil},
		{"Produce", 3, a.produce, nil},
		{"Fetch", 0, a.fetch, nil},
		{"ListOffsets", 0, a.listOffsets, nil},
		{"OffsetForLeaderEpoch", 0, a.offsetForLeaderEpoch, nil},
		{"DeleteRecords", 0, a.deleteRecords, nil},
		{"DescribeConfigs", 0, a.describeConfigs, nil},
		{"IncrementalAlterConfigs", 0, a.incrementalAlterConfigs, nil},
		{"AlterConfigs", 0, a.alterConfigs, nil},
		{"DescribeLogDirs", 0, a.describeLogDirs, nil},
		{"FindCoordinator", 0, a.findCoordinator, kerr.CoordinatorNotAvailable},
		{"DeleteTopics", 0, a.deleteTopics, nil},
	}
}

func (a *asker) apiVersions(int16) kmsg.Request {
	r := kmsg.NewPtrApiVersionsRequest()
	r.ClientSoftwareName, r.ClientSoftwareVersion = "every-version", "1.0"
	return r
}

func (a *asker) metadata(version int16) kmsg.Request {
	r := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &a.topic
	if version >= 12 {
		topic.Topic, topic.TopicID = nil, a.topicID
	}
	r.Topics = append(r.Topics, topic)
	r.IncludeTopicAuthorizedOperations = true
	return r
}

func (a *asker) describeCluster(int16) kmsg.Request {
	return kmsg.NewPtrDescribeClusterRequest()
}

func (a *asker) describeTopicPartitions(int16) kmsg.Request {
	r := kmsg.NewPtrDescribeTopicPartitionsRequest()
	topic := kmsg.NewDescribeTopicPartitionsRequestTopic()
	topic.Topic = a.topic
	r.Topics = append(r.Topics, topic)
	r.ResponsePartitionLimit = 1 // two partitions: the answer has a cursor
	return r
}

func (a *asker) createTopics(version int16) kmsg.Request {
	r := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = a.of(version), 2, 1
	for name, value := range a.config {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = name, pointer(value)
		topic.Configs = append(topic.Configs, config)
	}
	r.Topics = append(r.Topics, topic)
	r.TimeoutMillis = 10000
	return r
}

func (a *asker) createPartitions(version int16) kmsg.Request {
	r := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = a.of(2), int32(3+version) // the topic of CreateTopics 2 grows with each version
	r.Topics = append(r.Topics, topic)
	r.TimeoutMillis = 10000
	return r
}

func (a *asker) initProducerID(int16) kmsg.Request {
	r := kmsg.NewPtrInitProducerIDRequest()
	r.TransactionTimeoutMillis = 60000
	return r
}

func (a *asker) produce(int16) kmsg.Request {
	r := kmsg.NewPtrProduceRequest()
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = a.topic, a.topicID
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = batch()
	topic.Partitions = append(topic.Partitions, partition)
	r.Topics = append(r.Topics, topic)
	r.Acks, r.TimeoutMillis = -1, 10000
	return r
}

func (a *asker) fetch(int16) kmsg.Request {
	r := kmsg.NewPtrFetchRequest()
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = a.topic, a.topicID
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 200
	topic.Partitions = append(topic.Partitions, partition)
	r.Topics = append(r.Topics, topic)
	r.ReplicaID, r.MaxWaitMillis, r.MinBytes, r.MaxBytes = -1, 100, 1, 200
	r.SessionEpoch = -1
	return r
}

func (a *asker) listOffsets(int16) kmsg.Request {
	r := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = a.topic
	for number, time := range []int64{1, -1} {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp = int32(number), time
		topic.Partitions = append(topic.Partitions, partition)
	}
	r.Topics = append(r.Topics, topic)
	r.ReplicaID = -1
	return r
}

func (a *asker) offsetForLeaderEpoch(int16) kmsg.Request {
	r := kmsg.NewPtrOffsetForLeaderEpochRequest()
	topic := kmsg.NewOffsetForLeaderEpochRequestTopic()
	topic.Topic = a.topic
	topic.Partitions = append(topic.Partitions, kmsg.NewOffsetForLeaderEpochRequestTopicPartition())
	r.Topics = append(r.Topics, topic)
	r.ReplicaID = -2
	return r
}

func (a *asker) deleteRecords(version int16) kmsg.Request {
	r := kmsg.NewPtrDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = a.topic
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = int64(version + 1)
	topic.Partitions = append(topic.Partitions, partition)
	r.Topics = append(r.Topics, topic)
	r.TimeoutMillis = 10000
	return r
}

func (a *asker) describeConfigs(int16) kmsg.Request {
	r := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, a.topic
	resource.ConfigNames = []string{"retention.ms", "cleanup.policy", "max.message.bytes"}
	r.Resources = append(r.Resources, resource)
	r.IncludeSynonyms = true
	return r
}

func (a *asker) incrementalAlterConfigs(int16) kmsg.Request {
	r := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, a.topic
	set := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	set.Name, set.Op, set.Value = "retention.ms", kmsg.IncrementalAlterConfigOpSet, pointer("86400000")
	remove := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	remove.Name, remove.Op = "max.message.bytes", kmsg.IncrementalAlterConfigOpDelete
	resource.Configs = append(resource.Configs, set, remove)
	r.Resources = append(r.Resources, resource)
	return r
}

func (a *asker) alterConfigs(int16) kmsg.Request {
	r := kmsg.NewPtrAlterConfigsRequest()
	resource := kmsg.NewAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, a.topic
	for name, value := range a.config {
		config := kmsg.NewAlterConfigsRequestResourceConfig()
		config.Name, config.Value = name, pointer(value)
		resource.Configs = append(resource.Configs, config)
	}
	config := kmsg.NewAlterConfigsRequestResourceConfig()
	config.Name, config.Value = "segment.ms", pointer("3600000")
	resource.Configs = append(resource.Configs, config)
	r.Resources = append(r.Resources, resource)
	return r
}

func (a *asker) describeLogDirs(int16) kmsg.Request {
	r := kmsg.NewPtrDescribeLogDirsRequest()
	topic := kmsg.NewDescribeLogDirsRequestTopic()
	topic.Topic, topic.Partitions = a.topic, []int32{0, 1}
	r.Topics = append(r.Topics, topic)
	return r
}

func (a *asker) findCoordinator(int16) kmsg.Request {
	r := kmsg.NewPtrFindCoordinatorRequest()
	r.CoordinatorKey, r.CoordinatorKeys = "a group", []string{"a group"}
	return r
}

func (a *asker) deleteTopics(version int16) kmsg.Request {
	r := kmsg.NewPtrDeleteTopicsRequest()
	name := a.of(version + 1) // versions 1-6 remove the topics of CreateTopics 2-7
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	r.TopicNames, r.Topics = []string{name}, append(r.Topics, topic)
	r.TimeoutMillis = 10000
	return r
}
