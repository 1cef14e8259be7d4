package duality.kernel.core;

import static java.lang.classfile.ClassFile.ACC_FINAL;
import static java.lang.classfile.ClassFile.ACC_PUBLIC;

import duality.kernel.Idempotent;
import duality.kernel.Needs;
import duality.kernel.Protocol;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Generates the class of the capabilities to one protocol or one kind of kernel object.
 *
 * <p>A hidden class in a foreign bundle's package cannot be defined, and a protocol's bundle does
 * not see the kernel's classes. So each protocol has a small bridge loader: its parent is the
 * protocol's loader, and the kernel's own classes it asks of the kernel's. The classes are held by
 * {@link ClassValue}: they live as long as the protocol.
 */
final class StubFactory {
  private static final ClassDesc STUB = ClassDesc.of(Stub.class.getName());
  private static final ClassDesc SLOT = ClassDesc.of(CallSlot.class.getName());
  private static final ClassDesc THROWABLE = ConstantDescs.CD_Throwable;
  private static final ClassDesc FAILED = ClassDesc.of("duality.kernel.CallFailed");
  private static final MethodTypeDesc REPEAT =
      MethodTypeDesc.of(ConstantDescs.CD_boolean, FAILED, ConstantDescs.CD_int);
  private static final MethodTypeDesc NOTHING =
      MethodTypeDesc.of(THROWABLE, ConstantDescs.CD_String);
  private static final MethodTypeDesc OBJECT_OF_INT =
      MethodTypeDesc.of(ConstantDescs.CD_Object, ConstantDescs.CD_int);
  private static final MethodTypeDesc OBJECT_OF_OBJECT =
      MethodTypeDesc.of(ConstantDescs.CD_Object, ConstantDescs.CD_Object);

  private static final ClassValue<Constructor<?>> CONSTRUCTORS =
      new ClassValue<>() {
        @Override
        protected Constructor<?> computeValue(Class<?> type) {
          return generate(type);
        }
      };

  private StubFactory() {}

  /** A capability to something of that type, leading nowhere yet. */
  static Stub make(Class<?> type) {
    try {
      return (Stub) CONSTRUCTORS.get(type).newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("stub of " + type.getName(), e);
    }
  }

  private static final class Bridge extends ClassLoader {
    Bridge(ClassLoader protocols) {
      super("duality bridge", protocols);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      if (name.startsWith("duality.kernel.")) {
        return Class.forName(name, false, StubFactory.class.getClassLoader());
      }
      throw new ClassNotFoundException(name);
    }

    Class<?> define(String name, byte[] bytes) {
      return defineClass(name, bytes, 0, bytes.length, StubFactory.class.getProtectionDomain());
    }
  }

  private static Constructor<?> generate(Class<?> type) {
    if (!type.isInterface() || !Modifier.isPublic(type.getModifiers())) {
      throw new IllegalArgumentException(
          type.getName() + " cannot be a protocol: it is not a public interface");
    }
    String name = "duality.stub." + type.getSimpleName() + "Capability";
    boolean endpoint = protocol(type) != null;
    byte[] bytes =
        ClassFile.of()
            .build(
                ClassDesc.of(name),
                builder -> {
                  builder.withFlags(ACC_PUBLIC | ACC_FINAL);
                  builder.withSuperclass(STUB);
                  builder.withInterfaceSymbols(type.describeConstable().orElseThrow());
                  builder.withMethodBody(
                      ConstantDescs.INIT_NAME,
                      ConstantDescs.MTD_void,
                      ACC_PUBLIC,
                      code ->
                          code.aload(0)
                              .invokespecial(STUB, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                              .return_());
                  for (Method method : methods(type).values()) {
                    if (endpoint) {
                      call(builder, type, method);
                    } else {
                      invocation(builder, type, method);
                    }
                  }
                });
    try {
      Class<?> made = new Bridge(type.getClassLoader()).define(name, bytes);
      return made.getConstructor();
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What makes the type, or one it extends, an endpoint's protocol; null when nothing does. */
  static @Nullable Protocol protocol(Class<?> type) {
    Protocol own = type.getAnnotation(Protocol.class);
    for (Class<?> each : type.getInterfaces()) {
      own = own == null ? protocol(each) : own;
    }
    return own;
  }

  /** Methods by signature, inherited ones too; of a protocol also those that a server may leave. */
  static Map<String, Method> methods(Class<?> type) {
    Map<String, Method> found = new LinkedHashMap<>();
    for (Method each : type.getMethods()) {
      if (Modifier.isAbstract(each.getModifiers()) || each.isDefault() && protocol(type) != null) {
        found.putIfAbsent(
            each.getName()
                + each.getReturnType().descriptorString()
                + Arrays.toString(each.getParameterTypes()),
            each);
      }
    }
    return found;
  }

  private static MethodTypeDesc descriptor(Method method) {
    return MethodTypeDesc.of(
        method.getReturnType().describeConstable().orElseThrow(),
        Arrays.stream(method.getParameterTypes())
            .map(each -> each.describeConstable().orElseThrow())
            .toList());
  }

  private static int needs(Method method) {
    Needs needs = method.getAnnotation(Needs.class);
    return needs == null ? 0 : needs.value();
  }

  /** Whether a value of that static type may be a capability at run time. */
  private static boolean mayBeCapability(Class<?> type) {
    return type == Object.class || (type.isInterface() && !type.getName().startsWith("java."));
  }

  /** A method of an endpoint: enter, call, exit; an exception goes through {@link Stub#$failed}. */
  private static void call(ClassBuilder builder, Class<?> type, Method method) {
    MethodTypeDesc descriptor = descriptor(method);
    builder.withMethodBody(
        method.getName(),
        descriptor,
        ACC_PUBLIC,
        code -> {
          boolean idempotent = method.isAnnotationPresent(Idempotent.class);
          int repeated = idempotent ? code.allocateLocal(TypeKind.INT) : -1;
          if (idempotent) {
            code.iconst_0().istore(repeated);
          }
          int slot = code.allocateLocal(TypeKind.REFERENCE);
          code.invokestatic(STUB, "$slot", MethodTypeDesc.of(SLOT)).astore(slot);
          int depth = code.allocateLocal(TypeKind.INT);
          code.aload(slot);
          code.invokestatic(STUB, "$depth", MethodTypeDesc.of(ConstantDescs.CD_int, SLOT));
          code.istore(depth);
          Label again = code.newBoundLabel();
          code.aload(0).aload(slot).iload(depth).loadConstant(needs(method));
          code.invokevirtual(
              STUB,
              "$enter",
              MethodTypeDesc.of(
                  ConstantDescs.CD_Object, SLOT, ConstantDescs.CD_int, ConstantDescs.CD_int));
          Label from = code.newBoundLabel();
          // No cast: open has checked it, and the verifier takes any reference for an interface.
          pushArguments(code, method);
          code.invokeinterface(
              type.describeConstable().orElseThrow(), method.getName(), descriptor);
          result(code, method);
          TypeKind kind = TypeKind.from(descriptor.returnType());
          int answer = kind == TypeKind.VOID ? -1 : code.allocateLocal(kind);
          if (answer >= 0) {
            code.storeLocal(kind, answer);
          }
          if (kind == TypeKind.REFERENCE) {
            Label some = code.newLabel();
            code.aload(answer).ifnonnull(some).loadConstant(method.getName());
            code.invokestatic(STUB, "$nothing", NOTHING).athrow().labelBinding(some);
          }
          Label to = code.newBoundLabel();
          code.aload(0).aload(slot).iload(depth);
          code.invokevirtual(
              STUB, "$exit", MethodTypeDesc.of(ConstantDescs.CD_void, SLOT, ConstantDescs.CD_int));
          if (answer >= 0) {
            code.loadLocal(kind, answer);
          }
          code.return_(kind);
          Label handler = code.newBoundLabel();
          int thrown = code.allocateLocal(TypeKind.REFERENCE);
          code.astore(thrown).aload(0).aload(slot).iload(depth).aload(thrown);
          code.invokevirtual(
              STUB, "$failed", MethodTypeDesc.of(FAILED, SLOT, ConstantDescs.CD_int, THROWABLE));
          if (idempotent) {
            code.astore(thrown).aload(0).aload(thrown).checkcast(FAILED).iload(repeated);
            code.invokevirtual(STUB, "$repeat", REPEAT);
            Label end = code.newLabel();
            code.ifeq(end).iinc(repeated, 1).goto_(again);
            code.labelBinding(end).aload(thrown).checkcast(FAILED);
          }
          code.athrow();
          code.exceptionCatchAll(from, to, handler);
        });
  }

  /** A method of a kernel object: check, invoke. */
  private static void invocation(ClassBuilder builder, Class<?> type, Method method) {
    MethodTypeDesc descriptor = descriptor(method);
    builder.withMethodBody(
        method.getName(),
        descriptor,
        ACC_PUBLIC,
        code -> {
          code.aload(0).loadConstant(needs(method));
          code.invokevirtual(STUB, "$object", OBJECT_OF_INT);
          code.checkcast(type.describeConstable().orElseThrow());
          pushArguments(code, method);
          code.invokeinterface(
              type.describeConstable().orElseThrow(), method.getName(), descriptor);
          result(code, method);
          code.return_(TypeKind.from(descriptor.returnType()));
        });
  }

  private static void pushArguments(CodeBuilder code, Method method) {
    Class<?>[] types = method.getParameterTypes();
    for (int i = 0; i < types.length; i++) {
      int slot = code.parameterSlot(i);
      if (mayBeCapability(types[i])) {
        code.aload(0).aload(slot).invokevirtual(STUB, "$pass", OBJECT_OF_OBJECT);
        code.checkcast(types[i].describeConstable().orElseThrow());
      } else {
        code.loadLocal(TypeKind.from(types[i]), slot);
      }
    }
  }

  private static void result(CodeBuilder code, Method method) {
    Class<?> type = method.getReturnType();
    if (mayBeCapability(type)) {
      int kept = code.allocateLocal(TypeKind.REFERENCE);
      code.astore(kept).aload(0).aload(kept).invokevirtual(STUB, "$result", OBJECT_OF_OBJECT);
      code.checkcast(type.describeConstable().orElseThrow());
    }
  }
}
