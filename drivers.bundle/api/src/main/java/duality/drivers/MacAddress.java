package duality.drivers;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Addresses of Ethernet (EUI-48) as numbers: the first byte on the wire is the highest of six, so
 * {@code 02:00:00:00:00:01} is 0x020000000001.
 */
public final class MacAddress {
  /** Number of bytes. */
  public static final int BYTES = 6;

  private static final long ALL = 0xffff_ffff_ffffL;
  private static final long GROUP = 1L << 40;
  private static final long LOCAL = 1L << 41;

  private MacAddress() {}

  /**
   * The address of a machine's card: the same for the same names whenever and wherever, and no
   * manufacturer's (locally administered). Two names share one with probability 2^-46.
   *
   * @param machine the machine's name
   * @param number of the card in the machine
   */
  public static long of(String machine, int number) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(
                  ("duality card\n" + number + "\n" + machine).getBytes(StandardCharsets.UTF_8));
      long address = 0;
      for (int i = 0; i < BYTES; i++) {
        address = address << 8 | hash[i] & 0xffL;
      }
      return address & ~GROUP | LOCAL;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Whether it can be one card's: not a group's, and not zero. */
  public static boolean isCard(long address) {
    return (address & ~ALL) == 0 && address != 0 && !isGroup(address);
  }

  /** Whether it stands for many: multicast, broadcast. */
  public static boolean isGroup(long address) {
    return (address & GROUP) != 0;
  }

  /** As people write it: {@code 02:00:00:00:00:01}. */
  public static String text(long address) {
    StringBuilder text = new StringBuilder();
    for (int shift = 40; shift >= 0; shift -= 8) {
      long each = address >>> shift & 0xff;
      text.append(each < 16 ? "0" : "").append(Long.toHexString(each));
      text.append(shift == 0 ? "" : ":");
    }
    return text.toString();
  }

  /**
   * What {@link #text} wrote.
   *
   * @throws IllegalArgumentException when it is no address of one card; the message says so
   */
  public static long parse(String text) {
    if (text.matches("(?i)([0-9a-f]{2}:){5}[0-9a-f]{2}")) {
      long address = Long.parseLong(text.replace(":", ""), 16);
      if (isCard(address)) {
        return address;
      }
    }
    throw new IllegalArgumentException(
        "'" + text + "' is no address of a card, such as 02:00:00:00:00:01");
  }
}
