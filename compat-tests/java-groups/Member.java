// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** One member of a group. Commits what it has read before it gives a partition away and when it leaves. */
final class Member implements AutoCloseable, ConsumerRebalanceListener {
    final KafkaConsumer<String, String> consumer;
    final List<ConsumerRecord<String, String>> read = new ArrayList<>();
    int assigned;
    int revoked;
    int lost;

    Member(String bootstrap, String group, Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group,
                "enable.auto.commit", "false", "auto.offset.reset", "earliest", "max.poll.records", 50,
                "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class));
        config.putAll(more);
        consumer = new KafkaConsumer<>(config);
    }

    Member subscribe(String... topics) {
        consumer.subscribe(List.of(topics), this);
        return this;
    }

    void poll() {
        consumer.poll(Duration.ofMillis(50)).forEach(read::add);
    }

    Set<TopicPartition> owned() {
        return consumer.assignment();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        assigned += partitions.size();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        revoked += partitions.size();
        consumer.commitSync();
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        lost += partitions.size();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
