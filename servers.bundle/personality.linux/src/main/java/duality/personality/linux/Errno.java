package duality.personality.linux;

/**
 * Error numbers of Linux (include/uapi/asm-generic/errno-base.h and errno.h), as system calls
 * answer them.
 */
final class Errno {
  static final long EPERM = -1;
  static final long ENOENT = -2;
  static final long ESRCH = -3;
  static final long EINTR = -4;
  static final long EIO = -5;
  static final long ENXIO = -6;
  static final long E2BIG = -7;
  static final long ENOEXEC = -8;
  static final long EBADF = -9;
  static final long ECHILD = -10;
  static final long EAGAIN = -11;
  static final long ENOMEM = -12;
  static final long EACCES = -13;
  static final long EFAULT = -14;
  static final long EBUSY = -16;
  static final long EEXIST = -17;
  static final long ENODEV = -19;
  static final long ENOTDIR = -20;
  static final long EISDIR = -21;
  static final long EINVAL = -22;
  static final long EMFILE = -24;
  static final long ENOTTY = -25;
  static final long EFBIG = -27;
  static final long ENOSPC = -28;
  static final long ESPIPE = -29;
  static final long EROFS = -30;
  static final long EPIPE = -32;
  static final long ERANGE = -34;
  static final long ENAMETOOLONG = -36;
  static final long ENOSYS = -38;
  static final long ENOTEMPTY = -39;
  static final long ELOOP = -40;

  private Errno() {}
}
