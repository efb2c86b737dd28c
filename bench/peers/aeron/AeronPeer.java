// SPDX-License-Identifier: Apache-2.0
import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.FragmentAssembler;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.FragmentHandler;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Locale;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron's IPC between two threads that share nothing but its log buffers: round trips, and how many messages a second one
 * publisher gets to one subscriber. Everything is warmed up first; then each line on standard input asks for one round,
 * which is answered with a line of JSON for each figure and a last line {"done":true}. The input's end ends it.
 *
 * <p>java -cp ... AeronPeer SECONDS: of each figure in a round.
 */
public final class AeronPeer {
  private static final String CHANNEL = "aeron:ipc?term-length=16m|mtu=16k";
  private static final int THERE = 1;
  private static final int BACK = 2;
  private static final int STREAM = 3;
  private static final int FRAGMENTS_MAX = 16;
  private static final int WARM_UP_ROUNDS = 3;
  private static final int SAMPLES_MAX = 1 << 22;
  private static final int[] SIZES = {100, 1_024, 10_240};

  private final Aeron aeron;
  private final long roundNs;
  private final long[] samples = new long[SAMPLES_MAX];

  private AeronPeer(Aeron aeron, double seconds) {
    this.aeron = aeron;
    this.roundNs = (long) (seconds * 1e9);
  }

  /** Copies a message in: where it fits one frame without a second copy. */
  private static void send(ExclusivePublication to, BufferClaim claim, UnsafeBuffer from, int size, IdleStrategy idle) {
    if (size > to.maxPayloadLength()) {
      while (to.offer(from, 0, size) < 0) idle.idle();
    } else {
      while (to.tryClaim(size, claim) < 0) idle.idle();
      claim.buffer().putBytes(claim.offset(), from, 0, size);
      claim.commit();
    }
    idle.reset();
  }

  private static IdleStrategy idleNamed(String name) {
    return name.equals("spinning") ? new BusySpinIdleStrategy() : new BackoffIdleStrategy();
  }

  /** A subscriber that copies each message out, and may answer it. */
  private static final class Receiver implements FragmentHandler {
    final UnsafeBuffer copy;
    final ExclusivePublication answers;
    final BufferClaim claim = new BufferClaim();
    final IdleStrategy idle;
    long count;

    Receiver(int size, ExclusivePublication answers, IdleStrategy idle) {
      this.copy = new UnsafeBuffer(new byte[size]);
      this.answers = answers;
      this.idle = idle;
    }

    @Override
    public void onFragment(DirectBuffer buffer, int offset, int length, io.aeron.logbuffer.Header header) {
      buffer.getBytes(offset, copy, 0, length);
      count++;
      if (answers != null) send(answers, claim, copy, length, idle);
    }
  }

  private static void await(Subscription subscription, ExclusivePublication publication) {
    while (!subscription.isConnected() || !publication.isConnected()) Thread.onSpinWait();
  }

  private void print(String name, String figure, double value) {
    System.out.printf(Locale.ROOT, "{\"case\":\"%s\",\"figure\":\"%s\",\"value\":%.4f}%n", name, figure, value);
  }

  private void roundTrips(String idleName, int size, boolean counts) throws InterruptedException {
    try (ExclusivePublication there = aeron.addExclusivePublication(CHANNEL, THERE);
        ExclusivePublication back = aeron.addExclusivePublication(CHANNEL, BACK);
        Subscription atPong = aeron.addSubscription(CHANNEL, THERE);
        Subscription atPing = aeron.addSubscription(CHANNEL, BACK)) {
      await(atPong, there);
      await(atPing, back);
      final boolean[] ends = {false};
      final Thread pong = new Thread(() -> {
        final IdleStrategy idle = idleNamed(idleName);
        final FragmentHandler handler = new FragmentAssembler(new Receiver(size, back, idleNamed(idleName)));
        while (!ends[0]) {
          idle.idle(atPong.poll(handler, FRAGMENTS_MAX));
          Thread.onSpinWait();
        }
      });
      pong.setDaemon(true);
      pong.start();
      final IdleStrategy idle = idleNamed(idleName);
      final Receiver receiver = new Receiver(size, null, idle);
      final FragmentHandler handler = new FragmentAssembler(receiver);
      final UnsafeBuffer message = new UnsafeBuffer(new byte[size]);
      final BufferClaim claim = new BufferClaim();
      final long end = System.nanoTime() + roundNs;
      int n = 0;
      for (long now = System.nanoTime(); now < end && n < SAMPLES_MAX; ) {
        final long before = now;
        send(there, claim, message, size, idle);
        for (final long wanted = n + 1; receiver.count < wanted; ) idle.idle(atPing.poll(handler, FRAGMENTS_MAX));
        now = System.nanoTime();
        samples[n++] = now - before;
      }
      ends[0] = true;
      pong.join(1_000);
      if (!counts) return;
      Arrays.sort(samples, 0, n);
      print(idleName + " " + size, "p50 us", samples[n / 2] / 1e3);
      print(idleName + " " + size, "p99 us", samples[(int) (n * 0.99)] / 1e3);
    }
  }

  private void rate(int size, boolean counts) throws InterruptedException {
    try (ExclusivePublication publication = aeron.addExclusivePublication(CHANNEL, STREAM);
        Subscription subscription = aeron.addSubscription(CHANNEL, STREAM)) {
      await(subscription, publication);
      final boolean[] ends = {false};
      final Thread source = new Thread(() -> {
        final IdleStrategy idle = new BusySpinIdleStrategy();
        final UnsafeBuffer message = new UnsafeBuffer(new byte[size]);
        final BufferClaim claim = new BufferClaim();
        while (!ends[0]) {
          if (publication.tryClaim(size, claim) < 0) {
            idle.idle();
            continue;
          }
          claim.buffer().putBytes(claim.offset(), message, 0, size);
          claim.commit();
        }
      });
      source.setDaemon(true);
      source.start();
      final Receiver receiver = new Receiver(size, null, null);
      final long begin = System.nanoTime();
      while (System.nanoTime() - begin < roundNs) {
        for (int i = 0; i < 100; i++) subscription.poll(receiver, 256);
      }
      final double elapsed = (System.nanoTime() - begin) / 1e9;
      ends[0] = true;
      source.join(1_000);
      if (counts) print("rate " + size, "1000 msg/s", receiver.count / elapsed / 1e3);
    }
  }

  private void round(boolean counts) throws InterruptedException {
    for (final int size : SIZES) roundTrips("spinning", size, counts);
    roundTrips("backoff", SIZES[0], counts);
    rate(SIZES[0], counts);
    rate(SIZES[1], counts);
  }

  public static void main(String[] arguments) throws Exception {
    final File directory = Files.createTempDirectory(new File("/dev/shm").toPath(), "cms-aeron-").toFile();
    final MediaDriver.Context context = new MediaDriver.Context()
        .aeronDirectoryName(directory.getPath() + "/driver")
        .dirDeleteOnShutdown(true)
        .termBufferSparseFile(false)
        .threadingMode(ThreadingMode.SHARED);
    try (MediaDriver driver = MediaDriver.launch(context);
        Aeron aeron = Aeron.connect(
            new Aeron.Context().aeronDirectoryName(driver.aeronDirectoryName()).preTouchMappedMemory(true))) {
      final AeronPeer peer = new AeronPeer(aeron, Double.parseDouble(arguments[0]));
      for (int i = 0; i < WARM_UP_ROUNDS; i++) peer.round(false);
      System.out.println("{\"done\":true}");
      final BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
      while (asked.readLine() != null) {
        peer.round(true);
        System.out.println("{\"done\":true}");
      }
    } finally {
      directory.delete();
    }
  }
}
