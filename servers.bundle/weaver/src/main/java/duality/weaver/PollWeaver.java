package duality.weaver;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Rewrites one class.
 *
 * <p>A poll is an {@code invokestatic} without operands or result. So it can stand before any
 * instruction, also before the call of {@code super()} in a constructor, and no stack map frame
 * changes: those of the original are taken over with their labels. No class has to be looked up or
 * loaded for that, which a computation of new frames would need.
 *
 * <p>Polls stand before every branch and switch with a target at or before itself, and at the start
 * of methods that call others: recursion needs a call, and what neither calls nor loops ends.
 */
final class PollWeaver {
  private static final ClassDesc POLL = ClassDesc.of("duality.kernel.AbortPoll");
  private static final MethodTypeDesc NOTHING = ConstantDescs.MTD_void;
  private static final ClassDesc SYSTEM = ClassDesc.of("java.lang.System");
  private static final ClassDesc RUNTIME = ClassDesc.of("java.lang.Runtime");
  private static final MethodTypeDesc OF_STATUS =
      MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);
  private static final MethodTypeDesc OF_RUNTIME =
      MethodTypeDesc.of(ConstantDescs.CD_void, RUNTIME, ConstantDescs.CD_int);

  /** Long jumps would need frames that the original does not have: such a class is not woven. */
  private static final ClassFile FILES =
      ClassFile.of(
          ClassFile.StackMapsOption.DROP_STACK_MAPS,
          ClassFile.DeadCodeOption.KEEP_DEAD_CODE,
          ClassFile.ShortJumpsOption.FAIL_ON_SHORT_JUMPS);

  /** Polls and diversions put in. */
  private int changes;

  /**
   * The class with polls, or null when it needs none.
   *
   * @throws IllegalArgumentException when this is no class file that can be rewritten
   */
  static byte @Nullable [] weave(byte[] original) {
    PollWeaver weaver = new PollWeaver();
    ClassModel model = FILES.parse(original);
    byte[] woven = FILES.transformClass(model, weaver.ofClass());
    return weaver.changes == 0 ? null : woven;
  }

  private ClassTransform ofClass() {
    return (builder, element) -> {
      if (element instanceof MethodModel method && method.code().isPresent()) {
        builder.transformMethod(method, ofMethod());
      } else {
        builder.with(element);
      }
    };
  }

  private MethodTransform ofMethod() {
    return (builder, element) -> {
      if (element instanceof CodeModel code) {
        builder.transformCode(code, new OfCode(code));
      } else {
        builder.with(element);
      }
    };
  }

  private final class OfCode implements CodeTransform {
    private final CodeModel original;
    private final Set<Label> passed = new HashSet<>();

    OfCode(CodeModel original) {
      this.original = original;
    }

    @Override
    public void atStart(CodeBuilder builder) {
      for (CodeElement each : original) {
        if (each instanceof InvokeInstruction || each instanceof InvokeDynamicInstruction) {
          poll(builder);
          return;
        }
      }
    }

    @Override
    public void accept(CodeBuilder builder, CodeElement element) {
      switch (element) {
        case LabelTarget target -> {
          passed.add(target.label());
          builder.with(target);
        }
        case BranchInstruction branch -> {
          if (passed.contains(branch.target())) {
            poll(builder);
          }
          builder.with(branch);
        }
        case TableSwitchInstruction table -> {
          pollBeforeSwitch(builder, table.defaultTarget(), table.cases());
          builder.with(table);
        }
        case LookupSwitchInstruction lookup -> {
          pollBeforeSwitch(builder, lookup.defaultTarget(), lookup.cases());
          builder.with(lookup);
        }
        case InvokeInstruction call -> {
          if (!divert(builder, call)) {
            builder.with(call);
          }
        }
        case InvokeDynamicInstruction call -> reference(builder, call);
        default -> builder.with(element);
      }
    }

    @Override
    public void atEnd(CodeBuilder builder) {
      original.findAttribute(Attributes.stackMapTable()).ifPresent(builder::with);
    }

    private void pollBeforeSwitch(CodeBuilder builder, Label otherwise, List<SwitchCase> cases) {
      if (passed.contains(otherwise)
          || cases.stream().anyMatch(each -> passed.contains(each.target()))) {
        poll(builder);
      }
    }
  }

  private void poll(CodeBuilder builder) {
    changes++;
    builder.invokestatic(POLL, "poll", NOTHING);
  }

  /** Puts a call of ours in the place of one that ends the JVM; says whether it was one. */
  private boolean divert(CodeBuilder builder, InvokeInstruction call) {
    String name = call.name().stringValue();
    if (!call.typeSymbol().equals(OF_STATUS)) {
      return false;
    }
    ClassDesc owner = call.owner().asSymbol();
    if (owner.equals(SYSTEM) && name.equals("exit")) {
      builder.invokestatic(POLL, name, OF_STATUS);
    } else if (owner.equals(RUNTIME) && (name.equals("exit") || name.equals("halt"))) {
      builder.invokestatic(POLL, name, OF_RUNTIME);
    } else {
      return false;
    }
    changes++;
    return true;
  }

  /** The same for method references, which are arguments of a bootstrap method. */
  private void reference(CodeBuilder builder, InvokeDynamicInstruction call) {
    List<ConstantDesc> arguments = call.bootstrapArgs();
    List<ConstantDesc> diverted = arguments.stream().map(PollWeaver::diverted).toList();
    if (diverted.equals(arguments)) {
      builder.with(call);
      return;
    }
    changes++;
    builder.invokedynamic(
        DynamicCallSiteDesc.of(
            call.bootstrapMethod(),
            call.name().stringValue(),
            call.typeSymbol(),
            diverted.toArray(ConstantDesc[]::new)));
  }

  private static ConstantDesc diverted(ConstantDesc argument) {
    if (!(argument instanceof DirectMethodHandleDesc handle)) {
      return argument;
    }
    String name = handle.methodName();
    if (handle.owner().equals(SYSTEM) && name.equals("exit")) {
      return MethodHandleDesc.ofMethod(DirectMethodHandleDesc.Kind.STATIC, POLL, name, OF_STATUS);
    }
    if (handle.owner().equals(RUNTIME) && (name.equals("exit") || name.equals("halt"))) {
      return MethodHandleDesc.ofMethod(DirectMethodHandleDesc.Kind.STATIC, POLL, name, OF_RUNTIME);
    }
    return argument;
  }
}
