package duality.vmm.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.State;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The protocol, byte by byte. */
class SessionTest {
  private static final long NONCE = 0x1122334455667788L;

  private final List<String> told = new ArrayList<>();
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final Session session =
      new Session(
          new Session.Listener() {
            @Override
            public void opened() {
              told.add("opened");
            }

            @Override
            public void ended(String why) {
              told.add("ended");
            }

            @Override
            public void output(int job, byte[] bytes) {
              told.add("output " + job + " " + bytes.length);
              written.writeBytes(bytes);
            }

            @Override
            public void exit(int job, int kind, int code) {
              told.add("exit " + job + " " + kind + " " + code);
            }
          });

  private static byte[] exit(int job, int kind, int code) {
    ByteBuffer payload = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    return Frames.write(Frames.EXIT, job, payload.putInt(kind).putInt(code).array());
  }

  private void open() {
    session.greet(NONCE);
    session.accept(Frames.hello(Frames.ANSWER, NONCE));
    assertTrue(session.open());
    told.clear();
  }

  @Test
  void aFrameIsWhatTheProtocolSays() {
    byte[] expected = {
      'D',
      'u',
      'A',
      1,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      16,
      0,
      0,
      0, // header
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      (byte) 0x88,
      0x77,
      0x66,
      0x55,
      0x44,
      0x33,
      0x22,
      0x11
    };
    assertArrayEquals(expected, session.greet(NONCE));
    byte[] kill = {'D', 'u', 'A', 1, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
    assertArrayEquals(kill, Frames.write(Frames.KILL, 7, new byte[0]));
  }

  @Test
  void whateverComesBeforeTheAnswerIsSkipped() {
    session.greet(NONCE);
    session.accept("half a frame of somebody else DuA\1".getBytes());
    session.accept(Frames.hello(Frames.ANSWER, NONCE + 1));
    session.accept(exit(3, 0, 0));
    assertEquals(List.of(), told);
    byte[] answer = Frames.hello(Frames.ANSWER, NONCE);
    for (byte each : answer) {
      assertFalse(session.open(), "not before its last byte");
      session.accept(new byte[] {each});
    }
    assertEquals(List.of("opened"), told);
  }

  @Test
  void aGuestThatStartsIsToBeGreetedAgain() {
    session.greet(NONCE);
    session.accept(Frames.hello(Frames.STARTED, 0));
    assertEquals(List.of("ended"), told);
    session.greet(NONCE + 1);
    session.accept(Frames.hello(Frames.ANSWER, NONCE));
    assertFalse(session.open(), "an answer to an older greeting counts for nothing");
    session.accept(Frames.hello(Frames.ANSWER, NONCE + 1));
    assertTrue(session.open());
  }

  @Test
  void framesArriveWholeHoweverTheBytesAreCut() {
    long seed = Long.getLong("seed", 99);
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      open();
      written.reset();
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      List<String> expected = new ArrayList<>();
      ByteArrayOutputStream content = new ByteArrayOutputStream();
      for (int i = 0; i < 20; i++) {
        byte[] bytes = new byte[random.nextInt(1, 5_000)];
        random.nextBytes(bytes);
        stream.writeBytes(Frames.write(Frames.OUT, i, bytes));
        content.writeBytes(bytes);
        expected.add("output " + i + " " + bytes.length);
        if (random.nextInt(4) == 0) {
          stream.writeBytes(exit(i, 0, random.nextInt(256)));
          expected.add("exit " + i + " 0 " + (stream.toByteArray()[stream.size() - 4] & 0xFF));
        }
      }
      byte[] all = stream.toByteArray();
      for (int at = 0; at < all.length; ) {
        int next = Math.min(all.length, at + random.nextInt(1, 3_000));
        session.accept(Arrays.copyOfRange(all, at, next));
        at = next;
      }
      assertEquals(expected, told, "seed " + seed + ", round " + round);
      assertArrayEquals(content.toByteArray(), written.toByteArray(), "seed " + seed);
    }
  }

  @Test
  void whatIsNoFrameEndsTheSession() {
    ByteBuffer tooLong =
        ByteBuffer.wrap(Frames.write(Frames.OUT, 1, new byte[1])).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> bad =
        List.of(
            "this is no frame".getBytes(),
            Frames.write(Frames.OUT, 1, new byte[0]),
            tooLong.putInt(12, 65_537).array().clone(),
            tooLong.putInt(12, -1).array().clone(),
            Frames.write(Frames.EXIT, 1, new byte[7]),
            Frames.write(Frames.RUN, 1, new byte[4]),
            Frames.write(Frames.OUT | 0x100, 1, new byte[4]),
            Frames.hello(2, 0),
            Frames.hello(Frames.STARTED, 0));
    for (byte[] each : bad) {
      open();
      session.accept(each);
      assertFalse(session.open(), Arrays.toString(each));
      assertEquals(List.of("ended"), told, Arrays.toString(each));
    }
  }

  @Test
  void garbageNeverBreaksIt() {
    long seed = Long.getLong("seed", 1234);
    Random random = new Random(seed);
    byte[][] pieces = {
      Frames.hello(Frames.STARTED, 0),
      Frames.hello(Frames.ANSWER, NONCE),
      exit(1, 0, 0),
      Frames.write(Frames.OUT, 1, new byte[100])
    };
    for (int round = 0; round < 5_000; round++) {
      if (round % 10 == 0) {
        session.greet(NONCE);
      }
      byte[] piece = pieces[random.nextInt(pieces.length)].clone();
      if (random.nextBoolean()) {
        piece[random.nextInt(piece.length)] = (byte) random.nextInt();
      }
      session.accept(Arrays.copyOf(piece, random.nextInt(piece.length + 1)));
    }
    session.greet(NONCE);
    session.accept(Frames.hello(Frames.ANSWER, NONCE));
    assertTrue(session.open(), "seed " + seed);
  }

  @Test
  void anotherOneGoesOnInTheMiddleOfAFrame() {
    open();
    byte[] frame = Frames.write(Frames.OUT, 5, "hello".getBytes());
    session.accept(Arrays.copyOf(frame, 18));
    State saved = session.save();
    List<String> heard = new ArrayList<>();
    Session next =
        new Session(
            new Session.Listener() {
              @Override
              public void opened() {}

              @Override
              public void ended(String why) {}

              @Override
              public void output(int job, byte[] bytes) {
                heard.add(job + " " + new String(bytes));
              }

              @Override
              public void exit(int job, int kind, int code) {}
            });
    next.restore(saved);
    next.accept(Arrays.copyOfRange(frame, 18, frame.length));
    assertEquals(List.of("5 hello"), heard);
    assertThrows(State.Refused.class, () -> next.restore(State.of("session", 2)));
    assertThrows(State.Refused.class, () -> next.restore(saved.with("buffer", new byte[70_000])));
  }
}
