// SPDX-License-Identifier: Apache-2.0
import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A file into a partition and back, for the main job:
 *
 * <pre>
 * Copy write TOPIC PARTITION FILE lines|chunks
 * Copy read TOPIC PARTITION COUNT FILE lines|chunks start|end
 * </pre>
 *
 * A record is a line without its end, or 10,000 bytes. A reader at the end prints "ready" when it waits there.
 */
public final class Copy {
    private static final int CHUNK_BYTES = 10000;

    private static List<byte[]> split(byte[] bytes, boolean lines) {
        List<byte[]> pieces = new ArrayList<>();
        for (int start = 0; start < bytes.length; ) {
            int end = start;
            if (lines) {
                while (end < bytes.length && bytes[end] != '\n') {
                    end++;
                }
            } else {
                end = Math.min(bytes.length, start + CHUNK_BYTES);
            }
            pieces.add(Arrays.copyOfRange(bytes, start, end));
            start = lines ? end + 1 : end;
        }
        return pieces;
    }

    private static void write(String bootstrap, String[] arguments) throws Exception {
        Map<String, Object> properties = Map.of("bootstrap.servers", bootstrap, "acks", "all", "linger.ms", 5,
                "compression.type", "snappy", "enable.idempotence", true);
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (byte[] piece : split(Files.readAllBytes(Path.of(arguments[3])), arguments[4].equals("lines"))) {
                sent.add(producer.send(
                        new ProducerRecord<byte[], byte[]>(arguments[1], Integer.valueOf(arguments[2]), null, piece)));
            }
            for (Future<RecordMetadata> one : sent) {
                one.get(Compat.WAIT_MS, TimeUnit.MILLISECONDS);
            }
        }
    }

    private static void read(String bootstrap, String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[3]);
        try (Reader reader = new Reader(bootstrap, arguments[1], Integer.parseInt(arguments[2]));
                OutputStream output = new BufferedOutputStream(Files.newOutputStream(Path.of(arguments[4])))) {
            if (arguments[6].equals("end")) {
                reader.atEnd();
                System.out.println("ready");
            } else {
                reader.atStart();
            }
            for (int i = 0; i < count; i++) {
                ConsumerRecord<byte[], byte[]> record = reader.next(4 * Compat.WAIT_MS);
                Compat.expect(record != null, "record " + i + " in time");
                output.write(record.value());
                if (arguments[5].equals("lines")) {
                    output.write('\n');
                }
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String bootstrap = System.getenv("BOOTSTRAP");
        if (arguments[0].equals("write")) {
            write(bootstrap, arguments);
        } else {
            read(bootstrap, arguments);
        }
    }
}
