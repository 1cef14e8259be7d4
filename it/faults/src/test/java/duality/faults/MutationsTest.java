package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The faults are real ones: valid classes that do something else. */
class MutationsTest {
  private static final long SEED = 20_261_122;

  @TempDir private Path folder = Path.of("");

  @Test
  void mutantsAreAcceptedByTheVerifierAndDiffer() throws IOException {
    Installation system = SystemUnderTest.unpack(folder);
    ClassFile files =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(getClass().getClassLoader())
                    .orElse(ClassHierarchyResolver.defaultResolver())));
    Random random = new Random(SEED);
    List<String> wrong = new ArrayList<>();
    int checked = 0;
    for (Component component : Component.values()) {
      for (Map.Entry<String, byte[]> each : system.classes(component.bundle).entrySet()) {
        for (Site site : Mutations.sites(each.getKey(), each.getValue())) {
          if (random.nextInt(10) != 0) {
            continue;
          }
          byte[] mutant = Mutations.mutate(each.getValue(), site);
          checked++;
          if (Arrays.equals(mutant, each.getValue())) {
            wrong.add(site + " changes nothing");
          }
          if (!files.verify(mutant).isEmpty()) {
            wrong.add(site + ": " + files.verify(mutant).getFirst());
          }
        }
      }
    }
    assertEquals(List.of(), wrong, "seed " + SEED);
    assertTrue(checked > 500, checked + " mutants");
  }

  @Test
  void theSameSeedGivesTheSameSample() throws IOException {
    Installation system = SystemUnderTest.unpack(folder);
    try (Campaign one = new Campaign(system, folder, false, 1);
        Campaign again = new Campaign(system, folder, false, 1);
        Campaign other = new Campaign(system, folder, false, 2)) {
      List<FaultKind> all = List.of(FaultKind.values());
      List<Site> sample = one.sample(Component.UART, 30, all);
      assertEquals(sample, again.sample(Component.UART, 30, all));
      assertNotEquals(sample, other.sample(Component.UART, 30, all));
      assertFalse(one.sites(Component.UART).getOrDefault(FaultKind.MUTANT, List.of()).isEmpty());
    }
  }
}
