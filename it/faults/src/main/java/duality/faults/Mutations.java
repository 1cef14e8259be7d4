package duality.faults;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.attribute.RuntimeVisibleTypeAnnotationsAttribute;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the places for faults in class files, and makes the faulty ones.
 *
 * <p>No change touches the types on the operand stack or in locals, so the stack maps of the
 * original stay valid, and no mutant is refused by the verifier instead of being run.
 */
final class Mutations {
  private static final ClassDesc INJECTED = ClassDesc.of("duality.faults.injected.Injected");
  private static final ClassDesc CONTEXT = ClassDesc.of("duality.kernel.Context");
  private static final ClassFile FILES =
      ClassFile.of(
          ClassFile.StackMapsOption.DROP_STACK_MAPS, ClassFile.DeadCodeOption.KEEP_DEAD_CODE);

  private static final Map<Opcode, Opcode> NEGATED =
      pairs(
          Opcode.IFEQ,
          Opcode.IFNE,
          Opcode.IFLT,
          Opcode.IFGE,
          Opcode.IFGT,
          Opcode.IFLE,
          Opcode.IF_ICMPEQ,
          Opcode.IF_ICMPNE,
          Opcode.IF_ICMPLT,
          Opcode.IF_ICMPGE,
          Opcode.IF_ICMPGT,
          Opcode.IF_ICMPLE,
          Opcode.IF_ACMPEQ,
          Opcode.IF_ACMPNE,
          Opcode.IFNULL,
          Opcode.IFNONNULL);
  private static final Map<Opcode, Opcode> SHIFTED =
      pairs(
          Opcode.IFLT,
          Opcode.IFLE,
          Opcode.IFGT,
          Opcode.IFGE,
          Opcode.IF_ICMPLT,
          Opcode.IF_ICMPLE,
          Opcode.IF_ICMPGT,
          Opcode.IF_ICMPGE);

  /** Calls that give something back. */
  private static final Set<String> GIVING_BACK =
      Set.of("Grant.close", "Root.free", "Space.unmap", "Context.revoke", "Context.removeSpace");

  /** Calls that tell somebody something. */
  private static final Set<String> TELLING =
      Set.of(
          "Notification.signal",
          "InterruptController.raise",
          "InterruptController.lower",
          "InterruptController.level",
          "InterruptController.set",
          "KernelThread.resume");

  private Mutations() {}

  private static Map<Opcode, Opcode> pairs(Opcode... ofTwo) {
    Map<Opcode, Opcode> both = new java.util.EnumMap<>(Opcode.class);
    for (int i = 0; i < ofTwo.length; i += 2) {
      both.put(ofTwo[i], ofTwo[i + 1]);
      both.put(ofTwo[i + 1], ofTwo[i]);
    }
    return both;
  }

  /** All places in one class. */
  static List<Site> sites(String file, byte[] bytes) {
    List<Site> sites = new ArrayList<>();
    ClassModel model = FILES.parse(bytes);
    String type = model.thisClass().asInternalName();
    type = type.substring(type.lastIndexOf('/') + 1);
    for (int m = 0; m < model.methods().size(); m++) {
      MethodModel method = model.methods().get(m);
      CodeModel code = method.code().orElse(null);
      String name = method.methodName().stringValue();
      if (code == null || name.equals("<clinit>")) {
        continue;
      }
      Collector collector = new Collector(sites, file, m, type + "." + name);
      if (!name.equals("<init>")) {
        collector.entry(name, method.methodTypeSymbol());
      }
      code.forEach(collector::element);
    }
    return sites;
  }

  private static final class Collector {
    private final List<Site> sites;
    private final String file;
    private final int method;
    private final String where;
    private int element;
    private int line;

    Collector(List<Site> sites, String file, int method, String where) {
      this.sites = sites;
      this.file = file;
      this.method = method;
      this.where = where;
    }

    private void add(FaultKind kind, int at, int variant, String what) {
      String place = where + (line > 0 ? ":" + line : "");
      sites.add(new Site(kind, file, method, at, variant, place + " " + what));
    }

    void entry(String name, MethodTypeDesc type) {
      add(FaultKind.EXCEPTION, -1, 0, "throws");
      add(FaultKind.LOOP, -1, 0, "loops");
      add(FaultKind.WAIT, -1, 0, "waits for ever");
      add(FaultKind.SLOW, -1, 0, "takes 20 ms more");
      add(FaultKind.EXIT, -1, 0, "calls System.exit");
      add(FaultKind.BURN, -1, 0, "calls BigInteger.modPow");
      add(FaultKind.HEAP, -1, 0, "fills the heap");
      add(FaultKind.CRASH, -1, 0, "writes to address 0");
      add(FaultKind.REFLECT, -1, 0, "calls System.exit through reflection");
      if (name.equals("open")
          && type.parameterCount() == 2
          && type.parameterType(0).equals(CONTEXT)) {
        add(FaultKind.GHOST, -1, 0, "leaves a thread behind");
      }
    }

    void element(CodeElement each) {
      switch (each) {
        case LineNumber number -> line = number.line();
        case BranchInstruction branch -> {
          if (NEGATED.containsKey(branch.opcode())) {
            add(FaultKind.MUTANT, element, 0, branch.opcode() + " negated");
          }
          if (SHIFTED.containsKey(branch.opcode())) {
            add(FaultKind.MUTANT, element, 1, branch.opcode() + " with the other bound");
          }
        }
        case ConstantInstruction constant -> {
          if (constant.constantValue() instanceof Integer
              || constant.constantValue() instanceof Long) {
            add(FaultKind.MUTANT, element, 1, constant.constantValue() + " plus one");
            add(FaultKind.MUTANT, element, -1, constant.constantValue() + " minus one");
          }
        }
        case IncrementInstruction increment -> {
          add(FaultKind.MUTANT, element, 1, "increment plus one");
          add(FaultKind.MUTANT, element, -1, "increment minus one");
        }
        case InvokeInstruction call -> call(call);
        case FieldInstruction field -> {
          if (field.opcode() == Opcode.PUTFIELD || field.opcode() == Opcode.PUTSTATIC) {
            add(FaultKind.MUTANT, element, 0, "no store to " + field.name().stringValue());
          }
        }
        case ArrayStoreInstruction _ -> add(FaultKind.MUTANT, element, 0, "no store to an array");
        case ReturnInstruction result -> {
          TypeKind kind = result.typeKind();
          if (kind == TypeKind.INT || kind == TypeKind.LONG || kind == TypeKind.REFERENCE) {
            add(FaultKind.WRONG, element, 0, "answers wrongly");
          }
        }
        default -> {}
      }
      element++;
    }

    private void call(InvokeInstruction call) {
      String name = call.name().stringValue();
      if (name.equals("<init>")) {
        return;
      }
      String owner = call.owner().asInternalName();
      String text = owner.substring(owner.lastIndexOf('/') + 1) + "." + name;
      add(FaultKind.MUTANT, element, 0, "no call of " + text);
      if (GIVING_BACK.contains(text)) {
        add(FaultKind.LEAK, element, 0, "no call of " + text);
      }
      if (TELLING.contains(text)) {
        add(FaultKind.LOST, element, 0, "no call of " + text);
      }
      if (text.equals("State.with")) {
        add(FaultKind.CORRUPT, element, 0, "saves another value");
      }
    }
  }

  /** The class with the fault. */
  static byte[] mutate(byte[] bytes, Site site) {
    ClassModel model = FILES.parse(bytes);
    MethodModel wanted = model.methods().get(site.method());
    return FILES.transformClass(
        model,
        (builder, each) -> {
          if (each == wanted) {
            builder.transformMethod(
                wanted,
                (methodBuilder, part) -> {
                  if (part instanceof CodeModel code) {
                    methodBuilder.transformCode(code, new Change(code, site));
                  } else {
                    methodBuilder.with(part);
                  }
                });
          } else if (each instanceof MethodModel other && other.code().isPresent()) {
            // Frames are dropped by the option above, so every method's are put back.
            builder.transformMethod(
                other,
                (methodBuilder, part) -> {
                  if (part instanceof CodeModel code) {
                    methodBuilder.transformCode(code, new Change(code, null));
                  } else {
                    methodBuilder.with(part);
                  }
                });
          } else {
            builder.with(each);
          }
        });
  }

  private static final class Change implements CodeTransform {
    private final CodeModel code;
    private final @Nullable Site site;
    private int element;

    Change(CodeModel code, @Nullable Site site) {
      this.code = code;
      this.site = site;
    }

    @Override
    public void atStart(CodeBuilder builder) {
      if (site == null || site.element() >= 0) {
        return;
      }
      if (site.kind() == FaultKind.GHOST) {
        builder.aload(1);
        builder.invokestatic(INJECTED, "haunt", MethodTypeDesc.of(ConstantDescs.CD_void, CONTEXT));
        return;
      }
      String name =
          switch (site.kind()) {
            case EXCEPTION -> "raise";
            case LOOP -> "loop";
            case WAIT -> "await";
            case EXIT -> "exit";
            case BURN -> "burn";
            case HEAP -> "fill";
            case CRASH -> "crash";
            case REFLECT -> "reflect";
            default -> "slow";
          };
      builder.invokestatic(INJECTED, name, ConstantDescs.MTD_void);
    }

    @Override
    public void accept(CodeBuilder builder, CodeElement each) {
      if (site != null && site.element() == element++) {
        change(builder, each, site);
      } else if (!(each instanceof RuntimeVisibleTypeAnnotationsAttribute)) {
        // Those have offsets into the code as numbers, which would be wrong afterwards.
        builder.with(each);
      }
    }

    @Override
    public void atEnd(CodeBuilder builder) {
      code.findAttribute(Attributes.stackMapTable()).ifPresent(builder::with);
    }
  }

  private static void change(CodeBuilder builder, CodeElement each, Site site) {
    switch (each) {
      case BranchInstruction branch -> {
        Opcode other =
            (site.variant() == 0 ? NEGATED : SHIFTED).getOrDefault(branch.opcode(), Opcode.GOTO);
        builder.with(BranchInstruction.of(other, branch.target()));
      }
      case ConstantInstruction constant -> {
        if (constant.constantValue() instanceof Long number) {
          builder.loadConstant(number + site.variant());
        } else if (constant.constantValue() instanceof Integer number) {
          builder.loadConstant(number + site.variant());
        }
      }
      case IncrementInstruction increment ->
          builder.iinc(increment.slot(), increment.constant() + site.variant());
      case InvokeInstruction call -> {
        if (site.kind() == FaultKind.CORRUPT) {
          builder.invokestatic(
              INJECTED,
              "corrupt",
              MethodTypeDesc.of(ConstantDescs.CD_Object, ConstantDescs.CD_Object));
          builder.with(call);
        } else {
          leaveOut(builder, call);
        }
      }
      case FieldInstruction field -> {
        pop(builder, TypeKind.from(field.typeSymbol()));
        if (field.opcode() == Opcode.PUTFIELD) {
          builder.pop();
        }
      }
      case ArrayStoreInstruction store -> {
        pop(builder, store.typeKind());
        builder.pop2();
      }
      case ReturnInstruction result -> {
        switch (result.typeKind()) {
          case INT ->
              builder.invokestatic(
                  INJECTED, "wrong", MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_int));
          case LONG ->
              builder.invokestatic(
                  INJECTED,
                  "wrong",
                  MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long));
          default -> builder.pop().aconst_null();
        }
        builder.with(result);
      }
      default -> throw new IllegalStateException(site + " is not at its place: " + each);
    }
  }

  /** Takes the arguments off the stack and puts a zero or null in the place of the result. */
  private static void leaveOut(CodeBuilder builder, InvokeInstruction call) {
    MethodTypeDesc type = call.typeSymbol();
    for (int i = type.parameterCount() - 1; i >= 0; i--) {
      pop(builder, TypeKind.from(type.parameterType(i)));
    }
    if (call.opcode() != Opcode.INVOKESTATIC) {
      builder.pop();
    }
    switch (TypeKind.from(type.returnType()).asLoadable()) {
      case INT -> builder.iconst_0();
      case LONG -> builder.lconst_0();
      case FLOAT -> builder.fconst_0();
      case DOUBLE -> builder.dconst_0();
      case REFERENCE -> builder.aconst_null();
      default -> {}
    }
  }

  private static void pop(CodeBuilder builder, TypeKind kind) {
    if (kind.slotSize() == 2) {
      builder.pop2();
    } else {
      builder.pop();
    }
  }
}
