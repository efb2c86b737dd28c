// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A producer, a consumer and an admin client that work for a moment and push metrics of themselves: Telemetry TOPIC
 * CLIENT-ID. Prints a line for each, its kind and the instance id that the broker has given it.
 */
public final class Telemetry {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static Map<String, Object> config(String clientId) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", System.getenv("BOOTSTRAP"));
        config.put("client.id", clientId);
        config.put("enable.metrics.push", true);
        return config;
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[0];
        String clientId = arguments[1];
        Map<String, Object> reading = config(clientId);
        reading.put("group.id", clientId);
        reading.put("auto.offset.reset", "earliest");
        try (KafkaProducer<String, String> producer =
                    new KafkaProducer<>(config(clientId), new StringSerializer(), new StringSerializer());
                KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
                Admin admin = Admin.create(config(clientId))) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(topic, "key", "value " + i));
            producer.flush();
            consumer.subscribe(List.of(topic));
            for (int i = 0; i < 20; i++) {
                consumer.poll(Duration.ofMillis(100));
                admin.describeCluster().nodes().get();
            }
            System.out.println("producer " + producer.clientInstanceId(PATIENCE));
            System.out.println("consumer " + consumer.clientInstanceId(PATIENCE));
            System.out.println("admin " + admin.clientInstanceId(PATIENCE));
            for (int i = 0; i < 20; i++) consumer.poll(Duration.ofMillis(100));
        }
    }
}
