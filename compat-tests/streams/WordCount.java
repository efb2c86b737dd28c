// SPDX-License-Identifier: Apache-2.0
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Counts words with Kafka Streams, until it is killed: java WordCount APPLICATION INPUT OUTPUT FOLDER. Counting needs a
 * repartition topic, a state store in FOLDER and its changelog, a compacted topic.
 */
public final class WordCount {
    public static void main(String[] arguments) {
        Properties config = new Properties();
        config.put("application.id", arguments[0]);
        config.put("bootstrap.servers", System.getenv("BOOTSTRAP"));
        config.put("state.dir", arguments[3]);
        config.put("processing.guarantee", "at_least_once");
        config.put("commit.interval.ms", "200");
        config.put("num.stream.threads", "2");
        config.put("consumer.session.timeout.ms", "15000");
        config.put("consumer.heartbeat.interval.ms", "1000");
        config.put("consumer.auto.offset.reset", "earliest");
        config.put("default.key.serde", Serdes.StringSerde.class);
        config.put("default.value.serde", Serdes.StringSerde.class);
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(arguments[1])
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
                .count(Materialized.as("counts"))
                .toStream()
                .to(arguments[2], Produced.with(Serdes.String(), Serdes.Long()));
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, before) -> System.out.println("state " + now));
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
