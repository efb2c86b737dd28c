// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The Java client against the broker in BOOTSTRAP: java Compat TOPIC. Prints a line per case and the totals. */
public final class Compat {
    static final int WAIT_MS = 15000;
    private static final int PARTITIONS = 6;
    private static final int SPARE = 5;
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    private interface Case {
        void run() throws Exception;
    }

    private final String bootstrap = System.getenv("BOOTSTRAP");
    private final Map<String, String> config = new HashMap<>();
    private final Records records = new Records(System.currentTimeMillis() - 1000L * Records.COUNT);
    private final String topic;
    private final Admin admin;
    private int passed;
    private int failed;

    private Compat(String topic) {
        this.topic = topic;
        String text = System.getenv().getOrDefault("TOPIC_CONFIG", "").trim();
        for (String pair : text.isEmpty() ? new String[0] : text.split("\\s+")) {
            config.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", WAIT_MS,
                "request.timeout.ms", WAIT_MS));
    }

    static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not as expected: " + what);
        }
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

    private Reader reader(int partition) {
        return new Reader(bootstrap, topic, partition);
    }

    private ConfigResource resource() {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    /** Sends the records from..to-1, waits for all, returns their offsets. */
    private List<Long> produce(int partition, int from, int to, String codec, boolean idempotent) throws Exception {
        Map<String, Object> properties = Map.of("bootstrap.servers", bootstrap, "acks", "all",
                "compression.type", codec, "enable.idempotence", idempotent, "linger.ms", 5,
                "batch.size", 30000, "delivery.timeout.ms", WAIT_MS,
                "request.timeout.ms", WAIT_MS / 2);
        List<Long> offsets = new ArrayList<>();
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int index = from; index < to; index++) {
                sent.add(producer.send(records.make(topic, partition, index)));
            }
            for (Future<RecordMetadata> one : sent) {
                offsets.add(one.get(WAIT_MS, TimeUnit.MILLISECONDS).offset());
            }
        }
        return offsets;
    }

    private static void consecutive(List<Long> offsets, long first) {
        for (int i = 0; i < offsets.size(); i++) {
            expect(offsets.get(i) == first + i, "offset " + offsets.get(i) + " acknowledged for " + (first + i));
        }
    }

    // ---- cases

    private void create() throws Exception {
        var created = admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1).configs(config)));
        created.all().get();
        expect(created.numPartitions(topic).get() == PARTITIONS, "partitions answered");
        expect(!created.topicId(topic).get().equals(Uuid.ZERO_UUID), "topic id answered");
        for (Map.Entry<String, String> entry : config.entrySet()) {
            expect(entry.getValue().equals(created.config(topic).get().get(entry.getKey()).value()), entry.getKey());
        }
        waitForTopic(true);
    }

    /** A topic just created may take a moment to be shown. */
    private void waitForTopic(boolean shown) throws Exception {
        for (int i = 0; i < 100 && admin.listTopics().names().get().contains(topic) != shown; i++) {
            Thread.sleep(100);
        }
        expect(admin.listTopics().names().get().contains(topic) == shown, "listed: " + shown);
    }

    private TopicDescription description() throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private void describe() throws Exception {
        TopicDescription description = description();
        expect(description.partitions().size() == PARTITIONS, "partitions: " + description);
        description.partitions().forEach(p -> expect(p.leader() != null && !p.isr().isEmpty(), "leader and replicas"));
        var byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(description.topicId())));
        expect(byId.allTopicIds().get().get(description.topicId()).name().equals(topic), "description by id");
        expect(!admin.describeCluster().clusterId().get().isEmpty(), "cluster id");
        expect(admin.describeCluster().controller().get() != null, "controller");
    }

    private String configured(String name) throws Exception {
        return admin.describeConfigs(List.of(resource())).all().get().get(resource()).get(name).value();
    }

    private void alter(String name, String value, AlterConfigOp.OpType type) throws Exception {
        Collection<AlterConfigOp> operations = List.of(new AlterConfigOp(new ConfigEntry(name, value), type));
        admin.incrementalAlterConfigs(Map.of(resource(), operations)).all().get();
        String wanted = type == AlterConfigOp.OpType.DELETE ? "1048588" : value;
        for (int i = 0; i < 100 && !configured(name).equals(wanted); i++) {
            Thread.sleep(100);
        }
        expect(configured(name).equals(wanted), name + " is " + configured(name));
    }

    private void configuration() throws Exception {
        for (Map.Entry<String, String> entry : config.entrySet()) {
            expect(entry.getValue().equals(configured(entry.getKey())), entry.getKey());
        }
        alter("max.message.bytes", "2000000", AlterConfigOp.OpType.SET);
        alter("max.message.bytes", "", AlterConfigOp.OpType.DELETE);
    }

    private void codec(int partition) throws Exception {
        consecutive(produce(partition, 0, Records.COUNT, CODECS.get(partition), false), 0);
        try (Reader reader = reader(partition)) {
            expect(reader.beginning() == 0 && reader.end() == Records.COUNT, "beginning and end");
            reader.atStart().take(records, 0, 0, Records.COUNT);
            reader.nothingMore();
        }
    }

    private void fromOffset() {
        try (Reader reader = reader(0)) {
            reader.at(77).take(records, 77, 77, Records.COUNT);
            reader.at(150).take(records, 150, 150, 160);
        }
    }

    private void fromTime(int partition) {
        try (Reader reader = reader(partition)) {
            for (int index : new int[] {0, 1, 100, Records.COUNT - 1}) {
                expect(reader.offsetAt(records.timestamp(index)) == index, "offset at the time of " + index);
                expect(reader.offsetAt(records.timestamp(index) - 1) == index, "offset before the time of " + index);
            }
            expect(reader.offsetAt(records.timestamp(Records.COUNT)) == -1, "no offset after the last");
            reader.at(reader.offsetAt(records.timestamp(120))).take(records, 120, 120, Records.COUNT);
        }
    }

    /** A waiting consumer gets every record, one at a time, then in batches. */
    private void fromEnd() throws Exception {
        try (Reader reader = reader(SPARE)) {
            long end = reader.end();
            reader.atEnd();
            for (int index = 0; index < 5; index++) {
                consecutive(produce(SPARE, index, index + 1, "none", false), end + index);
                reader.take(records, end + index, index, index + 1);
            }
            produce(SPARE, 5, Records.COUNT, "lz4", true);
            reader.take(records, end + 5, 5, Records.COUNT);
        }
    }

    private void idempotent() throws Exception {
        try (Reader reader = reader(SPARE)) {
            long end = reader.end();
            consecutive(produce(SPARE, 0, Records.COUNT, "zstd", true), end);
            reader.at(end).take(records, end, 0, Records.COUNT);
            reader.nothingMore();
        }
    }

    private void offsets() throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        for (var spec : List.of(OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(),
                OffsetSpec.earliestLocal(), OffsetSpec.latestTiered(), OffsetSpec.forTimestamp(records.timestamp(3)))) {
            long offset = admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
            long wanted = spec instanceof OffsetSpec.LatestSpec ? Records.COUNT
                    : spec instanceof OffsetSpec.MaxTimestampSpec ? Records.COUNT - 1
                    : spec instanceof OffsetSpec.LatestTieredSpec ? -1
                    : spec instanceof OffsetSpec.TimestampSpec ? 3 : 0;
            expect(offset == wanted, spec.getClass().getSimpleName() + " is " + offset);
        }
    }

    private void deleteRecords() throws Exception {
        TopicPartition partition = new TopicPartition(topic, 1);
        var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(60))).lowWatermarks();
        expect(deleted.get(partition).get().lowWatermark() == 60, "low watermark");
        try (Reader reader = reader(1)) {
            expect(reader.beginning() == 60, "beginning");
            reader.atStart().take(records, 60, 60, Records.COUNT);
        }
    }

    private void grow() throws Exception {
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(PARTITIONS + 2))).all().get();
        for (int i = 0; i < 100 && description().partitions().size() != PARTITIONS + 2; i++) {
            Thread.sleep(100);
        }
        expect(description().partitions().size() == PARTITIONS + 2, "partitions");
    }

    private void logDirs() throws Exception {
        var directories = admin.describeLogDirs(List.of(description().partitions().get(0).leader().id()))
                .allDescriptions().get().values().iterator().next();
        expect(!directories.isEmpty(), "a log directory");
    }

    private void delete() throws Exception {
        admin.deleteTopics(List.of(topic)).all().get();
        waitForTopic(false);
    }

    private void keptCases() {
        for (int partition = 0; partition < CODECS.size(); partition++) {
            int one = partition;
            check("produce and consume from the start, " + CODECS.get(one), () -> codec(one));
        }
        check("consume from an offset", this::fromOffset);
        for (int partition = 0; partition < CODECS.size(); partition++) {
            int one = partition;
            check("consume from a time, " + CODECS.get(one), () -> fromTime(one));
        }
        check("consume from the end", this::fromEnd);
        check("idempotent producer", this::idempotent);
        check("list offsets as administrator", this::offsets);
        check("delete records", this::deleteRecords);
    }

    private boolean run() {
        check("create a topic", this::create);
        check("describe it, and the cluster", this::describe);
        check("show and alter its configuration", this::configuration);
        if ("transient".equals(config.get("cms.durability"))) {
            check("transient: a waiting consumer gets every record", this::fromEnd);
        } else {
            keptCases();
        }
        check("more partitions", this::grow);
        check("describe the log directories", this::logDirs);
        check("delete the topic", this::delete);
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0;
    }

    public static void main(String[] arguments) {
        boolean ok = new Compat(arguments[0]).run();
        System.exit(ok ? 0 : 1);
    }
}
