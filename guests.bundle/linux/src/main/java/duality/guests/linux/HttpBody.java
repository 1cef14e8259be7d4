package duality.guests.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an HTTP response as a stream that fails when nothing comes for a while. The HTTP
 * client's own stream would wait for ever for a server that stopped in the middle.
 *
 * <p>One buffer list is asked for at a time, so that a slow reader slows down the sender.
 */
final class HttpBody extends InputStream implements BodySubscriber<InputStream> {

  private static final Object END = new Object();

  private final Duration patience;

  /** Set before anything arrives. */
  private volatile Flow.@Nullable Subscription subscription;

  private volatile boolean closed;

  /** Holds lists of buffers, a failure, or {@link #END}. */
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();

  private final Deque<ByteBuffer> buffers = new ArrayDeque<>();
  private boolean ended;

  HttpBody(Duration patience) {
    this.patience = patience;
  }

  @Override
  public CompletionStage<InputStream> getBody() {
    return CompletableFuture.completedStage(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription s) {
    subscription = s;
    if (closed) {
      s.cancel();
    } else {
      s.request(1);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    arrived.add(item);
  }

  @Override
  public void onError(Throwable failure) {
    arrived.add(failure);
  }

  @Override
  public void onComplete() {
    arrived.add(END);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    @Nullable ByteBuffer buffer = next();
    if (buffer == null) {
      return -1;
    }
    int n = Math.min(length, buffer.remaining());
    buffer.get(bytes, offset, n);
    return n;
  }

  @Override
  public void close() {
    closed = true;
    Flow.Subscription s = subscription;
    if (s != null) {
      s.cancel();
    }
  }

  private @Nullable ByteBuffer next() throws IOException {
    while (!ended) {
      ByteBuffer first = buffers.peek();
      if (first != null) {
        if (first.hasRemaining()) {
          return first;
        }
        buffers.remove();
        if (buffers.isEmpty()) {
          more();
        }
      } else {
        take();
      }
    }
    return null;
  }

  private void more() {
    Flow.Subscription s = subscription;
    if (s != null) {
      s.request(1);
    }
  }

  private void take() throws IOException {
    Object item;
    try {
      item = arrived.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    switch (item) {
      case null -> throw new IOException("nothing came for " + patience.toSeconds() + " seconds");
      case Throwable failure ->
          throw new IOException("the connection broke: " + failure.getMessage(), failure);
      case List<?> list -> {
        for (Object buffer : list) {
          buffers.add((ByteBuffer) buffer);
        }
        if (buffers.isEmpty()) {
          more();
        }
      }
      default -> ended = true;
    }
  }
}
