// SPDX-License-Identifier: Apache-2.0
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** The records of the cases: the same index gives the same record. */
final class Records {
    static final int COUNT = 200;

    private final long firstTimestamp;

    Records(long firstTimestamp) {
        this.firstTimestamp = firstTimestamp;
    }

    long timestamp(int index) {
        return firstTimestamp + 1000L * index;
    }

    ProducerRecord<byte[], byte[]> make(String topic, int partition, int index) {
        RecordHeaders headers = new RecordHeaders();
        if (index % 11 != 0) {
            headers.add("name", bytes("header of " + index));
            headers.add("name", new byte[0]);
            headers.add("null", null);
        }
        return new ProducerRecord<>(topic, partition, timestamp(index), key(index), value(index), headers);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] key(int index) {
        return switch (index % 7) {
            case 0 -> null;
            case 1 -> new byte[0];
            default -> bytes("key-" + index);
        };
    }

    private static byte[] value(int index) {
        if (index % 10 == 3) {
            return null;
        }
        byte[] value = new byte[index % 10 == 4 ? 0 : index * 37 % 3000];
        new Random(index).nextBytes(value);
        Arrays.fill(value, 0, value.length / 2, (byte) index);
        return value;
    }

    /** Throws with the difference if the record is not the one of this index. */
    void compare(ConsumerRecord<byte[], byte[]> record, int index) {
        ProducerRecord<byte[], byte[]> wanted = make(record.topic(), record.partition(), index);
        Compat.expect(Arrays.equals(record.key(), wanted.key()), "key of record " + index);
        Compat.expect(Arrays.equals(record.value(), wanted.value()), "value of record " + index);
        Compat.expect(record.timestamp() == wanted.timestamp(), "timestamp of record " + index);
        Compat.expect(record.timestampType() == TimestampType.CREATE_TIME, "timestamp type of record " + index);
        Header[] headers = record.headers().toArray();
        Header[] wantedHeaders = wanted.headers().toArray();
        Compat.expect(headers.length == wantedHeaders.length, "number of headers of record " + index);
        for (int i = 0; i < headers.length; i++) {
            Compat.expect(headers[i].key().equals(wantedHeaders[i].key()), "header name of record " + index);
            Compat.expect(Arrays.equals(headers[i].value(), wantedHeaders[i].value()), "header of record " + index);
        }
    }
}
