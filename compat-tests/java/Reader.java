// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A consumer of one partition assigned by hand. */
final class Reader implements AutoCloseable {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TopicPartition partition;
    private final ArrayDeque<ConsumerRecord<byte[], byte[]>> fetched = new ArrayDeque<>();

    Reader(String bootstrap, String topic, int partition) {
        consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "none", "enable.auto.commit", false,
                        "default.api.timeout.ms", Compat.WAIT_MS, "check.crcs", true, "fetch.max.wait.ms", 200),
                new ByteArrayDeserializer(), new ByteArrayDeserializer());
        this.partition = new TopicPartition(topic, partition);
        consumer.assign(List.of(this.partition));
    }

    Reader atStart() {
        consumer.seekToBeginning(List.of(partition));
        return this;
    }

    /** Returns when the broker has answered a fetch at the end. */
    Reader atEnd() {
        consumer.seekToEnd(List.of(partition));
        consumer.position(partition);
        long deadline = System.currentTimeMillis() + Compat.WAIT_MS;
        while (fetches() < 1 && System.currentTimeMillis() < deadline) {
            Compat.expect(consumer.poll(Duration.ofMillis(50)).isEmpty(), "nothing at the end");
        }
        return this;
    }

    Reader at(long offset) {
        consumer.seek(partition, offset);
        return this;
    }

    long beginning() {
        return consumer.beginningOffsets(List.of(partition)).get(partition);
    }

    long end() {
        return consumer.endOffsets(List.of(partition)).get(partition);
    }

    /** The offset at a time; -1 if no record is as late. */
    long offsetAt(long timestamp) {
        var found = consumer.offsetsForTimes(Map.of(partition, timestamp)).get(partition);
        return found == null ? -1 : found.offset();
    }

    private double fetches() {
        return consumer.metrics().entrySet().stream()
                .filter(metric -> metric.getKey().name().equals("fetch-total"))
                .mapToDouble(metric -> (Double) metric.getValue().metricValue()).sum();
    }

    /** The next record, or null if none comes in time. */
    ConsumerRecord<byte[], byte[]> next(long waitMs) {
        long deadline = System.currentTimeMillis() + waitMs;
        while (fetched.isEmpty() && System.currentTimeMillis() < deadline) {
            consumer.poll(Duration.ofMillis(50)).forEach(fetched::add);
        }
        return fetched.poll();
    }

    /** Takes the records from..to-1, the first at this offset. */
    void take(Records records, long offset, int from, int to) {
        for (int index = from; index < to; index++) {
            ConsumerRecord<byte[], byte[]> record = next(Compat.WAIT_MS);
            Compat.expect(record != null, "record " + index + " in time");
            long wanted = offset + index - from;
            Compat.expect(record.offset() == wanted, "offset " + record.offset() + " is " + wanted);
            records.compare(record, index);
        }
    }

    void nothingMore() {
        Compat.expect(next(300) == null, "no record after the last");
    }

    @Override
    public void close() {
        consumer.close();
    }
}
