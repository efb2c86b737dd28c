// SPDX-License-Identifier: Apache-2.0
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * Creates a topic with any configuration: Create TOPIC PARTITIONS [name=value ...]. TopicCommand refuses, before it asks
 * the broker, every name that Apache Kafka does not know.
 */
public final class Create {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> config = new HashMap<>();
        for (int i = 2; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            config.put(pair[0], pair[1]);
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", System.getenv("BOOTSTRAP")))) {
            NewTopic topic = new NewTopic(arguments[0], Integer.parseInt(arguments[1]), (short) 1).configs(config);
            admin.createTopics(List.of(topic)).all().get();
        }
    }
}
