package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KernelModuleTest {

  @Test
  void modinfoIsRead() throws MalformedPackage {
    KernelModule module =
        KernelModule.read(
            "virtio-rng.ko",
            Packages.module(
                "license=GPL",
                "alias=virtio:d4v*",
                "alias=rng",
                "depends=a-b,c",
                "softdep=pre: crypto-x y post: z",
                "vermagic=6 SMP"));
    assertEquals(
        new KernelModule(
            "virtio_rng",
            List.of("a_b", "c"),
            List.of("crypto-x", "y"),
            List.of("virtio:d4v*", "rng")),
        module);
  }

  @Test
  void aModuleThatNeedsNothingSaysSo() throws MalformedPackage {
    assertEquals(List.of(), KernelModule.read("a.ko", Packages.module("depends=")).needs());
  }

  @Test
  void namesAreCanonical() {
    assertEquals("virtio_rng", KernelModule.nameOf("virtio-rng.ko.xz"));
    assertEquals("ext4", KernelModule.nameOf("ext4.ko"));
  }

  @Test
  void otherFilesAreRefused() {
    assertThrows(MalformedPackage.class, () -> KernelModule.read("a.ko", new byte[0]));
    assertThrows(MalformedPackage.class, () -> KernelModule.read("a.ko", new byte[200]));
  }

  @Test
  void damageIsAnErrorOfThatKind() {
    byte[] good = Packages.module("depends=a", "alias=b");
    Random random = new Random(41);
    for (int round = 0; round < 5000; round++) {
      byte[] bad = good.clone();
      // Most of what matters is in the header and the table at the end.
      int at = random.nextBoolean() ? random.nextInt(64) : bad.length - 1 - random.nextInt(192);
      bad[at] = (byte) random.nextInt(256);
      int length = random.nextInt(4) == 0 ? random.nextInt(bad.length) : bad.length;
      try {
        KernelModule.read("a.ko", Arrays.copyOf(bad, length));
      } catch (MalformedPackage expected) {
        // As it should be; anything else fails the test.
      }
    }
  }
}
