package duality.dial;

import static java.lang.classfile.ClassFile.ACC_FINAL;
import static java.lang.classfile.ClassFile.ACC_PUBLIC;

import duality.kernel.Instance;
import duality.kernel.Protocol;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Generates, for the class of a server's instance, the class that stands in front of it: one that
 * implements the same protocols. In a loader of its own, as the kernel's stubs are, because no
 * bundle sees all of it; the class lives as long as that of the instance.
 */
final class CrossingFactory {
  private static final ClassDesc CROSSING = ClassDesc.of(Crossing.class.getName());
  private static final MethodTypeDesc HAND_OFF =
      MethodTypeDesc.of(
          ConstantDescs.CD_Object, ConstantDescs.CD_int, ConstantDescs.CD_Object.arrayType());

  private static final ClassValue<Form> FORMS =
      new ClassValue<>() {
        @Override
        protected Form computeValue(Class<?> type) {
          return generate(type);
        }
      };

  private CrossingFactory() {}

  /**
   * A generated class.
   *
   * @param constructor makes one
   * @param methods of the protocols, in the order of their numbers
   */
  record Form(Constructor<?> constructor, Method[] methods) {}

  /** The form for instances of that class. */
  static Form of(Class<?> instance) {
    return FORMS.get(instance);
  }

  private static final class Bridge extends ClassLoader {
    private final Set<ClassLoader> others;

    Bridge(Set<ClassLoader> seen) {
      super("duality dial", CrossingFactory.class.getClassLoader());
      others = seen;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      for (ClassLoader each : others) {
        try {
          return Class.forName(name, false, each);
        } catch (ClassNotFoundException e) {
          continue; // another one may have it
        }
      }
      throw new ClassNotFoundException(name);
    }

    Class<?> define(String name, byte[] bytes) {
      return defineClass(name, bytes, 0, bytes.length);
    }
  }

  /** The protocols of a class, its own and inherited ones. */
  static Set<Class<?>> protocols(Class<?> type) {
    Set<Class<?>> found = new LinkedHashSet<>();
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      for (Class<?> implemented : each.getInterfaces()) {
        if (isProtocol(implemented)) {
          found.add(implemented);
        }
      }
    }
    return found;
  }

  private static boolean isProtocol(Class<?> type) {
    return type != Instance.class
        && Modifier.isPublic(type.getModifiers())
        && (type.isAnnotationPresent(Protocol.class)
            || Arrays.stream(type.getInterfaces()).anyMatch(CrossingFactory::isProtocol));
  }

  private static Form generate(Class<?> instance) {
    Set<Class<?>> protocols = protocols(instance);
    if (protocols.isEmpty()) {
      throw new IllegalArgumentException(instance.getName() + " serves no protocol");
    }
    Map<String, Method> methods = new LinkedHashMap<>();
    Set<ClassLoader> loaders = new LinkedHashSet<>();
    for (Class<?> protocol : protocols) {
      loaders.add(protocol.getClassLoader());
      for (Method each : protocol.getMethods()) {
        if (Modifier.isAbstract(each.getModifiers())) {
          methods.putIfAbsent(each.getName() + type(each).descriptorString(), each);
        }
      }
    }
    List<Method> numbered = new ArrayList<>(methods.values());
    String name = "duality.dial.crossing." + instance.getSimpleName() + "Crossing";
    byte[] bytes =
        ClassFile.of()
            .build(
                ClassDesc.of(name),
                builder -> {
                  builder.withFlags(ACC_PUBLIC | ACC_FINAL);
                  builder.withSuperclass(CROSSING);
                  builder.withInterfaceSymbols(
                      protocols.stream().map(CrossingFactory::named).toList());
                  builder.withMethodBody(
                      ConstantDescs.INIT_NAME,
                      ConstantDescs.MTD_void,
                      ACC_PUBLIC,
                      code ->
                          code.aload(0)
                              .invokespecial(
                                  CROSSING, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                              .return_());
                  for (int i = 0; i < numbered.size(); i++) {
                    call(builder, numbered.get(i), i);
                  }
                });
    try {
      Class<?> made = new Bridge(loaders).define(name, bytes);
      return new Form(made.getConstructor(), numbered.toArray(Method[]::new));
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ClassDesc named(Class<?> type) {
    return type.describeConstable().orElseThrow();
  }

  private static MethodType type(Method method) {
    return MethodType.methodType(method.getReturnType(), method.getParameterTypes());
  }

  /** Pays, and calls the one behind; or has its arguments carried to another thread. */
  private static void call(ClassBuilder builder, Method method, int number) {
    MethodTypeDesc descriptor = type(method).describeConstable().orElseThrow();
    Class<?>[] types = method.getParameterTypes();
    builder.withMethodBody(
        method.getName(),
        descriptor,
        ACC_PUBLIC,
        code -> {
          Label elsewhere = code.newLabel();
          code.aload(0)
              .invokevirtual(CROSSING, "$pay", MethodTypeDesc.of(ConstantDescs.CD_boolean));
          code.ifne(elsewhere);
          ClassDesc protocol = named(method.getDeclaringClass());
          code.aload(0)
              .invokevirtual(CROSSING, "$behind", MethodTypeDesc.of(ConstantDescs.CD_Object))
              .checkcast(protocol);
          for (int i = 0; i < types.length; i++) {
            code.loadLocal(TypeKind.from(types[i]), code.parameterSlot(i));
          }
          code.invokeinterface(protocol, method.getName(), descriptor);
          TypeKind kind = TypeKind.from(method.getReturnType());
          code.return_(kind);

          code.labelBinding(elsewhere);
          code.aload(0).loadConstant(number).loadConstant(types.length);
          code.anewarray(ConstantDescs.CD_Object);
          for (int i = 0; i < types.length; i++) {
            code.dup().loadConstant(i);
            code.loadLocal(TypeKind.from(types[i]), code.parameterSlot(i));
            if (types[i].isPrimitive()) {
              ClassDesc box = named(MethodType.methodType(types[i]).wrap().returnType());
              code.invokestatic(box, "valueOf", MethodTypeDesc.of(box, named(types[i])));
            }
            code.aastore();
          }
          code.invokevirtual(CROSSING, "$handOff", HAND_OFF);
          Class<?> result = method.getReturnType();
          if (result == void.class) {
            code.pop();
          } else if (result.isPrimitive()) {
            ClassDesc box = named(MethodType.methodType(result).wrap().returnType());
            code.checkcast(box);
            code.invokevirtual(box, result.getName() + "Value", MethodTypeDesc.of(named(result)));
          } else {
            code.checkcast(named(result));
          }
          code.return_(kind);
        });
  }
}
