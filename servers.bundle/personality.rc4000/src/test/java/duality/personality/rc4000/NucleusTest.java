package duality.personality.rc4000;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.personality.rc4000.MessageBuffer.Stage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The nucleus by itself: the calls, the books of buffers, and the hierarchy. */
class NucleusTest {
  private static final int BUFFERS = 100;
  private static final int MOST = 150;
  private static final long PAGES = 4096;

  private final Woken woken = new Woken();

  /** Who was told to go on, and who is no more. */
  private static final class Woken implements Nucleus.Runs {
    final List<String> changed = new ArrayList<>();
    final List<String> removed = new ArrayList<>();

    @Override
    public void changed(InternalProcess process) {
      changed.add(process.toString());
    }

    @Override
    public void removed(InternalProcess process) {
      removed.add(process.toString());
    }
  }

  private Nucleus nucleus(int buffers) {
    return new Nucleus(woken, "s", PAGES, buffers, MOST);
  }

  private static InternalProcess child(
      Nucleus nucleus, InternalProcess parent, String name, long page, long pages, int buffers) {
    assertEquals(0, nucleus.create(parent, Names.word(name), page, pages, buffers), name);
    InternalProcess child = nucleus.process(Names.word(name));
    assertNotNull(child);
    assertEquals(0, nucleus.start(parent, child.name));
    return child;
  }

  private static long[] words(long first) {
    return new long[] {first, first + 1, first + 2, first + 3, 4, 5, 6, 7};
  }

  // ---- the calls ----

  @Test
  void aMessageIsAnsweredInItsBuffer() {
    Nucleus nucleus = nucleus(10);
    InternalProcess a = child(nucleus, nucleus.first(), "a", 0, 8, 2);
    InternalProcess b = child(nucleus, nucleus.first(), "b", 8, 8, 0);
    assertNull(nucleus.awaitMessage(b), "nothing has come yet");
    assertTrue(b.waits());
    woken.changed.clear();
    long buffer = nucleus.send(a, b.name, words(40));
    assertEquals(List.of("b"), woken.changed, "the receiver waits no more");
    MessageBuffer received = nucleus.awaitMessage(b);
    assertNotNull(received);
    assertEquals(buffer, received.number);
    assertEquals(a, received.sender);
    assertEquals(43, received.words[3]);
    long[] answer = new long[Nucleus.WORDS];
    assertEquals(Nucleus.BLOCKED, nucleus.awaitAnswer(a, buffer, answer));
    assertEquals(0, nucleus.answer(b, buffer, 3, words(90)));
    assertEquals(List.of("b", "a"), woken.changed, "and the sender goes on");
    assertEquals(1, a.quota, "the buffer is the sender's until it has the answer");
    assertEquals(3, nucleus.awaitAnswer(a, buffer, answer));
    assertEquals(91, answer[1]);
    assertEquals(2, a.quota);
    assertEquals(Nucleus.UNKNOWN, nucleus.awaitAnswer(a, buffer, answer), "only once");
  }

  @Test
  void messagesComeInTheOrderInWhichTheyWereSent() {
    Nucleus nucleus = nucleus(10);
    InternalProcess s = nucleus.first();
    for (int i = 0; i < 10; i++) {
      nucleus.send(s, s.name, words(i));
    }
    assertEquals(Nucleus.NO_BUFFER, nucleus.send(s, s.name, words(10)), "the pool is bounded");
    for (int i = 0; i < 10; i++) {
      MessageBuffer received = nucleus.awaitMessage(s);
      assertNotNull(received);
      assertEquals(i, received.words[0]);
    }
  }

  @Test
  void onlyTheReceiverAnswersAndOnlyTheSenderIsAnswered() {
    Nucleus nucleus = nucleus(10);
    InternalProcess a = child(nucleus, nucleus.first(), "a", 0, 8, 2);
    InternalProcess b = child(nucleus, nucleus.first(), "b", 8, 8, 2);
    long buffer = nucleus.send(a, b.name, words(0));
    assertEquals(Nucleus.UNKNOWN, nucleus.answer(b, buffer, 1, words(0)), "not received yet");
    assertNotNull(nucleus.awaitMessage(b));
    assertEquals(Nucleus.UNKNOWN, nucleus.answer(a, buffer, 1, words(0)));
    assertEquals(Nucleus.UNKNOWN, nucleus.awaitAnswer(b, buffer, words(0)));
    for (long wrong : new long[] {0, -1, 11, Long.MIN_VALUE, 1L << 32 | buffer}) {
      assertEquals(Nucleus.UNKNOWN, nucleus.answer(b, wrong, 1, words(0)), "buffer " + wrong);
      assertEquals(Nucleus.UNKNOWN, nucleus.awaitAnswer(a, wrong, words(0)), "buffer " + wrong);
    }
    for (long wrong : new long[] {Nucleus.DUMMY, -1, 256}) {
      assertEquals(
          Nucleus.BAD_VALUE, nucleus.answer(b, buffer, wrong, words(0)), "nobody fakes a dummy");
    }
    assertEquals(0, nucleus.answer(b, buffer, 1, words(0)));
    assertEquals(Nucleus.UNKNOWN, nucleus.answer(b, buffer, 1, words(0)), "only once");
    nucleus.check();
  }

  @Test
  void toNobodyTheNucleusAnswers() {
    Nucleus nucleus = nucleus(2);
    long buffer = nucleus.send(nucleus.first(), Names.word("nobody"), words(5));
    long[] answer = words(1);
    assertEquals(Nucleus.DUMMY, nucleus.awaitAnswer(nucleus.first(), buffer, answer));
    assertEquals(0, answer[1], "a dummy answer says nothing");
  }

  // ---- removal ----

  @Test
  void aRemovedReceiverYieldsDummyAnswersToAllWhoWait() {
    Nucleus nucleus = nucleus(40);
    InternalProcess s = nucleus.first();
    InternalProcess gone = child(nucleus, s, "gone", 0, 8, 0);
    List<InternalProcess> senders = new ArrayList<>();
    Map<InternalProcess, Long> sent = new HashMap<>();
    for (int i = 0; i < 12; i++) {
      InternalProcess sender = child(nucleus, s, "w" + i, 8 + 8 * i, 8, 3);
      senders.add(sender);
      sent.put(sender, nucleus.send(sender, gone.name, words(i)));
    }
    for (int i = 0; i < 5; i++) {
      assertNotNull(nucleus.awaitMessage(gone), "some are in the middle of a conversation");
    }
    for (InternalProcess each : senders.subList(3, 12)) {
      assertEquals(Nucleus.BLOCKED, nucleus.awaitAnswer(each, sent.get(each), words(0)));
    }
    woken.changed.clear();
    assertEquals(0, nucleus.remove(s, gone.name));
    assertEquals(List.of("gone"), woken.removed);
    assertEquals(
        new HashSet<>(senders.subList(3, 12).stream().map(InternalProcess::toString).toList()),
        new HashSet<>(woken.changed),
        "all who waited, and nobody else");
    for (InternalProcess each : senders) {
      assertEquals(Nucleus.DUMMY, nucleus.awaitAnswer(each, sent.get(each), words(9)));
      assertEquals(3, each.quota);
    }
    nucleus.check();
    assertEquals(40, nucleus.pool().size(), "no buffer is lost");
  }

  @Test
  void aRemovedSenderIsForgottenOnceItsMessageIsAnswered() {
    Nucleus nucleus = nucleus(10);
    InternalProcess s = nucleus.first();
    InternalProcess a = child(nucleus, s, "a", 0, 8, 4);
    InternalProcess b = child(nucleus, s, "b", 8, 8, 0);
    long received = nucleus.send(a, b.name, words(0));
    nucleus.send(a, b.name, words(1));
    assertNotNull(nucleus.awaitMessage(b));
    assertEquals(0, nucleus.remove(s, a.name));
    assertEquals(9, s.quota, "the one that b works on comes back later");
    assertNull(nucleus.awaitMessage(b), "what nobody had received is withdrawn");
    // A new process of the same name is another one.
    InternalProcess again = child(nucleus, s, "a", 0, 8, 1);
    assertEquals(Nucleus.UNKNOWN, nucleus.awaitAnswer(again, received, words(0)));
    assertEquals(0, nucleus.answer(b, received, 1, words(0)));
    assertEquals(9, s.quota);
    nucleus.check();
  }

  @Test
  void aSubtreeGoesWithAllItHas() {
    Nucleus nucleus = nucleus(30);
    InternalProcess s = nucleus.first();
    InternalProcess other = child(nucleus, s, "other", 1000, 10, 3);
    InternalProcess top = child(nucleus, s, "top", 0, 100, 20);
    InternalProcess middle = child(nucleus, top, "middle", 10, 50, 10);
    InternalProcess leaf = child(nucleus, middle, "leaf", 10, 20, 5);
    assertEquals(20, leaf.firstPage, "storage is part of the parent's");
    assertEquals(Nucleus.UNKNOWN, nucleus.remove(s, leaf.name), "not a child of the caller");
    assertEquals(Nucleus.UNKNOWN, nucleus.stop(other, top.name));
    long asked = nucleus.send(other, leaf.name, words(0));
    nucleus.send(leaf, other.name, words(0));
    nucleus.send(leaf, top.name, words(0));
    nucleus.send(top, leaf.name, words(0));
    nucleus.send(middle, middle.name, words(0));
    assertNotNull(nucleus.awaitMessage(middle));
    assertEquals(0, nucleus.remove(s, top.name));
    assertEquals(List.of("leaf", "middle", "top"), woken.removed);
    assertEquals(Nucleus.DUMMY, nucleus.awaitAnswer(other, asked, words(0)));
    assertNull(nucleus.awaitMessage(other));
    assertEquals(27, s.quota);
    assertEquals(0, nucleus.create(s, top.name, 0, 100, 27), "all is the parent's again");
    nucleus.check();
  }

  @Test
  void whoIsStoppedRestsWithAllBelow() {
    Nucleus nucleus = nucleus(10);
    InternalProcess s = nucleus.first();
    s.stopped = false;
    InternalProcess top = child(nucleus, s, "top", 0, 100, 0);
    InternalProcess low = child(nucleus, top, "low", 0, 10, 0);
    InternalProcess still = child(nucleus, top, "still", 10, 10, 0);
    nucleus.stop(top, still.name);
    assertTrue(low.isStarted());
    woken.changed.clear();
    nucleus.stop(s, top.name);
    assertEquals(List.of("top", "low", "still"), woken.changed);
    assertFalse(low.isStarted());
    nucleus.start(s, top.name);
    assertTrue(low.isStarted());
    assertFalse(still.isStarted(), "its own parent has stopped it");
  }

  @Test
  void aParentGivesNoMoreThanItHas() {
    Nucleus nucleus = nucleus(10);
    InternalProcess s = nucleus.first();
    InternalProcess a = child(nucleus, s, "a", 10, 10, 6);
    long b = Names.word("b");
    assertEquals(Nucleus.NO_BUFFER, nucleus.create(s, b, 0, 1, 5));
    assertEquals(Nucleus.NO_BUFFER, nucleus.create(s, b, 0, 1, -1));
    assertEquals(Nucleus.BAD_NAME, nucleus.create(s, a.name, 0, 1, 1));
    assertEquals(Nucleus.BAD_NAME, nucleus.create(s, 0, 0, 1, 1));
    assertEquals(Nucleus.BAD_NAME, nucleus.create(s, Names.word("a b"), 0, 1, 1));
    for (long[] each :
        new long[][] {
          {-1, 1},
          {0, 0},
          {0, -5},
          {0, PAGES + 1},
          {PAGES, 1},
          {9, 2},
          {19, 1},
          {0, 4096},
          {Long.MAX_VALUE, 2},
          {1, Long.MAX_VALUE}
        }) {
      assertEquals(
          Nucleus.BAD_STORAGE, nucleus.create(s, b, each[0], each[1], 1), each[0] + " " + each[1]);
    }
    assertEquals(0, nucleus.create(s, b, 20, 1, 4), "behind a is room");
    assertEquals(Nucleus.BAD_STORAGE, nucleus.create(a, Names.word("c"), 5, 6, 1));
    for (int i = 0; nucleus.processes().size() < MOST; i++) {
      assertEquals(0, nucleus.create(s, Names.word("n" + i), 100 + i, 1, 0));
    }
    assertEquals(Nucleus.TOO_MANY, nucleus.create(s, Names.word("more"), 30, 1, 0));
  }

  @Test
  void wrongBooksAreNoticed() {
    Nucleus nucleus = nucleus(10);
    nucleus.first().quota--;
    assertThrows(IllegalStateException.class, nucleus::check);
  }

  // ---- a hundred thousand operations ----

  @ParameterizedTest
  @ValueSource(longs = {4000, 1969, 1970, 24})
  void aHundredThousandRandomOperationsLoseNoBuffer(long seed) {
    Nucleus nucleus = nucleus(BUFFERS);
    Model model = new Model("s", PAGES, BUFFERS, MOST);
    RandomGenerator random = new SplittableRandom(seed);
    int[] done = new int[7];
    int dummies = 0;
    int most = 0;
    for (int step = 0; step < 100_000; step++) {
      String where = "seed " + seed + ", step " + step;
      InternalProcess one = any(nucleus, random);
      Model.One same = model.all.get(one.name);
      assertNotNull(same, where);
      // Removals are rare, so that many processes live at a time.
      int kind = random.nextInt(100);
      if (kind < 30) {
        long to = random.nextInt(20) == 0 ? name(random) : any(nucleus, random).name;
        long buffer = nucleus.send(one, to, words(step));
        assertEquals(model.send(same, to, step, (int) buffer), buffer != Nucleus.NO_BUFFER, where);
        done[0] += buffer > 0 ? 1 : 0;
      } else if (kind < 55) {
        MessageBuffer got = nucleus.awaitMessage(one);
        Model.Talk expected = model.receive(same);
        assertEquals(expected == null ? 0 : expected.buffer, got == null ? 0 : got.number, where);
        if (got != null && expected != null) {
          assertEquals(expected.said, got.words[0], where);
          done[1]++;
        }
      } else if (kind < 75) {
        MessageBuffer owed = owed(nucleus, random, Stage.RECEIVED);
        InternalProcess by = owed.receiver == null || random.nextInt(10) == 0 ? one : owed.receiver;
        long result = nucleus.answer(by, owed.number, 1 + step % 255, words(-step));
        assertEquals(
            model.answer(model.all.get(by.name), owed.number, 1 + step % 255, -step),
            result,
            where);
        done[2] += result == 0 ? 1 : 0;
      } else if (kind < 92) {
        MessageBuffer asked = owed(nucleus, random, Stage.ANSWERED);
        InternalProcess by = asked.sender == null || random.nextInt(10) == 0 ? one : asked.sender;
        Model.Talk talk = model.asked(model.all.get(by.name), asked.number);
        long[] answer = new long[Nucleus.WORDS];
        long result = nucleus.awaitAnswer(by, asked.number, answer);
        if (talk == null) {
          assertEquals(Nucleus.UNKNOWN, result, where);
        } else if (talk.phase.equals("answered")) {
          assertEquals(talk.result, result, where);
          assertEquals(talk.said, answer[0], where);
          model.talks.remove(talk);
          dummies += result == Nucleus.DUMMY ? 1 : 0;
          done[3]++;
        } else {
          assertEquals(Nucleus.BLOCKED, result, where);
        }
      } else if (kind < 97) {
        long name = name(random);
        long page = random.nextInt(1 + (int) one.pages);
        long pages = 1 + random.nextInt(1 + (int) one.pages / 8);
        int buffers = random.nextInt(1 + Math.min(BUFFERS, 1 + one.quota / 3));
        long result = nucleus.create(one, name, page, pages, buffers);
        assertEquals(model.create(same, name, page, pages, buffers), result, where);
        done[4] += result == 0 ? 1 : 0;
      } else if (kind == 97) {
        List<InternalProcess> children = one.children;
        long name =
            children.isEmpty() ? name(random) : children.get(random.nextInt(children.size())).name;
        assertEquals(
            model.remove(same, name) ? 0 : Nucleus.UNKNOWN, nucleus.remove(one, name), where);
        done[5]++;
      } else {
        InternalProcess other = any(nucleus, random);
        long result =
            random.nextBoolean() ? nucleus.stop(one, other.name) : nucleus.start(one, other.name);
        assertEquals(other.parent == one ? 0 : Nucleus.UNKNOWN, result, where);
        done[6]++;
      }
      nucleus.check();
      most = Math.max(most, nucleus.processes().size());
      assertEquals(BUFFERS - model.talks.size(), nucleus.pool().size(), where);
      if (step % 64 == 0) {
        compare(nucleus, model, where);
      }
    }
    for (int i = 0; i < done.length; i++) {
      assertTrue(done[i] > 200, "operation " + i + " was done " + done[i] + " times only");
    }
    assertTrue(dummies > 50, dummies + " dummy answers");
    assertTrue(most > 20, "at most " + most + " processes at a time");
    for (InternalProcess each : List.copyOf(nucleus.first().children)) {
      nucleus.remove(nucleus.first(), each.name);
    }
    drain(nucleus);
    assertEquals(BUFFERS, nucleus.pool().size(), "every buffer is back in the pool");
    assertEquals(BUFFERS, nucleus.first().quota);
  }

  private static void compare(Nucleus nucleus, Model model, String where) {
    assertEquals(
        new HashSet<>(model.all.keySet()),
        new HashSet<>(nucleus.processes().stream().map(each -> each.name).toList()),
        where);
    for (InternalProcess each : nucleus.processes()) {
      assertEquals(model.left(model.all.get(each.name)), each.quota, where + ", quota of " + each);
    }
  }

  /** The first process answers and hears all that is left. */
  private static void drain(Nucleus nucleus) {
    InternalProcess s = nucleus.first();
    MessageBuffer got = nucleus.awaitMessage(s);
    while (got != null) {
      got = nucleus.awaitMessage(s);
    }
    for (MessageBuffer each : nucleus.buffers()) {
      if (each.receiver == s) {
        assertEquals(0, nucleus.answer(s, each.number, 1, words(0)));
      }
      if (each.sender == s) {
        assertTrue(nucleus.awaitAnswer(s, each.number, words(0)) >= 0);
      }
    }
  }

  private static InternalProcess any(Nucleus nucleus, RandomGenerator random) {
    int which = random.nextInt(nucleus.processes().size());
    return nucleus.processes().stream().skip(which).findFirst().orElseThrow();
  }

  /** A buffer of that stage if there is one, mostly. */
  private static MessageBuffer owed(Nucleus nucleus, RandomGenerator random, Stage stage) {
    List<MessageBuffer> all = nucleus.buffers();
    int from = random.nextInt(all.size());
    for (int i = 0; i < all.size() && random.nextInt(200) != 0; i++) {
      MessageBuffer each = all.get((from + i) % all.size());
      if (each.stage == stage) {
        return each;
      }
    }
    return all.get(from);
  }

  private static long name(RandomGenerator random) {
    return Names.word("p" + random.nextInt(400));
  }
}
