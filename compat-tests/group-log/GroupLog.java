// SPDX-License-Identifier: Apache-2.0
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.coordinator.group.generated.GroupMetadataValue;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitValue;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValue;

/**
 * What Apache Kafka's group coordinator writes to __consumer_offsets: java GroupLog FOLDER, broker in BOOTSTRAP. Groups
 * of every kind are made and ended; the records of each go to FOLDER/GROUP.hex, one "key value" a line, "-" for a
 * tombstone. Versions that Kafka reads and no longer writes come from its own serializer: old-versions.hex and the
 * consumer protocol's subscription.hex and assignment.hex, one "version bytes" a line.
 */
public final class GroupLog {
    private static final int WAIT_MS = 30000;
    private static final HexFormat HEX = HexFormat.of();
    private final String bootstrap = System.getenv("BOOTSTRAP");
    private final Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    private final String folder;

    private GroupLog(String folder) {
        this.folder = folder;
    }

    private KafkaConsumer<byte[], byte[]> consumer(String group, String... more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group,
                "client.id", "client-of-" + group, "enable.auto.commit", "false", "auto.offset.reset", "earliest",
                "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        return new KafkaConsumer<>(config);
    }

    private static void pollUntil(BooleanSupplier done, List<KafkaConsumer<byte[], byte[]>> consumers) {
        for (long end = System.currentTimeMillis() + WAIT_MS; !done.getAsBoolean();) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("the group does not settle");
            }
            consumers.forEach(consumer -> consumer.poll(Duration.ofMillis(50)));
        }
    }

    private static void settle(List<KafkaConsumer<byte[], byte[]>> consumers, int partitions) {
        pollUntil(() -> consumers.stream().noneMatch(c -> c.assignment().isEmpty())
                && consumers.stream().mapToInt(c -> c.assignment().size()).sum() == partitions, consumers);
    }

    private static void commit(KafkaConsumer<byte[], byte[]> consumer, String metadata) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (TopicPartition partition : consumer.assignment()) {
            offsets.put(partition, new OffsetAndMetadata(5, Optional.of(3), metadata));
        }
        consumer.commitSync(offsets);
    }

    private void classic() throws Exception {
        KafkaConsumer<byte[], byte[]> one = consumer("classic", "group.protocol", "classic");
        KafkaConsumer<byte[], byte[]> two = consumer("classic", "group.protocol", "classic",
                "group.instance.id", "static-two", "client.rack", "rack-b", "partition.assignment.strategy",
                "org.apache.kafka.clients.consumer.RangeAssignor,"
                + "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        one.subscribe(List.of("orders"));
        two.subscribe(List.of("orders"));
        settle(List.of(one, two), 4);
        commit(one, "where I am: §5");
        commit(two, "");
        admin.describeClassicGroups(List.of("classic")).all().get();
        one.close();
        two.close();
        admin.removeMembersFromConsumerGroup("classic",
                new RemoveMembersFromConsumerGroupOptions()).all().get();
        admin.deleteConsumerGroupOffsets("classic", Set.of(new TopicPartition("orders", 1))).all().get();
        admin.deleteConsumerGroups(List.of("classic")).all().get();
    }

    private void simple() {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("simple", "group.protocol", "classic")) {
            consumer.assign(List.of(new TopicPartition("orders", 2)));
            consumer.commitSync(Map.of(new TopicPartition("orders", 2), new OffsetAndMetadata(77)));
        }
    }

    private void incremental() throws Exception {
        KafkaConsumer<byte[], byte[]> one = consumer("incremental", "group.protocol", "consumer");
        KafkaConsumer<byte[], byte[]> two = consumer("incremental", "group.protocol", "consumer",
                "group.instance.id", "static-two", "client.rack", "rack-b", "group.remote.assignor", "range");
        one.subscribe(new SubscriptionPattern("ord.*|pay.*"));
        settle(List.of(one), 6);
        two.subscribe(List.of("orders"));
        settle(List.of(one, two), 6);
        commit(one, "by epoch");
        admin.describeConsumerGroups(List.of("incremental")).all().get();
        admin.listGroups().all().get();
        admin.listConsumerGroupOffsets("incremental").all().get();
        two.close();
        one.close();
        admin.removeMembersFromConsumerGroup("incremental",
                new RemoveMembersFromConsumerGroupOptions()).all().get();
        admin.deleteConsumerGroups(List.of("incremental")).all().get();
    }

    private void mixed() throws Exception {
        KafkaConsumer<byte[], byte[]> old = consumer("mixed", "group.protocol", "classic",
                "partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        old.subscribe(List.of("orders"));
        settle(List.of(old), 4);
        KafkaConsumer<byte[], byte[]> young = consumer("mixed", "group.protocol", "consumer");
        young.subscribe(List.of("orders"));
        settle(List.of(old, young), 4);
        admin.describeConsumerGroups(List.of("mixed")).all().get();
        young.close();
        settle(List.of(old), 4);
        old.close();
    }

    private static String groupOf(byte[] key) {
        ByteBuffer at = ByteBuffer.wrap(key, 2, key.length - 2);
        byte[] name = new byte[at.getShort()];
        at.get(name);
        return new String(name, StandardCharsets.UTF_8);
    }

    private void readBack() throws Exception {
        Map<String, List<String>> lines = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> reader = consumer("reader")) {
            List<TopicPartition> all = new ArrayList<>();
            reader.partitionsFor("__consumer_offsets").forEach(p -> all.add(new TopicPartition(p.topic(), p.partition())));
            reader.assign(all);
            reader.seekToBeginning(all);
            Map<TopicPartition, Long> ends = reader.endOffsets(all);
            while (all.stream().anyMatch(p -> reader.position(p) < ends.get(p))) {
                for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(100))) {
                    lines.computeIfAbsent(groupOf(record.key()), g -> new ArrayList<>()).add(HEX.formatHex(record.key())
                            + " " + (record.value() == null ? "-" : HEX.formatHex(record.value())));
                }
            }
        }
        for (Map.Entry<String, List<String>> group : lines.entrySet()) {
            write(group.getKey(), "what Apache Kafka 4.3.1 wrote for the group " + group.getKey(), group.getValue());
        }
    }

    private void write(String name, String what, List<String> lines) throws Exception {
        try (PrintWriter out = new PrintWriter(folder + "/" + name + ".hex")) {
            out.println("# " + name + ": " + what);
            lines.forEach(out::println);
        }
    }

    private static String hex(ByteBuffer bytes) {
        byte[] array = new byte[bytes.remaining()];
        bytes.duplicate().get(array);
        return HEX.formatHex(array);
    }

    private void oldVersions() throws Exception {
        String offset = "0001" + "000167" + "000174" + "00000003";
        String group = "0002" + "000167";
        List<String> lines = new ArrayList<>();
        for (short version = 0; version <= OffsetCommitValue.HIGHEST_SUPPORTED_VERSION; ++version) {
            OffsetCommitValue value = new OffsetCommitValue().setOffset(12).setMetadata("m").setCommitTimestamp(1000);
            if (version == 1) {
                value.setExpireTimestamp(2000);
            }
            if (version >= 3) {
                value.setLeaderEpoch(4);
            }
            lines.add(offset + " " + hex(MessageUtil.toVersionPrefixedByteBuffer(version, value)));
        }
        LegacyOffsetCommitValue legacy = new LegacyOffsetCommitValue().setOffset(9).setMetadata("").setCommitTimestamp(1);
        lines.add("0000" + offset.substring(4) + " " + hex(MessageUtil.toVersionPrefixedByteBuffer((short) 0, legacy)));
        for (short version = 0; version <= GroupMetadataValue.HIGHEST_SUPPORTED_VERSION; ++version) {
            GroupMetadataValue.MemberMetadata member = new GroupMetadataValue.MemberMetadata().setMemberId("id")
                    .setClientId("c").setClientHost("/h").setSessionTimeout(10000).setSubscription(new byte[] {1, 2})
                    .setAssignment(new byte[] {3});
            if (version >= 1) {
                member.setRebalanceTimeout(20000);
            }
            if (version >= 3) {
                member.setGroupInstanceId("i");
            }
            GroupMetadataValue value = new GroupMetadataValue().setProtocolType("consumer").setGeneration(3)
                    .setProtocol("range").setLeader("id").setMembers(List.of(member));
            if (version >= 2) {
                value.setCurrentStateTimestamp(5000);
            }
            lines.add(group + " " + hex(MessageUtil.toVersionPrefixedByteBuffer(version, value)));
        }
        write("old-versions", "every version as Apache Kafka 4.3.1's own serializer writes it", lines);
    }

    private void consumerProtocol() throws Exception {
        List<String> lines = new ArrayList<>();
        for (short version = 0; version <= ConsumerProtocolSubscription.HIGHEST_SUPPORTED_VERSION; ++version) {
            ConsumerProtocolSubscription subscription = new ConsumerProtocolSubscription()
                    .setTopics(List.of("orders", "payments")).setUserData(version == 0 ? null : ByteBuffer.wrap(new byte[] {7}));
            ConsumerProtocolSubscription.TopicPartitionCollection owned =
                    new ConsumerProtocolSubscription.TopicPartitionCollection();
            owned.add(new ConsumerProtocolSubscription.TopicPartition().setTopic("orders").setPartitions(List.of(0, 2)));
            subscription.setOwnedPartitions(owned).setGenerationId(6).setRackId(version == 3 ? "rack-b" : null);
            lines.add(hex(MessageUtil.toVersionPrefixedByteBuffer(version, subscription)));
        }
        write("subscription", "ConsumerProtocolSubscription, versions 0 to 3, by Apache Kafka 4.3.1", lines);
        lines.clear();
        for (short version = 0; version <= ConsumerProtocolAssignment.HIGHEST_SUPPORTED_VERSION; ++version) {
            ConsumerProtocolAssignment.TopicPartitionCollection assigned =
                    new ConsumerProtocolAssignment.TopicPartitionCollection();
            assigned.add(new ConsumerProtocolAssignment.TopicPartition().setTopic("orders").setPartitions(List.of(1, 3)));
            ConsumerProtocolAssignment assignment = new ConsumerProtocolAssignment().setAssignedPartitions(assigned)
                    .setUserData(version == 0 ? null : ByteBuffer.wrap(new byte[] {8, 9}));
            lines.add(hex(MessageUtil.toVersionPrefixedByteBuffer(version, assignment)));
        }
        write("assignment", "ConsumerProtocolAssignment, versions 0 to 3, by Apache Kafka 4.3.1", lines);
    }

    public static void main(String[] arguments) throws Exception {
        GroupLog log = new GroupLog(arguments[0]);
        log.admin.createTopics(List.of(new NewTopic("orders", 4, (short) 1), new NewTopic("payments", 2, (short) 1)))
                .all().get(WAIT_MS, TimeUnit.MILLISECONDS);
        log.oldVersions();
        log.consumerProtocol();
        log.simple();
        log.classic();
        log.incremental();
        log.mixed();
        log.readBack();
        log.admin.close();
    }
}
