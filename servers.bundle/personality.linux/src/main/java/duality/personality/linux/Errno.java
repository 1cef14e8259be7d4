package duality.personality.linux;

/**
 * Error numbers of Linux (include/uapi/asm-generic/errno-base.h and errno.h), as system calls
 * answer them.
 */
final class Errno {
  static final long EPERM = -1;
  static final long ENOENT = -2;
  static final long ESRCH = -3;
  static final long EBADF = -9;
  static final long ENOMEM = -12;
  static final long EFAULT = -14;
  static final long EEXIST = -17;
  static final long EINVAL = -22;
  static final long ENOTTY = -25;
  static final long ESPIPE = -29;
  static final long ENOSYS = -38;

  private Errno() {}
}
