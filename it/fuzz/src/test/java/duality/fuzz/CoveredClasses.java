package duality.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Loads the system's classes anew and counts what is reached in those that guests can talk to:
 * devices, virtio, the monitor's board, the reader of programs, and the slow parts of the engine.
 * The engine's inner loop and the core are left as they are, for their speed.
 *
 * <p>A count is an {@code invokestatic} with a constant and no result, behind a label that has a
 * stack map frame already or where the frame is the one before; so those of the original stay
 * right.
 */
public final class CoveredClasses extends ClassLoader {
  private static final List<String> COUNTED =
      List.of(
          "duality.uart.",
          "duality.plic.",
          "duality.clock.",
          "duality.finisher.",
          "duality.virtio.",
          "duality.drivers.virtio.",
          "duality.net.",
          "duality.vmm.board.",
          "duality.vmm.machine.",
          "duality.vmm.bare.",
          "duality.vmm.gdb.",
          "duality.vmm.xen.",
          "duality.processor.interpreter.");

  private static final List<String> LEFT_ALONE =
      List.of(
          "duality.processor.interpreter.Loop",
          "duality.processor.interpreter.Host",
          "duality.vmm.machine.Rig");

  private static final ClassDesc COVERAGE = ClassDesc.of("duality.fuzz.Coverage");
  private static final MethodTypeDesc PLACE =
      MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);
  private static final ClassFile FILES =
      ClassFile.of(
          ClassFile.StackMapsOption.DROP_STACK_MAPS,
          ClassFile.DeadCodeOption.KEEP_DEAD_CODE,
          ClassFile.ShortJumpsOption.FAIL_ON_SHORT_JUMPS);

  /** A loader whose classes count into their own {@link Coverage}. */
  public CoveredClasses(ClassLoader parent) {
    super(parent);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    boolean shared = !name.startsWith("duality.") || name.equals(Target.class.getName());
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      return shared ? super.loadClass(name, resolve) : known != null ? known : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] file = in.readAllBytes();
      byte[] counted = isCounted(name) ? counted(file, name.hashCode()) : file;
      return defineClass(name, counted, 0, counted.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  private static boolean isCounted(String name) {
    return COUNTED.stream().anyMatch(name::startsWith)
        && LEFT_ALONE.stream().noneMatch(each -> name.equals(each) || name.startsWith(each + "$"));
  }

  /** The class with counts; as it was when a jump would become too long. */
  static byte[] counted(byte[] file, int firstPlace) {
    ClassModel model = FILES.parse(file);
    int[] place = {firstPlace};
    try {
      return FILES.transformClass(
          model,
          (builder, element) -> {
            if (element instanceof MethodModel method && method.code().isPresent()) {
              builder.transformMethod(
                  method,
                  (inMethod, part) -> {
                    if (part instanceof CodeModel code) {
                      inMethod.transformCode(code, new Counting(code, place));
                    } else {
                      inMethod.with(part);
                    }
                  });
            } else {
              builder.with(element);
            }
          });
    } catch (IllegalArgumentException tooLong) {
      return file;
    }
  }

  private static final class Counting implements CodeTransform {
    private final CodeModel original;
    private final int[] place;
    private final Set<Label> reached = new HashSet<>();

    /** Whether a label was passed that something jumps to, and no instruction since. */
    private boolean due;

    Counting(CodeModel original, int[] place) {
      this.original = original;
      this.place = place;
      for (CodeElement each : original) {
        switch (each) {
          case BranchInstruction branch -> reached.add(branch.target());
          case TableSwitchInstruction table -> {
            reached.add(table.defaultTarget());
            table.cases().forEach(one -> reached.add(one.target()));
          }
          case LookupSwitchInstruction lookup -> {
            reached.add(lookup.defaultTarget());
            lookup.cases().forEach(one -> reached.add(one.target()));
          }
          case ExceptionCatch caught -> reached.add(caught.handler());
          default -> {}
        }
      }
    }

    @Override
    public void atStart(CodeBuilder builder) {
      count(builder);
    }

    @Override
    public void accept(CodeBuilder builder, CodeElement element) {
      if (element instanceof LabelTarget target && reached.contains(target.label())) {
        due = true;
      } else if (element instanceof Instruction && due) {
        due = false;
        // Frames name objects that are not initialised by the place of their "new", a label.
        if (!(element instanceof NewObjectInstruction)) {
          count(builder);
        }
      }
      builder.with(element);
    }

    @Override
    public void atEnd(CodeBuilder builder) {
      original.findAttribute(Attributes.stackMapTable()).ifPresent(builder::with);
    }

    private void count(CodeBuilder builder) {
      // Numbers that lie far apart for neighbours: classes' first ones are hashes of their names.
      place[0] += 0x9e37;
      builder.loadConstant(place[0] & Coverage.PLACES - 1);
      builder.invokestatic(COVERAGE, "hit", PLACE);
    }
  }
}
