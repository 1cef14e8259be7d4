package duality.kernel.core;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.State;

/** Owns the threads of a test, and resumes them behind whatever trapped. */
record Owning(Context context) implements ThreadOwner, Instance {
  @Override
  public int trap(int thread, int cause, long value) {
    return RESUME_BEHIND;
  }

  @Override
  public long load(int thread, long address, int width) {
    return 0;
  }

  @Override
  public void store(int thread, long address, int width, long value) {}

  @Override
  public State save() {
    return State.of("owner", 1);
  }
}
