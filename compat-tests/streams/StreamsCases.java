// SPDX-License-Identifier: Apache-2.0
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * WordCount, killed and started again, against the broker in BOOTSTRAP: java StreamsCases PREFIX FOLDER. Prints a line
 * per case and the totals.
 */
public final class StreamsCases {
    private static final int WAIT_MS = 150000;
    private static final int PARTITIONS = 4;
    private static final int WORDS = 50;

    private interface Case {
        void run() throws Exception;
    }

    private final String bootstrap = System.getenv("BOOTSTRAP");
    private final String prefix;
    private final String input;
    private final String output;
    private final Path folder;
    private final Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    private final KafkaProducer<String, String> producer = new KafkaProducer<>(Map.of("bootstrap.servers", bootstrap,
            "max.in.flight.requests.per.connection", 1), new StringSerializer(), new StringSerializer());
    private final KafkaConsumer<String, Long> results = new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false"), new StringDeserializer(),
            new LongDeserializer());
    private final Map<String, Long> expected = new HashMap<>();
    private final Map<String, Long> counted = new HashMap<>();
    private int lines;
    private Process application;
    private int passed;
    private int failed;

    private StreamsCases(String prefix, String folder) {
        this.prefix = prefix;
        this.input = prefix + "-lines";
        this.output = prefix + "-counts";
        this.folder = Path.of(folder);
    }

    private void check(String name, Case tested) {
        try {
            tested.run();
            passed++;
            System.out.println("ok - " + name);
        } catch (Exception | AssertionError error) {
            failed++;
            System.out.println("not ok - " + name + ": " + String.valueOf(error).replace('\n', ' '));
        }
    }

    private static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not as expected: " + what);
        }
    }

    private void start() throws Exception {
        application = new ProcessBuilder("java", "-Xmx256m", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", System.getProperty("java.class.path"),
                "WordCount", prefix, input, output, folder.resolve("state").toString()).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(folder + "/application.log"))).start();
    }

    private void kill() throws Exception {
        application.destroyForcibly().waitFor();
    }

    private void feed(int count) {
        for (int end = lines + count; lines < end; lines++) {
            String first = "word" + lines % WORDS;
            String second = "word" + lines * 7 % WORDS;
            producer.send(new ProducerRecord<>(input, lines % PARTITIONS, "", first + " " + second));
            expected.merge(first, 1L, Long::sum);
            expected.merge(second, 1L, Long::sum);
        }
        producer.flush();
    }

    private void readResults() {
        results.poll(Duration.ofMillis(100)).forEach(record -> counted.put(record.key(), record.value()));
    }

    private void waitFor(String what, BooleanSupplier done) {
        for (long end = System.currentTimeMillis() + WAIT_MS; !done.getAsBoolean(); readResults()) {
            expect(application.isAlive(), "the application runs");
            expect(System.currentTimeMillis() < end, what + " in " + WAIT_MS + " ms; " + missing());
        }
    }

    /** All that was read is committed: a kill now takes nothing back. */
    private void waitForCommit() throws Exception {
        for (long end = System.currentTimeMillis() + WAIT_MS; !allCommitted(); Thread.sleep(200)) {
            expect(System.currentTimeMillis() < end, "all is committed in " + WAIT_MS + " ms");
        }
    }

    private boolean allCommitted() throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            asked.put(new TopicPartition(input, partition), OffsetSpec.latest());
            asked.put(new TopicPartition(prefix + "-counts-repartition", partition), OffsetSpec.latest());
        }
        var ends = admin.listOffsets(asked).all().get();
        var committed = admin.listConsumerGroupOffsets(prefix).partitionsToOffsetAndMetadata().get();
        return asked.keySet().stream().allMatch(partition -> ends.get(partition).offset() == 0
                || committed.get(partition) != null && committed.get(partition).offset() == ends.get(partition).offset());
    }

    private String missing() {
        return expected.entrySet().stream().filter(e -> !e.getValue().equals(counted.get(e.getKey()))).limit(5)
                .map(e -> e.getKey() + " " + counted.get(e.getKey()) + " for " + e.getValue()).toList().toString();
    }

    // ---- cases

    private void counts() throws Exception {
        admin.createTopics(Stream.of(input, output).map(t -> new NewTopic(t, PARTITIONS, (short) 1)).toList()).all().get();
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            all.add(new TopicPartition(output, partition));
        }
        results.assign(all);
        results.seekToBeginning(all);
        start();
        feed(2000);
        waitFor("every word is counted", () -> counted.equals(expected));
        waitForCommit();
    }

    private void changelog() throws Exception {
        String changelog = prefix + "-counts-changelog";
        Set<String> topics = admin.listTopics().names().get();
        expect(topics.contains(changelog) && topics.contains(prefix + "-counts-repartition"), "topics " + topics
                .stream().filter(t -> t.startsWith(prefix)).collect(Collectors.joining(" ")));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, changelog);
        expect(admin.describeConfigs(List.of(resource)).all().get().get(resource).get("cleanup.policy").value()
                .equals("compact"), "the changelog is compacted");
    }

    /** Killed when it has committed all: counting goes on exactly where it was. */
    private void killedAtRest() throws Exception {
        kill();
        feed(1000);
        start();
        waitFor("every word is counted", () -> counted.equals(expected));
        waitForCommit();
    }

    /** Without its state on disk it reads the changelog. */
    private void stateLost() throws Exception {
        kill();
        try (Stream<Path> files = Files.walk(folder.resolve("state"))) {
            files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
        feed(1000);
        start();
        waitFor("every word is counted", () -> counted.equals(expected));
    }

    /** Killed at work: at least once, so no count is too low, and each changes until the end. */
    private void killedAtWork() throws Exception {
        feed(4000);
        readResults();
        kill();
        feed(1000);
        start();
        waitFor("no count is too low", () -> expected.entrySet().stream()
                .allMatch(e -> counted.getOrDefault(e.getKey(), 0L) >= e.getValue()));
    }

    /** Two instances share the work, and the second finishes it alone. */
    private void twoInstances() throws Exception {
        Process first = application;
        Path own = folder;
        Files.createDirectories(own.resolve("second"));
        application = new ProcessBuilder("java", "-Xmx256m", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", System.getProperty("java.class.path"),
                "WordCount", prefix, input, output, own.resolve("second").toString()).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(own + "/second.log"))).start();
        long end = System.currentTimeMillis() + WAIT_MS;
        while (members() < 4) {
            expect(System.currentTimeMillis() < end, "four threads of two instances are in the group");
            Thread.sleep(200);
        }
        feed(1000);
        first.destroy();
        expect(first.waitFor(30, java.util.concurrent.TimeUnit.SECONDS), "the first ends when asked");
        feed(1000);
        waitFor("no count is too low", () -> expected.entrySet().stream()
                .allMatch(e -> counted.getOrDefault(e.getKey(), 0L) >= e.getValue()));
    }

    private int members() throws Exception {
        return admin.describeClassicGroups(List.of(prefix)).all().get().get(prefix).members().size();
    }

    private void run() {
        check("words are counted", this::counts);
        check("the state store has a compacted changelog", this::changelog);
        check("killed and started again, it goes on where it was", this::killedAtRest);
        check("without its state it restores it from the changelog", this::stateLost);
        check("killed at work, nothing is lost", this::killedAtWork);
        check("a second instance takes over from the first", this::twoInstances);
        application.destroyForcibly();
        try {
            admin.deleteTopics(admin.listTopics().names().get().stream().filter(t -> t.startsWith(prefix)).toList()).all()
                    .get();
        } catch (Exception error) {
            System.out.println("# topics were not deleted: " + error);
        }
        System.out.println(passed + " passed, " + failed + " failed");
    }

    public static void main(String[] arguments) {
        StreamsCases cases = new StreamsCases(arguments[0], arguments[1]);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (cases.application != null) {
                cases.application.destroyForcibly();
            }
        }));
        cases.run();
        System.exit(cases.failed == 0 ? 0 : 1);
    }
}
