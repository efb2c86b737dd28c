// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidRegularExpression;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Groups of Java consumers, on both protocols, in the broker in BOOTSTRAP: java Groups PREFIX. Topics and groups begin
 * with PREFIX. Prints a line per case and the totals.
 */
public final class Groups {
    private static final int WAIT_MS = 40000;
    private static final int PARTITIONS = 6;
    private static final int ROUND = 120;

    private interface Case {
        void run() throws Exception;
    }

    private final String bootstrap = System.getenv("BOOTSTRAP");
    private final String prefix;
    private final Admin admin;
    private final KafkaProducer<String, String> producer;
    private int passed;
    private int failed;

    private Groups(String prefix) {
        this.prefix = prefix;
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", bootstrap, "max.in.flight.requests.per.connection", 1),
                new StringSerializer(),
                new StringSerializer());
    }

    private void check(String name, Case tested) {
        try {
            tested.run();
            passed++;
            System.out.println("ok - " + name);
        } catch (Exception | AssertionError error) {
            failed++;
            System.out.println("not ok - " + name + ": " + String.valueOf(error).replace('\n', ' ') + " "
                    + Arrays.stream(error.getStackTrace()).filter(f -> f.getFileName().equals("Groups.java")).toList());
        }
    }

    private static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not as expected: " + what);
        }
    }

    private static Map<String, Object> classic(String assignor) {
        return Map.of("group.protocol", "classic", "partition.assignment.strategy",
                "org.apache.kafka.clients.consumer." + assignor + "Assignor");
    }

    private static Map<String, Object> remote(String assignor) {
        return Map.of("group.protocol", "consumer", "group.remote.assignor", assignor);
    }

    private static Map<String, Object> with(Map<String, Object> config, String name, Object value) {
        Map<String, Object> more = new HashMap<>(config);
        more.put(name, value);
        return more;
    }

    private String topic(String name) throws Exception {
        String topic = prefix + "-" + name;
        admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get(WAIT_MS, TimeUnit.MILLISECONDS);
        return topic;
    }

    private Member member(String group, Map<String, Object> config) {
        return new Member(bootstrap, prefix + "-" + group, config);
    }

    /** Sends ROUND records, round after round, spread over the partitions; values count up in each partition. */
    private void produce(String topic, int round) throws Exception {
        for (int i = 0; i < ROUND; i++) {
            int value = round * (ROUND / PARTITIONS) + i / PARTITIONS;
            producer.send(new ProducerRecord<>(topic, i % PARTITIONS, "key", Integer.toString(value)));
        }
        producer.flush();
    }

    private static void pollUntil(String what, BooleanSupplier done, Member... members) {
        for (long end = System.currentTimeMillis() + WAIT_MS; !done.getAsBoolean();) {
            expect(System.currentTimeMillis() < end, "in " + WAIT_MS + " ms: " + what + Stream.of(members)
                    .map(member -> " " + member.owned() + " read " + member.read.size()).toList());
            for (Member member : members) {
                member.poll();
            }
        }
    }

    /** Polls until each of them owns its share of the partitions. */
    private static void settle(Member... members) {
        pollUntil("each owns its share", () -> Arrays.stream(members)
                .allMatch(member -> member.owned().size() == PARTITIONS / members.length), members);
        Set<TopicPartition> all = new HashSet<>();
        Arrays.stream(members).forEach(member -> all.addAll(member.owned()));
        expect(all.size() == PARTITIONS, "no partition is owned by two: " + all);
    }

    private static int total(List<Member> members) {
        return members.stream().mapToInt(member -> member.read.size()).sum();
    }

    /** Every record once, and in each partition in order. */
    private static void everyRecordOnce(List<Member> members, int rounds) {
        List<ConsumerRecord<String, String>> all = new ArrayList<>();
        members.forEach(member -> all.addAll(member.read));
        expect(all.size() == rounds * ROUND, all.size() + " records of " + rounds * ROUND);
        expect(all.stream().map(r -> r.partition() + ":" + r.value()).distinct().count() == all.size(), "none twice");
        for (Member member : members) {
            Map<Integer, Long> last = new HashMap<>();
            for (ConsumerRecord<String, String> record : member.read) {
                Long before = last.put(record.partition(), record.offset());
                expect(before == null || before < record.offset(), "order in partition " + record.partition());
                expect(Long.parseLong(record.value()) == record.offset(), "value at offset " + record.offset());
            }
        }
    }

    // ---- cases

    /** A second member joins and leaves while records flow; a successor begins where they ended. */
    private void joinAndLeave(String name, Map<String, Object> config) throws Exception {
        String topic = topic(name);
        produce(topic, 0);
        Member one = member(name, config).subscribe(topic);
        Member two = member(name, config);
        Member successor = member(name, config);
        List<Member> all = List.of(one, two, successor);
        try (one; two; successor) {
            pollUntil("the first reads", () -> total(all) == ROUND, one);
            two.subscribe(topic);
            settle(one, two);
            produce(topic, 1);
            pollUntil("both read", () -> total(all) == 2 * ROUND, one, two);
            expect(two.read.size() == ROUND / 2, "the second reads its half: " + two.read.size());
            two.close();
            settle(one);
            produce(topic, 2);
            pollUntil("the first reads all again", () -> total(all) == 3 * ROUND, one);
            one.close();
            produce(topic, 3);
            successor.subscribe(topic);
            pollUntil("the successor reads the rest", () -> total(all) == 4 * ROUND, successor);
            successor.poll();
            everyRecordOnce(all, 4);
        }
        expect(committed(name, topic) == 4 * ROUND, "all is committed: " + committed(name, topic));
    }

    private long committed(String group, String topic) throws Exception {
        return admin.listConsumerGroupOffsets(prefix + "-" + group).partitionsToOffsetAndMetadata().get().entrySet()
                .stream().filter(entry -> entry.getKey().topic().equals(topic))
                .mapToLong(entry -> entry.getValue().offset()).sum();
    }

    /** A static member that goes and returns finds its partitions again, and nobody else is disturbed. */
    private void staticMember(String name, Map<String, Object> config) throws Exception {
        String topic = topic(name);
        Member one = member(name, with(config, "group.instance.id", "one")).subscribe(topic);
        Member two = member(name, with(config, "group.instance.id", "two")).subscribe(topic);
        Member back = member(name, with(config, "group.instance.id", "two"));
        try (one; two; back) {
            settle(one, two);
            Set<TopicPartition> before = Set.copyOf(two.owned());
            int changes = one.assigned + one.revoked;
            two.close();
            back.subscribe(topic);
            pollUntil("it is back", () -> back.owned().equals(before), one, back);
            produce(topic, 0);
            pollUntil("both read", () -> one.read.size() + back.read.size() == ROUND, one, back);
            expect(one.assigned + one.revoked == changes, "the other kept what it had");
        }
        RemoveMembersFromConsumerGroupOptions which =
                new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("one"), new MemberToRemove("two")));
        admin.removeMembersFromConsumerGroup(prefix + "-" + name, which).all().get();
        expect(describe(name).groupState() == GroupState.EMPTY, "removed by their names, the group is empty");
    }

    /** A member that does not poll loses its partitions to the other, and cannot commit when it wakes. */
    private void silentMember(String name, Map<String, Object> config) throws Exception {
        String topic = topic(name);
        Member silent = member(name, with(config, "max.poll.interval.ms", 3000)).subscribe(topic);
        Member awake = member(name, config).subscribe(topic);
        try (silent; awake) {
            settle(silent, awake);
            TopicPartition owned = silent.owned().iterator().next();
            settle(awake);
            try {
                silent.consumer.commitSync(Map.of(owned, new OffsetAndMetadata(1)));
                expect(false, "a member that was put out commits");
            } catch (CommitFailedException wanted) {
                settle(silent, awake);
            }
            expect(silent.lost > 0, "it is told that it lost partitions");
        }
    }

    private void pattern() throws Exception {
        String group = "pattern";
        topic("pattern-a");
        topic("pattern-b");
        topic("other");
        try (Member one = member(group, remote("uniform")); Member bad = member(group, remote("uniform"))) {
            one.consumer.subscribe(new SubscriptionPattern(prefix + "-pat[a-z]+-[ab]"), one);
            pollUntil("the topics of the pattern", () -> one.owned().size() == 2 * PARTITIONS, one);
            expect(one.owned().stream().allMatch(p -> p.topic().contains("-pattern-")), "only those: " + one.owned());
            bad.consumer.subscribe(new SubscriptionPattern("(a"), bad);
            try {
                pollUntil("the pattern is refused", () -> false, bad);
            } catch (InvalidRegularExpression wanted) {
                one.poll();
            }
        }
    }

    /** One after the other goes over to the new protocol and then back, while records flow. */
    private void migration() throws Exception {
        String name = "migration";
        String topic = topic(name);
        Map<String, Object> before = classic("CooperativeSticky");
        List<Map<String, Object>> steps =
                List.of(before, before, remote("uniform"), remote("uniform"), before, before);
        List<Member> running = new ArrayList<>();
        List<Member> all = new ArrayList<>();
        try {
            for (int step = 0; step < steps.size(); step++) {
                if (running.size() == 2) {
                    running.remove(0).close();
                }
                Member next = member(name, steps.get(step)).subscribe(topic);
                running.add(next);
                all.add(next);
                settle(running.toArray(new Member[0]));
                produce(topic, step);
                int wanted = (step + 1) * ROUND;
                pollUntil("step " + step, () -> total(all) == wanted, running.toArray(new Member[0]));
                GroupType type = step == 2 || step == 3 || step == 4 ? GroupType.CONSUMER : GroupType.CLASSIC;
                expect(describe(name).type() == type, "type in step " + step + ": " + describe(name).type());
            }
        } finally {
            running.forEach(Member::close);
        }
        everyRecordOnce(all, steps.size());
    }

    private ConsumerGroupDescription describe(String group) throws Exception {
        return admin.describeConsumerGroups(List.of(prefix + "-" + group)).all().get().get(prefix + "-" + group);
    }

    private static <E> E refused(Class<E> why, Case call) throws Exception {
        try {
            call.run();
        } catch (ExecutionException error) {
            if (why.isInstance(error.getCause())) {
                return why.cast(error.getCause());
            }
            throw error;
        }
        throw new AssertionError("not refused with " + why.getSimpleName());
    }

    private void administration(String name, Map<String, Object> config, GroupType type, String assignor)
            throws Exception {
        String topic = topic(name);
        String group = prefix + "-" + name;
        TopicPartition zero = new TopicPartition(topic, 0);
        try (Member one = member(name, with(config, "client.id", "the-client"))) {
            one.consumer.subscribe(List.of(topic));
            settle(one);
            one.consumer.commitSync(Map.of(zero, new OffsetAndMetadata(7, "where I am")));
            ConsumerGroupDescription shown = describe(name);
            expect(shown.type() == type && shown.groupState() == GroupState.STABLE, "type and state: " + shown);
            expect(shown.partitionAssignor().equals(assignor), "assignor " + shown.partitionAssignor());
            var member = shown.members().iterator().next();
            expect(member.clientId().equals("the-client") && member.host().startsWith("/"), "member " + member);
            expect(member.assignment().topicPartitions().equals(one.owned()), "assignment " + member.assignment());
            ConsumerGroupMetadata mine = one.consumer.groupMetadata();
            expect(member.consumerId().equals(mine.memberId()), "member id " + mine);
            expect(admin.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)
                    && g.type().equals(java.util.Optional.of(type))), "listed");
            refused(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        }
        var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        expect(offsets.get(zero).metadata().equals("where I am"), "metadata of the commit " + offsets);
        admin.alterConsumerGroupOffsets(group, Map.of(zero, new OffsetAndMetadata(9))).all().get();
        expect(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(zero).offset() == 9,
                "altered offset");
        admin.deleteConsumerGroupOffsets(group, Set.of(zero)).all().get();
        expect(!admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().containsKey(zero),
                "deleted offset");
        admin.deleteConsumerGroups(List.of(group)).all().get();
        refused(GroupIdNotFoundException.class, () -> describe(name));
    }

    private void run() {
        for (String assignor : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) {
            check("classic, " + assignor + ": a member joins and leaves, nothing is lost",
                    () -> joinAndLeave("classic-" + assignor, classic(assignor)));
        }
        for (String assignor : List.of("uniform", "range")) {
            check("consumer, " + assignor + ": a member joins and leaves, nothing is lost",
                    () -> joinAndLeave("consumer-" + assignor, remote(assignor)));
        }
        check("classic: a static member returns", () -> staticMember("static-classic", classic("Range")));
        check("consumer: a static member returns", () -> staticMember("static-consumer", remote("uniform")));
        check("classic: a member that does not poll is put out",
                () -> silentMember("silent-classic", classic("CooperativeSticky")));
        check("consumer: a member that does not poll is put out",
                () -> silentMember("silent-consumer", remote("uniform")));
        check("consumer: subscription by a regular expression", this::pattern);
        check("from classic to consumer and back, a member at a time", this::migration);
        check("classic: administration",
                () -> administration("admin-classic", classic("Range"), GroupType.CLASSIC, "range"));
        check("consumer: administration",
                () -> administration("admin-consumer", remote("uniform"), GroupType.CONSUMER, "uniform"));
        removeTopics();
        System.out.println(passed + " passed, " + failed + " failed");
    }

    private void removeTopics() {
        try {
            admin.deleteTopics(admin.listTopics().names().get().stream().filter(t -> t.startsWith(prefix)).toList()).all()
                    .get(WAIT_MS, TimeUnit.MILLISECONDS);
        } catch (Exception error) {
            System.out.println("# topics were not deleted: " + error);
        }
    }

    public static void main(String[] arguments) {
        Groups groups = new Groups(arguments[0]);
        groups.run();
        System.exit(groups.failed == 0 ? 0 : 1);
    }
}
